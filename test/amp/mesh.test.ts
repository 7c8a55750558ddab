import { once } from "node:events";
import { expect } from "chai";
import {
  type AmpServer,
  amp,
  defineCommand,
  integer,
  type MethodsOfCommands,
  RemoteAmpError,
  respond,
  unicode,
} from "../../src/compat/amp/index.js";
import { call, currentCall, defineInterface, named, statusOf, withOptions } from "../../src/index.js";
import { generateKeyPair } from "../../src/transport/index.js";
import { encodeMessage } from "../../src/wire/amp/index.js";
import {
  BaseProblem,
  Bye,
  Divide,
  Fail,
  Notify,
  Repeat,
  Sum,
  Switch,
  Types,
  vectorResponders,
  ZeroDivision,
} from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { useRawEnds } from "../support/amp-raw.js";
import { failureOf, useMesh } from "../support/mesh.js";

/** Its connection ends before it is answered, as often as the test says. */
const Lost = defineCommand({ name: "Lost", response: { text: unicode() } });
/** The same, and it may be run twice. */
const Safe = defineCommand({ name: "Safe", extends: Lost, idempotent: true });
/** Never answered. */
const Hang = defineCommand({ name: "Hang", response: { text: unicode() } });
/** What it answers is no number. */
const Wrong = defineCommand({ name: "Wrong", response: { n: integer() } });

const commands = {
  sum: Sum,
  repeat: Repeat,
  divide: Divide,
  fail: Fail,
  types: Types,
  notify: Notify,
  lost: Lost,
  safe: Safe,
  hang: Hang,
  wrong: Wrong,
  bye: Bye,
  change: Switch,
};
type Calls = MethodsOfCommands<typeof commands>;

