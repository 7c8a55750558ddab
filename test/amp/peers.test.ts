import { once } from "node:events";
import { inspect } from "node:util";
import { expect } from "chai";
import {
  AmpDecimal,
  type AmpPeer,
  boxMethods,
  connectAmp,
  defineCommand,
  integer,
  type ReceivedArguments,
  RemoteAmpError,
  Responder,
  respond,
  unicode,
} from "../../src/compat/amp/index.js";
import { call, MethodNotFoundError, RpcError, withOptions } from "../../src/index.js";
import {
  BaseProblem,
  Divide,
  Fail,
  FatalProblem,
  Notify,
  Repeat,
  Sum,
  Switch,
  vectorResponders,
  ZeroDivision,
} from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { useRawEnds } from "../support/amp-raw.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { until } from "../support/until.js";

/** Never answers, until its connection ends. */
const Wait = defineCommand({ name: "Wait", response: { why: unicode() } });

describe("Peers of AMP", () => {
  const amp = useAmpPairs();
  const raw = useRawEnds();
  let begun: () => void = () => undefined;
  let ended: (reason: unknown) => void = () => undefined;
  const wait = respond(Wait, async (_args, { signal }) => {
    begun();
    await once(signal, "abort");
    ended(signal.reason);
    return { why: "gone" };
  });

  it("call commands by definition, by method, and by name alone", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server, { commands: { repeat: Repeat, sum: Sum } });
    expect(await peer.callRemote(Repeat, { text: "abc", times: 3 })).to.deep.equal({ text: "abcabcabc" });
    expect(await peer.repeat({ text: "☃", times: 2 })).to.deep.equal({ text: "☃☃" });
    expect(await peer.sum({ a: 2n ** 70n, b: 1 })).to.deep.equal({ total: 2n ** 70n + 1n });
    const untyped = await amp.connect(server);
    expect(await untyped.Sum?.({ a: 1, b: 2n })).to.deep.equal({ total: "3" });
    expect(
      await untyped.Types?.({
        unicode: "x",
        boolean: true,
        float: 1.5,
        decimal: new AmpDecimal("1.10"),
        integer: null,
      }),
    ).to.deep.equal({ unicode: "x", boolean: "True", float: "1.5", decimal: "1.10" });
    expect(await untyped.lowLevel?.({ data: Uint8Array.of(255, 0) })).to.deep.equal({ echo: Uint8Array.of(255, 0) });
    expect(
      await untyped.callBox(
        "Sum",
        new Map([
          ["a", Buffer.from("1")],
          ["b", Buffer.from("1")],
        ]),
      ),
    ).to.deep.equal(new Map([["total", Buffer.from("2")]]));
  });

  it("call each other over one connection", async () => {
    const Ask = defineCommand({ name: "Ask", arguments: { n: integer() }, response: { text: unicode() } });
    const server = await amp.listen([
      respond(Ask, async ({ n }, { peer }) => {
        const { total } = await peer.callRemote(Sum, { a: n, b: 1 });
        return { text: `the client says ${total}` };
      }),
    ]);
    const peer = await amp.connect(server, { responders: vectorResponders() });
    expect(await peer.callRemote(Ask, { n: 41 })).to.deep.equal({ text: "the client says 42" });
    const [client] = server.peers;
    expect(await client?.Repeat?.({ text: "a", times: 3 })).to.deep.equal({ text: "aaa" });
  });

  it("give each connection an object of a class of responders, which knows the other end", async () => {
    class Counter {
      #count = 0;
      readonly peer: AmpPeer;

      constructor(peer: AmpPeer) {
        this.peer = peer;
      }

      @Responder(Sum) async sum({ a }: ReceivedArguments<typeof Sum>) {
        await this.peer.callRemote(Notify, { text: `${++this.#count}` });
        return { total: Number(a) + this.#count };
      }
    }
    const server = await amp.listen(Counter);
    const told: string[] = [];
    const one = await amp.connect(server, { responders: respond(Notify, ({ text }) => void told.push(text)) });
    const other = await amp.connect(server, { responders: respond(Notify, ({ text }) => void told.push(text)) });
    expect(await one.callRemote(Sum, { a: 10, b: 0 })).to.deep.equal({ total: 11 });
    expect(await one.callRemote(Sum, { a: 10, b: 0 })).to.deep.equal({ total: 12 });
    expect(await other.callRemote(Sum, { a: 10, b: 0 })).to.deep.equal({ total: 11 });
    expect(told).to.deep.equal(["1", "2", "1"]);
  });

  it("know who asks, where they answer", async () => {
    const Where = defineCommand({ name: "Where", response: { text: unicode() } });
    const server = await amp.listen(respond(Where, (_args, { peer: { info } }) => ({ text: info.remoteAddress })));
    expect(await (await amp.connect(server)).callRemote(Where)).to.deep.equal({ text: "127.0.0.1" });
  });

  it("tell declared errors as what they are, in both directions, and stay connected", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server, { responders: vectorResponders() });
    for (const end of [peer, ...server.peers]) {
      const failure = await failureOf(end.callRemote(Divide, { numerator: 1, denominator: 0 }));
      expect(failure).to.be.instanceOf(ZeroDivision).and.have.property("message", "division by zero");
      expect(failure.cause)
        .to.be.instanceOf(RemoteAmpError)
        .and.include({ errorCode: "ZERO_DIVISION", outcome: "executed" });
      expect(await failureOf(end.callRemote(Fail, { kind: "derived" }))).to.be.instanceOf(BaseProblem);
    }
    expect(await peer.callRemote(Sum, { a: 1, b: 1 })).to.deep.equal({ total: 2 });
  });

  it("close after fatal errors and after those that nobody declared, which only the log knows", async () => {
    const { log, lines } = keepLog();
    const server = await amp.listen(vectorResponders(), { log });
    const one = await amp.connect(server);
    expect(await failureOf(one.callRemote(Fail, { kind: "fatal" }))).to.be.instanceOf(FatalProblem);
    expect(await one.closed).to.include({ code: "UNAVAILABLE" });
    const other = await amp.connect(server);
    const failure = await failureOf(other.callRemote(Fail, { kind: "?" }));
    expect(failure).to.be.instanceOf(RemoteAmpError).and.include({ errorCode: "UNKNOWN", outcome: "executed" });
    expect(failure.message).not.to.include("nobody declares this");
    await other.closed;
    expect(lines("error").join("\n")).to.include("nobody declares this");
    expect(await failureOf(other.callRemote(Sum, { a: 1, b: 1 }))).to.include({ outcome: "not-sent", method: "Sum" });
  });

  it("tell an error of their own that speaks of size, as any other", async () => {
    class TooBig extends RpcError {
      constructor(message: string) {
        super("TOO_LARGE", message);
      }
    }
    const Store = defineCommand({ name: "Store", errors: { TOO_BIG: TooBig } });
    const server = await amp.listen(
      respond(Store, () => {
        throw new TooBig("the disk is small");
      }),
    );
    const peer = await amp.connect(server);
    expect(await failureOf(peer.callRemote(Store))).to.include({ message: "the disk is small", outcome: "executed" });
    expect(peer.info.isOpen).to.equal(true);
  });

  it("say which command is missing", async () => {
    const peer = await amp.connect(await amp.listen(respond(Sum, ({ a }) => ({ total: a }))));
    const failure = await failureOf(peer.callRemote(Repeat, { text: "", times: 1 }));
    expect(failure).to.be.instanceOf(MethodNotFoundError).and.include({ outcome: "not-executed", method: "Repeat" });
  });

  it("refuse what does not fit before anything is sent, with size and limit", async () => {
    const peer = await amp.connect(await amp.listen(vectorResponders()));
    const long = await failureOf(peer.callRemote(Repeat, { text: "x".repeat(65_536), times: 1 }));
    expect(long).to.include({ code: "TOO_LARGE", outcome: "not-sent", method: "Repeat" });
    expect(long.message).to.match(/args\.text.*65,?536.*65,?535/);
    const extra = await failureOf(peer.callRemote(Sum, { a: 1, b: 2, c: 3 } as never));
    expect(extra).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    const missing = await failureOf(peer.callRemote(Sum, { a: 1 } as never));
    expect(missing).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    expect(peer.info.isOpen).to.equal(true);
    expect(await peer.callRemote(Repeat, { text: "x".repeat(65_535), times: 1 }))
      .to.have.property("text")
      .with.length(65_535);
  });

  it("have deadlines and signals, after which late answers disturb nobody", async () => {
    const calls: { begun(answer: () => void): void }[] = [];
    /** Says, once the responder has begun with the next call, how to answer that one. */
    const nextCall = (): Promise<() => void> =>
      new Promise((resolve) => {
        calls.push({ begun: resolve });
      });
    const server = await amp.listen([
      respond(
        Repeat,
        () =>
          new Promise((resolve) => {
            calls.shift()?.begun(() => {
              resolve({ text: "late" });
            });
          }),
      ),
      respond(Sum, ({ a }) => ({ total: a })),
    ]);
    const peer = await amp.connect(server, { commands: { repeat: Repeat } });
    const args = { text: "", times: 1 };
    const controller = new AbortController();
    const ways: readonly (readonly [make: () => Promise<unknown>, code: string])[] = [
      [() => peer.repeat(args, { timeoutMs: 20 }), "TIMEOUT"],
      [() => withOptions(peer, { timeoutMs: 20 }).repeat(args), "TIMEOUT"],
      [() => peer.repeat(args, { signal: controller.signal }), "CANCELLED"],
    ];
    for (const [make, code] of ways) {
      const begins = nextCall();
      const failing = failureOf(make());
      const answer = await begins;
      if (code === "CANCELLED") controller.abort();
      expect(await failing).to.include({ code, outcome: "unknown", method: "Repeat" });
      answer();
      expect(await peer.callRemote(Sum, { a: 1, b: 1 })).to.deep.equal({ total: 1 });
    }
    expect(await failureOf(peer.repeat(args, { signal: controller.signal }))).to.include({
      code: "CANCELLED",
      outcome: "not-sent",
    });
    expect(peer.info).to.include({ isOpen: true, pending: 0 });
  });

  it("settle everything when the connection ends, and tell responders so", async () => {
    const server = await amp.listen(wait);
    const peer = await amp.connect(server);
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const waiting = peer.callRemote(Wait);
    waiting.catch(() => undefined);
    await started;
    const heard = new Promise<unknown>((resolve) => {
      ended = resolve;
    });
    const [client] = server.peers;
    await client?.close();
    expect(await heard).to.include({ code: "CLOSED" });
    expect(await failureOf(waiting)).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "Wait" });
    expect(await peer.closed).to.include({ code: "UNAVAILABLE" });
  });

  it("close with what runs done, and answer no more meanwhile", async () => {
    let release: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const server = await amp.listen(
      [
        respond(Repeat, async ({ text }) => {
          begun();
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          return { text };
        }),
      ],
      { drainTimeoutMs: 10_000 },
    );
    const peer = await amp.connect(server);
    const running = peer.callRemote(Repeat, { text: "done", times: 1 });
    await started;
    const closed = server.close();
    expect(await failureOf(peer.callRemote(Repeat, { text: "", times: 1 }))).to.include({ errorCode: "DRAINING" });
    release();
    expect(await running).to.deep.equal({ text: "done" });
    await closed;
    expect(await failureOf(connectAmp(server.address))).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
  });

  it("run so many calls of a connection and no more, and let so many wait", async () => {
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const server = await amp.listen([wait, respond(Sum, ({ a }) => ({ total: a }))], { maxRunning: 1 });
    const peer = await amp.connect(server, { maxInFlight: 2 });
    const waiting = peer.callRemote(Wait);
    waiting.catch(() => undefined);
    await started;
    expect(await failureOf(peer.callRemote(Sum, { a: 1, b: 1 }))).to.include({ errorCode: "OVERLOADED" });
    const first = peer.callRemote(Sum, { a: 1, b: 1 });
    const second = peer.callRemote(Sum, { a: 1, b: 1 });
    expect(await failureOf(second)).to.include({ code: "OVERLOADED", outcome: "not-sent" });
    expect(await failureOf(first)).to.include({ errorCode: "OVERLOADED" });
  });

  it("take so many octets of requests that run and no more, and take more when they are done", async () => {
    const releases: (() => void)[] = [];
    const server = await amp.listen(
      respond(Repeat, async ({ text }) => {
        await new Promise<void>((resolve) => {
          releases.push(resolve);
        });
        return { text: text.slice(0, 1) };
      }),
      { maxRunningBytes: 100_000 },
    );
    const peer = await amp.connect(server);
    const ask = () => peer.callRemote(Repeat, { text: "x".repeat(60_000), times: 1 });
    const running = [ask(), ask()];
    expect(await failureOf(ask())).to.include({ code: "OVERLOADED", outcome: "not-executed" });
    for (const release of releases.splice(0)) release();
    expect(await Promise.all(running)).to.deep.equal([{ text: "x" }, { text: "x" }]);
    const another = ask();
    await until(() => releases.length === 1);
    releases[0]?.();
    expect(await another).to.deep.equal({ text: "x" });
  });

  it("go on under TLS, with calls that were made meanwhile", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server);
    const secured = peer.startTls();
    const meanwhile = Promise.all([1, 2, 3].map((a) => peer.callRemote(Sum, { a, b: 1 })));
    expect(peer.info.isSecure).to.equal(false);
    await secured;
    expect(peer.info.isSecure).to.equal(true);
    expect(await meanwhile).to.deep.equal([{ total: 2 }, { total: 3 }, { total: 4 }]);
    expect(server.peers[0]?.info.isSecure).to.equal(true);
    expect(await failureOf(peer.startTls())).to.include({
      code: "BAD_REQUEST",
      outcome: "not-sent",
      name: "OnlyOneTlsError",
    });
    expect(await peer.callRemote(Sum, { a: 5, b: 5 })).to.deep.equal({ total: 10 });
  });

  it("go on under TLS when the end that accepted asks for it", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server, { responders: vectorResponders() });
    await server.peers[0]?.startTls();
    expect(await peer.callRemote(Sum, { a: 5, b: 5 })).to.deep.equal({ total: 10 });
    expect([peer.info.isSecure, server.peers[0]?.info.isSecure]).to.deep.equal([true, true]);
  });

  it("go on in clear text when the other end refuses TLS", async () => {
    const peer = await amp.connect(await amp.listen(vectorResponders(), { tls: false }));
    expect(await failureOf(peer.startTls())).to.include({ errorCode: "TLS_ERROR", outcome: "executed" });
    expect(await peer.callRemote(Sum, { a: 5, b: 5 })).to.deep.equal({ total: 10 });
    expect(peer.info.isSecure).to.equal(false);
  });

  it("hand the connection over when a command switches it, and keep it when that fails", async () => {
    const peer = await amp.connect(await amp.listen(vectorResponders()));
    expect(await failureOf(peer.switchProtocol(Switch, { to: "?" }))).to.be.instanceOf(BaseProblem);
    expect(await peer.callRemote(Sum, { a: 5, b: 5 })).to.deep.equal({ total: 10 });
    const switched = peer.switchProtocol(Switch, { to: "upper-echo" });
    expect(await failureOf(peer.callRemote(Sum, { a: 5, b: 5 }))).to.include({
      name: "ProtocolSwitchedError",
      outcome: "not-sent",
    });
    expect(await failureOf(peer.switchProtocol(Switch, { to: "upper-echo" }))).to.include({
      name: "ProtocolSwitchedError",
    });
    const socket = await switched;
    socket.write("no amp any more");
    const [chunk] = (await once(socket, "data")) as [Buffer];
    expect(chunk.toString()).to.equal("NO AMP ANY MORE");
    expect(await peer.closed).to.include({ name: "ProtocolSwitchedError" });
    socket.end();
    await once(socket, "close");
    expect(await failureOf(peer.callRemote(Sum, { a: 5, b: 5 }))).to.include({ name: "ProtocolSwitchedError" });
  });

  it("drop what they would answer while a command that switches is under way", async () => {
    const { log, lines } = keepLog();
    let refuse: () => void = () => undefined;
    const server = await amp.listen(
      respond(
        Switch,
        () =>
          new Promise((_resolve, reject) => {
            refuse = () => {
              reject(new BaseProblem("no"));
            };
          }),
      ),
    );
    const peer = await amp.connect(server, { responders: vectorResponders(), log });
    const switched = peer.switchProtocol(Switch, { to: "x" });
    switched.catch(() => undefined);
    const [client] = server.peers;
    const unanswered = client?.callRemote(Sum, { a: 1, b: 2 }, { timeoutMs: 50 });
    expect(await failureOf(unanswered ?? Promise.resolve())).to.include({ code: "TIMEOUT" });
    refuse();
    expect(await failureOf(switched)).to.be.instanceOf(BaseProblem);
    expect(await client?.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    expect(lines("error")).to.deep.equal([]);
  });

  it("settle every call when the other end does not read and too much waits for it", async () => {
    const { address, accepted } = await raw.listen();
    const peer = await amp.connect(address, { maxQueuedBytes: 1_000_000 });
    (await accepted).pause();
    const failures = Array.from({ length: 300 }, () =>
      failureOf(peer.callRemote(Repeat, { text: "x".repeat(60_000), times: 1 })),
    );
    const codes = new Set((await Promise.all(failures)).map(({ code, outcome }) => `${code} ${outcome}`));
    expect([...codes].sort()).to.deep.equal(["OVERLOADED not-sent", "UNAVAILABLE unknown"]);
    expect(await peer.closed).to.include({ code: "OVERLOADED" });
  });

  it("print what they are, and are no promises", async () => {
    const peer = await amp.connect(await amp.listen(vectorResponders()));
    expect(inspect(peer)).to.match(/^RemoteProxy<amp @ tcp:\/\/127\.0\.0\.1:\d+ connected>$/);
    expect((await Promise.resolve(peer)) === peer).to.equal(true);
    expect(peer).not.to.have.property("then");
    await peer.close();
    await peer.close();
    expect(inspect(peer)).to.match(/closed>$/);
  });

  it("answer with boxes as they travel", async () => {
    const server = await amp.listen(
      boxMethods({
        amp_ECHO: (box: ReadonlyMap<string, Uint8Array>) => {
          if (box.has("fail")) throw new RemoteAmpError("MINE", "as I say");
          return box;
        },
      }),
    );
    const peer = await amp.connect(server);
    expect(await peer.Echo?.({ a: "1" })).to.deep.equal({ a: "1" });
    expect(await failureOf(call(peer, "Echo", { fail: true }))).to.include({
      errorCode: "MINE",
      description: "as I say",
    });
    expect(await peer.Echo?.({ a: "2" })).to.deep.equal({ a: "2" });
  });
});
