import { expect } from "chai";
import { type FromThread, portable, type SyncThreadData, WORDS, Word } from "../../src/compat/pseud/sync-channel.js";
import { SyncLine } from "../../src/compat/pseud/sync-line.js";
import { findTransport, type Listener, type Peer } from "../../src/transport/index.js";
import type { Frames } from "../../src/wire/message.js";
import { decodeErrorBody } from "../../src/wire/pseud/error-body.js";
import { MessageType, messageFrames } from "../../src/wire/pseud/format.js";
import { until } from "../support/until.js";

/** The other thread's half of a blocking client, in this one, and a server that only takes notes. */
describe("SyncLine", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function start(settings: Partial<SyncThreadData> = {}) {
    const transport = findTransport("zmtp");
    const received: Frames[] = [];
    const peers: Peer[] = [];
    const listener: Listener = await transport.listen(
      "tcp://127.0.0.1:0",
      {
        joined: (peer) => peers.push(peer),
        message: (_peer, frames) => received.push(frames.map((frame) => Buffer.from(frame))),
        gone: () => undefined,
      },
      { maxMessageBytes: 1_000_000, routingId: Buffer.from("service") },
    );
    const words = new Int32Array(WORDS);
    const told: FromThread[] = [];
    const { port1: port } = new MessageChannel();
    const line = new SyncLine(
      {
        port,
        words,
        address: listener.address,
        serverId: "",
        maxMessageBytes: 1_000_000,
        security: undefined,
        hello: undefined,
        ...settings,
      },
      transport,
      (message) => told.push(message),
    );
    closing.push(() => listener.close(0));
    closing.push(() => {
      line.close();
      port.close();
    });
    const call = (number: number): void => {
      Atomics.store(words, Word.call, number);
      line.call({ number, frames: work(number) });
    };
    const send = (frames: Frames): void => {
      for (const peer of peers) listener.send(peer, frames);
    };
    await until(() => peers.length === 1 && Atomics.load(words, Word.connected) === 1);
    return { words, told, line, call, send, received };
  }

  const work = (number: number): Frames => messageFrames(MessageType.work, Buffer.alloc(16, number), Buffer.of(number));
  const answer = (number: number): Frames => messageFrames(MessageType.ok, Buffer.alloc(16, number), Buffer.of(0xc0));

  it("sends the five frames of a call, and no probe before them", async () => {
    const { received, call, send, told, words } = await start();
    call(1);
    await until(() => received.length === 1);
    expect(received).to.deep.equal([work(1).map((frame) => Buffer.from(frame))]);
    expect(Atomics.load(words, Word.call)).to.equal(-1);
    send(answer(1));
    await until(() => told.length === 1);
    expect(told[0]).to.include({ kind: "answer", number: 1 });
  });

  it("hands over one answer, to the call that waits for it", async () => {
    const { received, call, send, told, words } = await start();
    call(1);
    await until(() => received.length === 1);
    Atomics.store(words, Word.call, 0);
    send(answer(1));
    call(2);
    await until(() => received.length === 2);
    send(answer(1));
    send(messageFrames(MessageType.heartbeat, Buffer.alloc(0), Buffer.alloc(0)));
    send([Buffer.from("nonsense")]);
    send(answer(2));
    send(answer(2));
    await until(() => told.length > 0);
    call(3);
    await until(() => received.length === 3);
    send(answer(3));
    await until(() => told.at(-1)?.number === 3);
    expect(told.map(({ kind, number }) => `${kind} ${number}`)).to.deep.equal(["answer 2", "answer 3"]);
  });

  it("never sends a call that was given up", async () => {
    const { received, line, call, words } = await start();
    Atomics.store(words, Word.call, 0);
    line.call({ number: 1, frames: work(1) });
    call(2);
    await until(() => received.length > 0);
    expect(received.map((frames) => frames[2]?.[0])).to.deep.equal([2]);
  });

  it("answers calls of the server, whatever is in them, and drops what is none", async () => {
    const { received, send } = await start();
    const names = ["sheep", "x".repeat(31), "y".repeat(40), "z".repeat(300), "ä".repeat(70_000)];
    const head = [[0xa5], [0xbf], [0xd9, 40], [0xda, 1, 44], [0xdb, 0, 2, 0x22, 0xe0]];
    names.forEach((name, index) => {
      const body = Buffer.concat([
        Buffer.of(0x93),
        Buffer.from(head[index] ?? []),
        Buffer.from(name),
        Buffer.of(0x90, 0xc1),
      ]);
      send(messageFrames(MessageType.work, Buffer.of(index), body));
    });
    for (const body of [[], [0x93], [0x92, 0xa0], [0x93, 0xc4, 0], [0x93, 0xdb, 0xff, 0xff, 0xff, 0xff]]) {
      send(messageFrames(MessageType.work, Buffer.of(99), Buffer.from(body)));
    }
    send(messageFrames(MessageType.work, Buffer.of(100), Buffer.of(0x93, 0xa1, 0x61, 0x90, 0x80)));
    await until(() => received.at(-1)?.[2]?.[0] === 100);
    expect(received.map(([, , uid]) => uid?.[0])).to.deep.equal([0, 1, 2, 3, 4, 100]);
    for (const [index, name] of [...names, "a"].entries()) {
      const [, , , type, body = Buffer.alloc(0)] = received[index] ?? [];
      expect(type?.[0]).to.equal(MessageType.error);
      expect(decodeErrorBody(body, (called) => called === name)).to.include({ outcome: "not-executed" });
    }
  });

  it("logs in once for the call that was dropped, and sends it again", async () => {
    const hello = Buffer.of(0x92, 0xc4, 0, 0xc4, 0);
    const { received, call, send, told } = await start({ hello });
    call(1);
    await until(() => received.length === 1);
    send(messageFrames(MessageType.unauthorized, Buffer.alloc(16, 1), Buffer.from("Authentication Required")));
    await until(() => received.length === 2);
    expect(received[1]?.[3]?.[0]).to.equal(MessageType.hello);
    expect(received[1]?.[4]).to.deep.equal(hello);
    // Given up by its caller; what is called next waits for the end of the log-in.
    call(2);
    send(messageFrames(MessageType.authenticated, Buffer.alloc(16, 1), Buffer.from("Welcome")));
    await until(() => received.length === 3);
    expect(received[2]?.[2]?.[0]).to.equal(2);
    send(answer(2));
    await until(() => told.length === 1);
    expect(told[0]).to.include({ kind: "answer", number: 2 });
  });

  it("takes no more memory along than a frame has", () => {
    const pool = Buffer.alloc(100_000);
    const { frames, handedOver } = portable([pool.subarray(10, 20), pool.subarray(0, 50_000)]);
    expect(frames.map(({ buffer }) => buffer.byteLength)).to.deep.equal([10, 50_000]);
    expect(handedOver).to.deep.equal([frames[1]?.buffer]);
  });
});
