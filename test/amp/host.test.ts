import { expect } from "chai";
import {
  amp,
  boolean,
  bytes,
  defineCommand,
  float,
  integer,
  listOf,
  optional,
  RemoteAmpError,
  unicode,
} from "../../src/compat/amp/index.js";
import { call, currentCall, defineInterface, type Host, RemoteError, registerError, reply } from "../../src/index.js";
import { generateKeyPair } from "../../src/transport/index.js";
import { Divide, Notify, Sum, Switch, vectorResponders, ZeroDivision } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { useRawEnds } from "../support/amp-raw.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";
import { until } from "../support/until.js";

const ANY = "tcp://127.0.0.1:0";

class OutOfTea extends Error {}
registerError(OutOfTea, { name: "OutOfTea" });

const Echo = defineCommand({
  name: "EchoBack",
  arguments: { list: listOf(integer()), data: optional(bytes()), ratio: optional(float()), flag: optional(boolean()) },
  response: { list: listOf(integer()), data: optional(bytes()), seen: unicode() },
});

const Slow = defineCommand({ name: "slow", arguments: { ms: integer() }, response: { result: unicode() } });

const tea = defineInterface("demo.tea", {
  methods: {
    typed: {
      params: {
        "text?": "string",
        "whole?": "integer",
        "number?": "number",
        "flag?": "boolean",
        "data?": "bytes",
        "list?": "array",
        "object?": "object",
        "any?": undefined as never,
      },
      run: (...args: unknown[]) => {
        const [text, whole, number, flag, data, list, object] = args;
        return {
          seen: args.map((value) => (value instanceof Uint8Array ? "bytes" : typeof value)).join(" "),
          text,
          whole,
          number,
          flag,
          data,
          list,
          object,
        };
      },
    },
    back: {
      params: ["list", "data?", "ratio?", "flag?"],
      run: (list: unknown, data?: Uint8Array, ...rest: unknown[]) => ({
        list,
        data,
        seen: rest.map((value) => String(value)).join(" "),
      }),
    },
    sum: { params: ["a", "b"], run: (a: number, b: number) => a + b },
    divide: {
      params: ["numerator", "denominator"],
      run: (numerator: number, denominator: number) => {
        if (denominator === 0) throw new ZeroDivision("division by zero");
        return numerator / denominator;
      },
    },
    order: () => {
      throw new OutOfTea("none left");
    },
    own: () => {
      throw new RemoteAmpError("TEAPOT", "short and stout");
    },
    coded: () => {
      throw new RemoteError("no", { number: 7 });
    },
    functionBack: () => ({ f: { g: () => 1 } }),
    undeclaredAttachment: () => reply(1, { attachment: new Uint8Array(1) }),
    date: () => ({ at: new Date(0), big: 2n ** 64n, none: null }),
    list: () => [1, "a"],
    long: () => "x".repeat(70_000),
    who: () => ({ method: currentCall().method, peer: currentCall().peerId }),
    askBack: { params: ["a"], run: async (a: string) => call(currentCall().peer, "Sum", { a: Number(a), b: 1 }) },
  },
});

