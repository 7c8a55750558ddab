import { EventEmitter, once } from "node:events";
import { Readable } from "node:stream";
import { expect } from "chai";
import { defineInterface, Method, type Transport } from "../../src/index.js";
import { findTransport } from "../../src/transport/index.js";
import { callOf, hello, LampPeer } from "../support/lamp-peer.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { CountedSource } from "../support/sources.js";
import { until } from "../support/until.js";

class Account {
  readonly #name: string;
  constructor(name: string) {
    this.#name = name;
  }
  @Method() profile(): { name: string; tags: string[]; rename: (to: string) => string } {
    return { name: this.#name, tags: ["a", "b"], rename: (to) => `${this.#name} is ${to}` };
  }
  @Method({ params: ["amount"] }) async pay(amount: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return amount * 2;
  }
  hidden = { secret: 42 };
}

interface Api {
  authenticate(token: string): Account;
  later(token: string): Promise<Account>;
  plain(): { list: { value: number }[]; name: string; length: number };
  slow(): Promise<{ name: string }>;
}

const api = defineInterface("demo.api", {
  methods: {
    authenticate: (token: string) => {
      if (token !== "good") throw new Error("who are you?");
      return new Account("Ann");
    },
    later: async (token: string) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return new Account(token);
    },
    plain: () => ({ list: [{ value: 1 }, { value: 2 }], name: "plain", length: 7 }),
    slow: async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { name: "slow" };
    },
  },
});

/** The default transport, and a count of the messages that the client sent. */
function counting(): { transport: Transport; sent: () => number } {
  const transport = findTransport(undefined);
  let sent = 0;
  return {
    sent: () => sent,
    transport: {
      ...transport,
      connect: (address, handlers, options) => {
        const link = transport.connect(address, handlers, options);
        const send = link.send.bind(link);
        link.send = (frames, unsent) => {
          sent++;
          send(frames, unsent);
        };
        return link;
      },
    },
  };
}