describe("amp() in clients", () => {
  const mesh = useMesh();
  const pairs = useAmpPairs();
  const raw = useRawEnds();
  let losses = 0;
  let runs = 0;
  beforeEach(() => {
    losses = 0;
    runs = 0;
  });

  /** The commands of the vectors, and those of this file. */
  const serve = (address?: string): Promise<AmpServer> => {
    const lose = async (): Promise<{ text: string }> => {
      runs++;
      if (losses-- > 0) for (const peer of server.peers) await peer.close();
      return { text: "there" };
    };
    let server: AmpServer;
    const responders = [
      ...vectorResponders(),
      [
        respond(Lost, lose),
        respond(Safe, lose),
        respond(Hang, async (_args, { signal }) => {
          await once(signal, "abort");
          return { text: "" };
        }),
        respond(defineCommand({ name: "Wrong", response: { n: unicode() } }), () => ({ n: "one" })),
      ],
    ];
    return pairs.listen(responders, address === undefined ? {} : { address }).then((bound) => (server = bound));
  };
  const connect = ({ address }: { readonly address: string }, options: Parameters<typeof mesh.client>[0] = {}) =>
    mesh.client(options).connect<Calls>(address, undefined, { wire: amp(commands) });

  it("call commands by the methods of the table, with arguments by name and in order", async () => {
    const remote = connect(await serve());
    expect(await remote.sum({ a: 2n ** 70n, b: 1 })).to.deep.equal({ total: 2n ** 70n + 1n });
    expect(await remote.repeat({ text: "ab", times: 2 })).to.deep.equal({ text: "abab" });
    expect(await call(remote, "sum", 1, 2)).to.deep.equal({ total: 3 });
    expect(await call(remote, "sum", 1, named({ b: 3 }))).to.deep.equal({ total: 4 });
    expect(await remote.types()).to.include({ integer: null, rows: null });
    expect(await remote.bye()).to.deep.equal({ text: "bye" });
  });

  it("call commands that nobody has defined by their own names", async () => {
    const { address } = await serve();
    const remote = mesh.client().connect(address, undefined, { wire: amp() });
    expect(await remote.Sum?.({ a: 1, b: 2 })).to.deep.equal({ total: "3" });
    expect(await remote.lowLevel?.({ data: Uint8Array.of(255, 0) })).to.deep.equal({ echo: Uint8Array.of(255, 0) });
    expect(await failureOf(call(remote, "Sum", 1, 2))).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
  });

  it("call again at once after an error that peers of Twisted do not foresee, and after which they close", async () => {
    const remote = connect(await serve());
    for (let count = 1; count <= 5; count++) {
      expect(await failureOf(remote.fail({ kind: "?" }))).to.include({ errorCode: "UNKNOWN" });
      expect(await remote.sum({ a: count, b: 1 })).to.deep.equal({ total: count + 1 });
    }
  });

  it("end a connection themselves whose other end said that it would", async () => {
    const { address, accepted } = await raw.listen();
    const remote = connect({ address });
    const failing = failureOf(remote.fail({ kind: "?" }));
    const end = await accepted;
    await end.until((hex) => hex.endsWith("0000"));
    end.send(encodeMessage({ kind: "error", tag: "1", code: "UNKNOWN", description: "Unknown Error" }));
    expect(await failing).to.include({ errorCode: "UNKNOWN" });
    await end.ended();
  });

  it("refuse what does not fit before anything is sent, with the path", async () => {
    const server = await serve();
    const remote = connect(server);
    await remote.sum({ a: 1, b: 1 });
    const refused = async (method: string, ...args: unknown[]): Promise<string> => {
      const failure = await failureOf(call(remote, method, ...args));
      expect(failure).to.include({ outcome: "not-sent", service: server.address, method });
      return failure.message;
    };
    expect(await refused("sum", { a: 1 })).to.match(/args\.b is missing/);
    expect(await refused("sum", { a: 1, b: 2, c: 3 })).to.match(/args\.c is not declared/);
    expect(await refused("sum", 1, 2, 3)).to.match(/sum takes 2 arguments \(a, b\), got 3: args\[2\] is too many/);
    expect(await refused("sum", 1, named({ a: 2 }))).to.match(/args\.a of sum is given twice/);
    expect(await refused("repeat", { text: "x".repeat(65_536), times: 1 })).to.match(/65536.*65535/);
    expect(await refused("change", { to: "x" })).to.match(/switchProtocol\(\)/);
    const attachment = new Uint8Array(1);
    expect((await failureOf(withOptions(remote, { attachment }).sum({ a: 1, b: 1 }))).message).to.match(
      /sum has an attachment, and the protocol amp has none/,
    );
    const small = connect(server, { maxMessageBytes: 100 });
    expect(await failureOf(small.repeat({ text: "x".repeat(200), times: 1 }))).to.include({
      code: "TOO_LARGE",
      outcome: "not-sent",
    });
  });

  it("get declared errors as what they are, with the error of the call as cause", async () => {
    const remote = connect(await serve());
    const failure = await failureOf(remote.divide({ numerator: 1, denominator: 0 }));
    expect(failure).to.be.instanceOf(ZeroDivision).and.have.property("message", "division by zero");
    expect(failure.cause)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ code: "UNKNOWN", outcome: "executed", errorCode: "ZERO_DIVISION", method: "divide" });
    expect(await failureOf(remote.fail({ kind: "derived" }))).to.be.instanceOf(BaseProblem);
    expect(await failureOf(call(remote, "Nope"))).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    const other = await failureOf(remote.fail({ kind: "?" }));
    expect(other).to.be.instanceOf(RemoteAmpError).and.include({ errorCode: "UNKNOWN", outcome: "executed" });
  });

  it("get what cannot be read as an error of the protocol, of a call that was executed", async () => {
    const remote = connect(await serve());
    const failure = await failureOf(remote.wrong());
    expect(failure).to.include({ code: "PROTOCOL", outcome: "executed", method: "wrong" });
    expect(failure.message).to.match(/result\.n is no integer/);
    expect(await remote.sum({ a: 1, b: 1 })).to.deep.equal({ total: 2 });
  });

  it("wait for no answer where none is wanted", async () => {
    const remote = connect(await serve());
    expect(await call(remote, "notify", { text: "hello" })).to.equal(undefined);
    expect(await withOptions(remote, { oneWay: true }).sum({ a: 1, b: 1 })).to.equal(undefined);
    expect(await remote.sum({ a: 1, b: 1 })).to.deep.equal({ total: 2 });
  });

  it("give up at the deadline and when they are told to, and go on with the connection", async () => {
    const server = await serve();
    const remote = connect(server);
    expect(await failureOf(withOptions(remote, { timeoutMs: 30 }).hang())).to.include({
      code: "TIMEOUT",
      outcome: "unknown",
    });
    const controller = new AbortController();
    const hanging = failureOf(withOptions(remote, { signal: controller.signal }).hang());
    await remote.sum({ a: 1, b: 1 });
    controller.abort();
    expect(await hanging).to.include({ code: "CANCELLED", outcome: "unknown" });
    expect(server.peers).to.have.length(1);
  });

  it("try commands again that are idempotent, and no others", async () => {
    const remote = connect(await serve());
    losses = 2;
    expect(await remote.safe()).to.deep.equal({ text: "there" });
    expect(runs).to.equal(3);
    losses = 1;
    expect(await failureOf(remote.lost())).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(runs).to.equal(4);
    expect(await remote.lost()).to.deep.equal({ text: "there" });
  });

  it("connect again to a server that was started anew", async () => {
    const first = await serve();
    const remote = connect(first);
    await remote.sum({ a: 1, b: 1 });
    await first.close();
    const answer = remote.sum({ a: 1, b: 2 });
    await serve(first.address);
    expect(await answer).to.deep.equal({ total: 3 });
    expect(statusOf(remote)).to.include({ state: "connected", address: first.address });
  });

  it("lose nothing but the connection when the peer breaks the protocol", async () => {
    const { address, accepted } = await raw.listen();
    const remote = connect({ address }, { retry: false });
    const asked = failureOf(remote.sum({ a: 1, b: 1 }));
    const end = await accepted;
    await end.until((hex) => hex.endsWith("0000"));
    end.send("ff00");
    expect(await asked).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    await end.ended();
  });

  it("are called by the other end, by what they provide", async () => {
    const server = await serve();
    const client = mesh.client();
    client.provide(
      defineInterface("demo.client", {
        methods: {
          sum: { params: ["a", "b"], run: (a: number, b: number) => ({ total: a * b }) },
          who: () => currentCall().method,
        },
      }),
    );
    await client.connect<Calls>(server.address, undefined, { wire: amp(commands) }).sum({ a: 1, b: 1 });
    const [peer] = server.peers;
    expect(await peer?.callRemote(Sum, { a: 3, b: 4 })).to.deep.equal({ total: 12 });
    expect(await peer?.["demo.client.who"]?.()).to.deep.equal({ result: "who" });
  });

  it("say nothing in clear text if they do so nowhere, but over TLS", async () => {
    const server = await serve();
    const security = { keys: generateKeyPair() };
    expect(await failureOf(connect(server, { security }).sum({ a: 1, b: 1 }))).to.include({
      code: "ACCESS_DENIED",
      outcome: "not-sent",
    });
    expect(amp().isSecret?.("tls://localhost:1")).to.equal(true);
    expect(amp({}, { tls: { verify: false } }).isSecret?.("tls://localhost:1")).to.equal(false);
    expect(amp().isSecret?.("tcp://localhost:1")).to.equal(false);
  });

  it("say what is wrong with a table", () => {
    expect(() => amp({ one: Sum, other: defineCommand({ name: "Sum" }) })).to.throw(
      /one and other are both called "Sum"/,
    );
    expect(() => amp({}, { dialekt: "twisted" } as never)).to.throw(/"dialekt", which means nothing, did you mean/);
    expect(() => amp({ sum: {} as never })).to.throw(/no command/);
  });
});