describe("amp() at a host", () => {
  const mesh = useMesh();
  const pairs = useAmpPairs();
  const raw = useRawEnds();
  const commands = { sum: Sum, divide: Divide, back: Echo };

  const host = (options: Parameters<typeof mesh.host>[1] = {}, table: Parameters<typeof amp>[0] = {}): Promise<Host> =>
    mesh.host([echo, tea], { address: { address: ANY, wire: amp(table) }, ...options });

  it("finds methods by their name, or with that of their interface, beside the other wires", async () => {
    const both = await mesh.host([echo, tea], { address: [ANY, { address: ANY, wire: amp() }] });
    const peer = await pairs.connect(both.addresses[1] ?? "");
    expect(await peer.add?.({ a: 1, b: 2, c: 3.5 })).to.deep.equal({ result: "6.5" });
    expect(await peer["demo.echo.add"]?.({ a: 1, b: 2 })).to.deep.equal({ result: "3" });
    expect(await peer.divmod?.({ a: "7", b: 2 })).to.deep.equal({ quotient: "3", remainder: "1" });
    expect(await mesh.client().connect(both.address, "demo.echo").add?.(1, 2)).to.equal(3);
    expect(both.peers.map(({ wire }) => wire).sort()).to.deep.equal(["amp", "pycom"]);
  });

  it("reads arguments as they are declared, and answers by what results are", async () => {
    const peer = await pairs.connect(await host());
    const octets = Uint8Array.of(255);
    expect(
      await peer.typed?.({ text: "t", whole: 7, number: 3, flag: true, data: octets, list: "[1]", object: '{"a":1}' }),
    ).to.deep.equal({
      seen: "string number number boolean bytes object object undefined",
      text: "t",
      whole: "7",
      number: "3",
      flag: "True",
      data: octets,
      list: "[1]",
      object: '{"a":1}',
    });
    expect(await peer.echo?.({ a: "x", b: octets })).to.deep.equal({ a: "x", b: octets });
    expect(await peer.echo?.()).to.deep.equal({});
    expect(await peer.list?.()).to.deep.equal({ result: '[1,"a"]' });
    expect(await peer.date?.()).to.deep.equal({ at: "1970-01-01T00:00:00.000000-00:00", big: String(2n ** 64n) });
    expect(await peer.digest?.({ data: "abc" })).to.include({ size: "3" });
    expect(await peer.blob?.({ size: "2" })).to.deep.equal({ size: "2", data: "\u0007\u0007" });
    expect(await peer.who?.()).to.include({ method: "who" });
  });

  it("knows the exact types of commands of its table, both ways", async () => {
    const peer = await pairs.connect(await host({}, commands));
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    expect(await peer.callRemote(Divide, { numerator: 1, denominator: 4 })).to.deep.equal({ result: 0.25 });
    expect(await peer.callRemote(Echo, { list: [1, 2], data: Uint8Array.of(1), ratio: 0.5 })).to.deep.equal({
      list: [1, 2],
      data: Uint8Array.of(1),
      seen: "0.5 undefined",
    });
    const wrong = await failureOf(peer.Sum?.({ a: "one", b: 1 }) ?? Promise.resolve());
    expect(wrong).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
    expect(wrong.message).to.match(/args\.a is no integer/);
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("answers calls that do not fit with a code, and goes on with the connection", async () => {
    const peer = await pairs.connect(await host());
    const failure = async (name: string, args = {}) => await failureOf(peer[name]?.(args) ?? Promise.resolve());
    const refused = { code: "BAD_REQUEST", outcome: "not-executed" };
    expect(await failure("add", { a: 1 }))
      .to.include(refused)
      .and.have.property("message")
      .that.matches(/args\.b .*is missing/);
    expect(await failure("add", { a: "x", b: 1 }))
      .to.include(refused)
      .and.have.property("message")
      .that.matches(/args\.a .* must be a number/);
    expect(await failure("typed", { list: "[" })).to.include(refused);
    expect(await failure("typed", { whole: 2n ** 60n })).to.include(refused);
    expect(await failure("introspect"))
      .to.include(refused)
      .and.have.property("message")
      .that.matches(/Several interfaces/);
    expect(await failure("Nope")).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    expect(await failureOf(peer.callBox("constructor", new Map()))).to.include({ code: "METHOD_NOT_FOUND" });
    expect(await failure("functionBack")).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(await failure("undeclaredAttachment"))
      .to.have.property("message")
      .that.matches(/attachment that the method does not declare/);
    expect(await failure("long")).to.include({ code: "TOO_LARGE", outcome: "executed" });
    expect(peer.info.isOpen).to.equal(true);
  });

  it("tells errors by the code of their class, and nothing of others", async () => {
    const { log, lines } = keepLog();
    const { address } = await host({ log }, commands);
    const peer = await pairs.connect(address);
    expect(await failureOf(peer.callRemote(Divide, { numerator: 1, denominator: 0 }))).to.be.instanceOf(ZeroDivision);
    expect(await failureOf(peer.callBox("order", new Map()))).to.include({
      errorCode: "OutOfTea",
      description: "none left",
      outcome: "executed",
    });
    expect(await failureOf(peer.callBox("own", new Map()))).to.include({
      errorCode: "TEAPOT",
      description: "short and stout",
    });
    expect(await failureOf(peer.callBox("coded", new Map()))).to.include({ errorCode: "UNKNOWN", description: "no" });
    const hidden = await failureOf(peer.callBox("crash", new Map()));
    expect(hidden).to.include({ errorCode: "UNKNOWN", outcome: "executed" });
    expect(hidden.message).not.to.include("a secret");
    expect(lines("error").join("\n")).to.include("a secret");
    expect(peer.info.isOpen).to.equal(true);
    const open = await pairs.connect(await host({ errors: "message" }));
    expect((await failureOf(open.callBox("crash", new Map()))).message).to.include("a secret");
    const remote = mesh.client().connect(address, undefined, { wire: amp(commands) });
    const order = await failureOf(call(remote, "order"));
    expect(order).to.be.instanceOf(OutOfTea).and.have.property("message", "none left");
    expect(order.cause).to.include({ outcome: "executed" });
    expect(await failureOf(call(remote, "divide", 1, 0))).to.be.instanceOf(ZeroDivision);
  });

  it("writes an error as boxes that any peer reads", async () => {
    const { address } = await host();
    const end = await raw.connect(address);
    const text = (value: string): string =>
      `${value.length.toString(16).padStart(4, "0")}${Buffer.from(value).toString("hex")}`;
    end.send(`${text("_ask")}${text("1")}${text("_command")}${text("Nope")}0000`);
    const answer = await end.until((hex) => hex.endsWith("0000") && hex.length > 8);
    expect(answer).to.include(`${text("_error")}${text("1")}${text("_error_code")}${text("UNHANDLED")}`);
    expect(answer).to.include(`${text("_outcome")}${text("not-executed")}`);
  });

  it("carries out what wants no answer, and keeps the connection when that fails", async () => {
    const { log, lines } = keepLog();
    const peer = await pairs.connect(await host({ log }, { notify: Notify }));
    await peer.callRemote(Notify, { text: "x" });
    const Crash = defineCommand({ name: "crash", requiresAnswer: false });
    await peer.callRemote(Crash);
    expect(await peer.add?.({ a: 1, b: 2 })).to.deep.equal({ result: "3" });
    expect(lines("error").join("\n")).to.include("a secret");
  });

  it("calls its peers", async () => {
    const serving = await host({}, { Sum });
    const peer = await pairs.connect(serving, { responders: vectorResponders() });
    expect(await peer.askBack?.({ a: "41" })).to.deep.equal({ total: "42" });
    const { id, remoteAddress } = serving.peers[0] ?? { id: "" };
    expect(remoteAddress).to.equal("127.0.0.1");
    expect(await serving.peer(id).Repeat?.({ text: "a", times: 2 })).to.deep.equal({ text: "aa" });
    expect(await call(serving.peer(id), "Sum", 1, 2)).to.deep.equal({ total: 3 });
    expect(() => serving.peer("amp-0")).to.throw(/No peer/);
    await peer.close();
    await until(() => serving.peers.length === 0);
  });

  it("gives calls up whose caller is gone", async () => {
    let isAborted = false;
    const waiting = defineInterface("demo.waiting", {
      methods: {
        wait: () =>
          new Promise((resolve) => {
            currentCall().signal.addEventListener("abort", () => {
              isAborted = true;
              resolve(null);
            });
          }),
      },
    });
    const serving = await mesh.host([waiting], { address: { address: ANY, wire: amp() } });
    const peer = await pairs.connect(serving);
    const asked = failureOf(peer.wait?.() ?? Promise.resolve());
    await until(() => serving.pending === 1);
    await peer.close();
    expect(await asked).to.include({ outcome: "unknown" });
    await until(() => isAborted);
  });

  it("is bound by policies, and says nothing of what is not allowed", async () => {
    const { address } = await host({ policy: [{ method: "add", then: "allow" }] });
    const peer = await pairs.connect(address);
    expect(await peer.add?.({ a: 1, b: 2 })).to.deep.equal({ result: "3" });
    for (const [name, args] of [
      ["divmod", {}],
      ["divmod", { a: "x" }],
      ["nope", {}],
    ] as const) {
      const failure = await failureOf(peer[name]?.(args) ?? Promise.resolve());
      expect(failure).to.include({ code: "ACCESS_DENIED", outcome: "not-executed" });
    }
  });

  it("takes so many connections, and so many calls of each, and no more", async () => {
    const { address } = await host({ limits: { connections: 1, callsInFlight: 1 } }, { slow: Slow });
    const peer = await pairs.connect(address);
    const slow = peer.slow?.({ ms: 50 });
    expect(await failureOf(peer.echo?.() ?? Promise.resolve())).to.include({
      code: "OVERLOADED",
      outcome: "not-executed",
    });
    expect(await slow).to.deep.equal({ result: "slept" });
    const second = await pairs.connect(address);
    expect(await second.closed).to.include({ code: "UNAVAILABLE" });
  });

  it("closes a connection over which too large a box comes, and no other", async () => {
    const { address } = await host({ maxMessageBytes: 1_000 });
    const other = await pairs.connect(address);
    const peer = await pairs.connect(address);
    expect(await failureOf(peer.echo?.({ text: "x".repeat(2_000) }) ?? Promise.resolve())).to.include({
      outcome: "unknown",
    });
    expect(await other.echo?.()).to.deep.equal({});
  });

  it("finishes what runs when it closes, and has the rest done elsewhere", async () => {
    const serving = await host({}, { slow: Slow });
    const peer = await pairs.connect(serving);
    const slow = peer.slow?.({ ms: 100 });
    await until(() => serving.pending === 1);
    const closed = serving.close();
    expect(await failureOf(peer.echo?.() ?? Promise.resolve())).to.include({
      code: "DRAINING",
      outcome: "not-executed",
    });
    expect(await slow).to.deep.equal({ result: "slept" });
    await closed;
    expect(await peer.closed).to.include({ code: "UNAVAILABLE" });
  });

  it("speaks TLS where it is told to, and lets in who asks for it later", async () => {
    const { address } = await host();
    const peer = await pairs.connect(address);
    await peer.startTls();
    expect(peer.info.isSecure).to.equal(true);
    expect(await peer.add?.({ a: 1, b: 2 })).to.deep.equal({ result: "3" });
    const secret = await mesh.host([echo], { address: { address: "tls://127.0.0.1:0", wire: amp() } });
    const remote = mesh.client().connect(secret.address, undefined, { wire: amp({}, { tls: { verify: false } }) });
    expect(await remote.add?.({ a: 1, b: 2 })).to.deep.equal({ result: "3" });
    const unproven = mesh.client({ retry: false }).connect(secret.address, undefined, { wire: amp() });
    expect(await failureOf(call(unproven, "add", {}))).to.include({ code: "ACCESS_DENIED", outcome: "not-sent" });
  });

  it("refuses to be told of no TLS at an address that is nothing else", async () => {
    const wire = amp({}, { tls: false });
    const address = ["tcp://127.0.0.1:0", { address: "tls://127.0.0.1:0", wire }];
    expect(await failureOf(mesh.host([tea], { address }))).to.include({ code: "CONFIGURATION" });
    const remote = mesh.client().connect("tls://127.0.0.1:1", undefined, { wire });
    expect(await failureOf(call(remote, "add", 1, 2))).to.include({ code: "CONFIGURATION" });
  });

  it("does not start with what it cannot do", async () => {
    expect((await failureOf(host({}, { change: Switch }))).message).to.match(/Switch switches the connection/);
    const security = { keys: generateKeyPair(), authenticator: { checkKey: () => "somebody" } };
    expect((await failureOf(host({ security }))).message).to.match(/the protocol amp lets in whoever comes/);
  });
});