describe("Pipelining", () => {
  const mesh = useMesh();
  const connect = async (wire = "lamp") => {
    const host = await mesh.host([api]);
    const { transport, sent } = counting();
    const remote = mesh.client({ transport }).connect<Api>(host.address, "demo.api", { wire });
    // Contract and greetings are there from now on.
    await remote.plain();
    return { remote, sent, host };
  };

  it("goes on from a result before it is there, in one message", async () => {
    const { remote, sent } = await connect();
    const before = sent();
    expect(await remote.authenticate("good").profile().name).to.equal("Ann");
    expect(sent() - before).to.equal(1);
  });

  it("goes on from methods that take their time", async () => {
    const { remote, sent } = await connect();
    const before = sent();
    expect(await remote.later("Bob").pay(21)).to.equal(42);
    expect(sent() - before).to.equal(1);
  });

  it("reads members of results, whatever they are called, and calls functions in them", async () => {
    const { remote } = await connect();
    const [name, length, rename] = await Promise.all([
      remote.plain().name,
      remote.plain().length,
      remote.authenticate("good").profile().rename("here"),
    ]);
    expect([name, length, rename]).to.deep.equal(["plain", 7, "Ann is here"]);
    const { list } = remote.plain();
    expect(await list).to.deep.equal([{ value: 1 }, { value: 2 }]);
  });

  it("begins before the first connection is made", async () => {
    const host = await mesh.host([api]);
    const remote = mesh.client().connect<Api>(host.address, "demo.api", { wire: "lamp" });
    expect(await remote.authenticate("good").profile().name).to.equal("Ann");
  });

  it("goes on from a result that is on its way, or there", async () => {
    const { remote } = await connect();
    const account = remote.later("Eve");
    await new Promise(setImmediate);
    const profile = account.profile();
    expect(await profile.name).to.equal("Eve");
    await account;
    expect(await account.pay(1)).to.equal(2);
  });

  it("fails with the call that it goes on from, and was not executed", async () => {
    const { remote } = await connect();
    const base = remote.authenticate("bad");
    const [first, second] = await Promise.all([failureOf(base), failureOf(base.profile().name)]);
    expect(first).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(second.message).to.equal(first.message);
  });

  for (const [what, wire] of [
    ["on the way with it", "lamp"],
    ["waiting for it", "pycom"],
    ["waiting for a connection", undefined],
  ] as const) {
    it(`fails with the call that it goes on from, and ends its streams, ${what}`, async () => {
      const { remote } =
        wire === undefined
          ? { remote: mesh.client({ timeoutMs: 300 }).connect<Api>("tcp://127.0.0.1:1", "demo.api", { wire: "lamp" }) }
          : await connect(wire);
      const source = new CountedSource(Infinity, 10);
      const file = Readable.from([new Uint8Array(3)]);
      const broken = new Readable({ read: () => undefined });
      const account = remote.authenticate("bad") as unknown as { take(...streams: unknown[]): Promise<unknown> };
      const taken = failureOf(account.take(source.stream(), { file }, broken));
      // Nobody reads it yet: without a listener this would end the process.
      broken.destroy(new Error("the disk is broken"));
      expect(await taken).to.have.property("code", wire === undefined ? "UNAVAILABLE" : "UNKNOWN");
      await until(() => source.ended === 1 && file.destroyed);
    });
  }

  it("ends its streams when the result has no such method", async () => {
    const { remote } = await connect("pycom");
    const source = new CountedSource(Infinity, 10);
    const plain = remote.plain() as unknown as { missing(stream: unknown): Promise<unknown> };
    expect(await failureOf(plain.missing(source.stream()))).to.include({ code: "METHOD_NOT_FOUND" });
    expect(source.ended).to.equal(1);
  });

  it("sees of a result what its caller would see, and no more", async () => {
    const { remote } = await connect();
    const account = remote.authenticate("good") as unknown as Record<string, Record<string, Promise<unknown>>> & {
      constructor: unknown;
      toString: () => Promise<unknown>;
    };
    expect(await account.hidden?.secret).to.equal(undefined);
    const plain = remote.plain() as unknown as Record<string, (() => Promise<unknown>) | undefined>;
    expect(await failureOf(plain.missing?.() ?? Promise.resolve())).to.include({ code: "METHOD_NOT_FOUND" });
    expect(await failureOf(plain.hasOwnProperty_?.() ?? Promise.resolve())).to.include({ code: "METHOD_NOT_FOUND" });
  });

  it("leaves promises what they are", async () => {
    const { remote } = await connect();
    const promise = remote.plain();
    expect(promise).to.be.instanceOf(Promise);
    expect(Object.prototype.toString.call(promise)).to.equal("[object Promise]");
    expect(promise.constructor).to.equal(Promise);
    expect(await promise.then((value) => value.name)).to.equal("plain");
    expect(await Promise.all([promise])).to.have.length(1);
    await promise.catch(() => undefined).finally(() => undefined);
  });

  it("takes one step after the other on PyCOM's wire", async () => {
    const { remote } = await connect("pycom");
    expect(await remote.plain().name).to.equal("plain");
  });

  it("is finished by a host that drains", async () => {
    const { remote, host } = await connect();
    const slow = remote.slow();
    const { name } = slow;
    while (host.pending === 0) await new Promise(setImmediate);
    const [value] = await Promise.all([name, slow, host.close()]);
    expect(value).to.equal("slow");
  });

  it("is given up with the call that it goes on from when the connection breaks", async () => {
    const host = await mesh.host([api], { drainTimeoutMs: 1 });
    const remote = mesh.client().connect<Api>(host.address, "demo.api", { wire: "lamp" });
    await remote.plain();
    const slow = remote.slow();
    const failures = [failureOf(slow.name), failureOf(slow)];
    while (host.pending === 0) await new Promise(setImmediate);
    await host.close();
    for (const failure of await Promise.all(failures)) {
      expect(failure).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    }
  });

  it("is not begun when it was given up before, while the one that it goes on from runs", async () => {
    const gate = new EventEmitter();
    let noted = 0;
    const host = await mesh.host([
      defineInterface("demo.gate", {
        methods: {
          later: async () => {
            gate.emit("begun");
            await once(gate, "open");
            return { note: () => noted++ };
          },
        },
      }),
    ]);
    const peer = mesh.own(await LampPeer.to(host.address));
    const begun = once(gate, "begun");
    peer.send(
      hello(),
      callOf("later", { id: 1, interface: "demo.gate" }),
      callOf("note", { id: 2, interface: "", promised: 1, isPositional: true, args: [] }),
    );
    await begun;
    peer.send({ kind: "cancel", id: 2 }, { kind: "ping", token: 1 });
    await peer.hears("pong");
    gate.emit("open");
    await peer.hears("error");
    expect([peer.heard.filter((kind) => kind === "result").length, noted]).to.deep.equal([1, 0]);
  });

  it("sends no stream a second time when the call that it goes on from is tried elsewhere", async () => {
    const sums: number[] = [];
    const service = defineInterface("demo.sums", {
      methods: {
        open: () => ({
          sum: async (numbers: AsyncIterable<number>) => {
            let sum = 0;
            for await (const n of numbers) sum += n;
            sums.push(sum);
            return sum;
          },
        }),
      },
    });
    const { address } = await mesh.nameserver();
    const first = await mesh.host([service], { nameserver: address, service: "/1" });
    const remote = mesh
      .client({ nameserver: address })
      .locate<{ open(): { sum(numbers: AsyncIterable<number>): Promise<number> } }>("demo.sums");
    await remote.open();
    await mesh.host([service], { nameserver: address, service: "/2" });
    const closing = first.close();
    const numbers = async function* () {
      for (const n of [1, 2, 3]) yield await Promise.resolve(n);
    };
    const error = await failureOf(remote.open().sum(numbers()));
    expect(error.outcome).to.equal("not-executed");
    expect(sums).to.deep.equal([]);
    await closing;
  });

  it("takes streams from the result that they came with", async () => {
    const service = defineInterface("demo.files", {
      methods: {
        open: () => ({
          name: "file",
          lines: (async function* () {
            for (const line of ["a", "b", "c", "d"]) yield await Promise.resolve(line);
          })(),
        }),
      },
    });
    const host = await mesh.host([service]);
    const remote = mesh
      .client()
      .connect<{ open(): { name: string; lines: AsyncGenerator<string> } }>(host.address, "demo.files", {
        wire: "lamp",
      });
    const lines: string[] = [];
    const opened = remote.open();
    expect(await opened.name).to.equal("file");
    for await (const line of await remote.open().lines) lines.push(line);
    expect(lines).to.deep.equal(["a", "b", "c", "d"]);
  });
});
