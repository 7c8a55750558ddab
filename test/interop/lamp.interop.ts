import { EventEmitter, once } from "node:events";
import { expect } from "chai";
import { type ClientOptions, defineInterface, Method, named, release, withOptions } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { Naming } from "../support/naming.js";
import { type Child, useProcesses } from "../support/processes.js";
import { WeakLink } from "../support/weak-link.js";
import { LampService, SAMPLES, same } from "./lamp-service.js";

/**
 * Our lamp wire and that of the peer in test/interop/python, which is written from docs/lamp-wire.md and knows nothing of
 * this package. Needs Debian's python3-zmq.
 */
describe("A lamp peer in Python and ours", () => {
  const mesh = useMesh();
  const start = useProcesses();
  const python = (...args: string[]) => start("/usr/bin/python3", ["test/interop/python/lamp_run.py", ...args]);

  describe("calls a Lamplighter host", () => {
    const check = async (name: string): Promise<void> => {
      const service = new LampService();
      const host = await mesh.host([service.definition, service.counter], { maxMessageBytes: 4 << 20 });
      const child = python("check", name, host.address);
      expect(await child.ended, child.out() + child.err()).to.equal(0);
    };

    for (const [name, what] of Object.entries({
      hello: "says hello, and calls before it was answered",
      versions: "agrees on a version, or is told goodbye",
      calls: "calls by interface, by number, by name, and whichever has the method",
      errors: "is told code, number and outcome of what fails",
      beside: "sends and gets sessions, extensions and attachments",
      values: "exchanges every kind of value",
      frames: "puts large binary values beside the records",
      batch: "has many calls, and what nobody knows yet, in one message",
      streams_from_host: "reads streams",
      credit_of_host: "gets as much of a stream as it has granted, and stops it",
      streams_to_host: "sends streams, which can be stopped",
      references_of_host: "calls references, and lets go of them",
      references_to_host: "gives references, which are let go of",
      call_back: "is called back",
      pipelined: "goes on from results in the same message",
      one_way: "calls without an answer",
      cancel: "cancels",
      ping: "is answered when it pings",
      say_goodbye: "says goodbye, and what runs for it is cancelled at once",
      deadlines: "is not served when its call lay unread for too long",
      again_running: "gets the answer of a method that ran on when the connection broke",
      again_answered: "gets an answer again that may have been lost",
      again_acknowledged: "does not get an answer again that it has read",
      again_new: "has a call executed once that had not arrived",
      again_elsewhere: "has nothing executed by another run of the service that may do harm",
      limits: "is sent away when it sends what cannot be read, or too much",
      sizes: "gets and sends no larger messages than are taken",
    })) {
      it(what, () => check(name));
    }
  });

  describe("serves a Lamplighter client", () => {
    const serve = async (...args: string[]): Promise<{ child: Child; address: string }> => {
      const child = python("serve", "tcp://127.0.0.1:0", ...args);
      return { child, address: (await child.waitFor(/^ready (\S+)\n/m))[1] ?? "" };
    };
    const remoteOf = (address: string, options?: ClientOptions) =>
      mesh.client(options).connect<PythonService>(address, "interop.lamp", { wire: "lamp" });
    const connect = async () => {
      const { child, address } = await serve();
      return { child, remote: remoteOf(address) };
    };
    /** A connection that can be broken. */
    const connectWeakly = async () => {
      const { child, address } = await serve();
      const link = mesh.own(await WeakLink.to(address));
      const remote = remoteOf(link.address);
      // Contract and greetings are there from now on.
      await remote.echo(null);
      return { child, link, remote, direct: remoteOf(address) };
    };

    it("with results", async () => {
      const { remote } = await connect();
      expect(await remote.echo()).to.equal(null);
      expect(await remote.echo(5)).to.equal(5);
      expect(await remote.subtract(7, 2)).to.equal(5);
      expect(await remote.subtract(named({ b: 2, a: 7 }))).to.equal(5);
      expect(await remote.extensions()).to.equal(null);
      expect(await withOptions(remote, { extensions: { "my.own": [1] } }).extensions()).to.deep.equal({
        "my.own": [1],
      });
    });

    it("with errors", async () => {
      const { remote } = await connect();
      const failed = await failureOf(remote.fail(100500, "own"));
      expect(failed).to.include({ code: "UNKNOWN", number: 100500, outcome: "executed", message: "own" });
      expect(await failureOf(remote.refuse())).to.include({
        code: "ACCESS_DENIED",
        number: 5,
        outcome: "not-executed",
      });
      expect(await failureOf(remote.impossible())).to.include({ code: "UNKNOWN", outcome: "executed" });
      expect(await failureOf(remote.nope())).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    });

    it("with every kind of value", async () => {
      const { remote } = await connect();
      expect(await remote.names()).to.have.members(Object.keys(SAMPLES));
      for (const [name, value] of Object.entries(SAMPLES)) {
        expect(same(await remote.same(name, value), value), name).to.equal(true);
      }
    });

    it("with attachments", async () => {
      const { address } = await serve();
      const component = mesh.client().connectComponent(address, "interop.lamp", { wire: "lamp" });
      expect((await component.invokeFull("mirror")).attachment).to.equal(undefined);
      const attachment = new Uint8Array(20_000).fill(3);
      const answer = await component.invokeFull("mirror", null, { attachment });
      expect([answer.result, answer.attachment]).to.deep.equal([20_000, attachment]);
    });

    it("with calls that their caller has named, and asks for", async () => {
      const { address } = await serve();
      const component = mesh.client().connectComponent(address, "interop.lamp", { wire: "lamp" });
      const other = mesh.client().connectComponent(address, "interop.lamp", { wire: "lamp" });
      await component.invoke("noted");
      const naming = new Naming();
      await component.callNamed("note", [1], {}, naming);
      const first = naming.handOver();
      for (let time = 0; time < 2; time++) await other.callNamed("note", [1], {}, new Naming({ earlier: first }));
      // It never arrived.
      const lost = { ...first, call: naming.call(7) };
      for (let time = 0; time < 2; time++) await other.callNamed("note", [2], {}, new Naming({ earlier: lost }));
      expect(await other.invoke("noted")).to.deep.equal([1, 2]);
      naming.taken = 1;
      await component.callNamed("note", [3], {}, naming);
      const forgotten = failureOf(other.callNamed("note", [1], {}, new Naming({ earlier: first })));
      expect(await forgotten).to.include({ outcome: "unknown" });
      expect(await other.invoke("noted")).to.deep.equal([1, 2, 3]);
    });

    it("with many calls in one message, and large values beside them", async () => {
      const { remote } = await connect();
      await remote.echo(null);
      const numbers = await Promise.all(Array.from({ length: 50 }, () => remote.message()));
      expect(new Set(numbers).size).to.equal(1);
      const blobs = [new Uint8Array(20_000).fill(1), new Uint8Array(30_000).fill(2)];
      expect(await Promise.all(blobs.map((blob) => remote.echo(blob)))).to.deep.equal(blobs);
    });

    it("with streams", async () => {
      const { remote } = await connect();
      const sum = async (items: AsyncIterable<number>): Promise<number> => {
        let total = 0;
        for await (const item of items) total += item;
        return total;
      };
      expect(await sum(remote.count(1000))).to.equal(499_500);
      expect(await remote.ended()).to.equal("count");
      for await (const item of remote.endless()) if (item === 100) break;
      expect(await remote.ended()).to.equal("endless");
      const broken = await remote.broken();
      expect(await broken.next()).to.deep.equal({ done: false, value: 1 });
      expect(await failureOf(broken.next())).to.include({ code: "UNKNOWN", number: 77, message: "no more" });
    });

    it("which streams to it", async () => {
      const { remote } = await connect();
      const stopped = new EventEmitter();
      const upTo = async function* (to: number) {
        try {
          for (let n = 0; n < to; n++) yield await Promise.resolve(n);
        } finally {
          stopped.emit("stopped");
        }
      };
      expect(await remote.sum(upTo(1000))).to.equal(499_500);
      const end = once(stopped, "stopped");
      expect(await remote.first(upTo(Infinity))).to.equal(0);
      await end;
      expect(await remote.granted(upTo(Infinity))).to.deep.equal([65, 0]);
      expect(await remote.web(ReadableStream.from(upTo(3)))).to.equal(true);
      expect(await remote.web(upTo(3))).to.equal(false);
      let last = -1;
      for await (const item of await remote.double(upTo(200))) last = item;
      expect(last).to.equal(398);
    });

    it("which calls references, and lets go of them", async () => {
      const { remote } = await connect();
      const add = await remote.adder(3);
      expect(await add(4)).to.equal(7);
      const account = await remote.account();
      expect(await account.add(2)).to.equal(2);
      expect(await remote.isAccount(named({ value: account }))).to.equal(true);
      expect(await remote.account()).to.equal(account);
      expect(await remote.held()).to.equal(2);
      release(account);
      expect(await remote.held()).to.equal(1);
    });

    it("which gives references", async () => {
      const { remote } = await connect();
      expect(await remote.apply((n: number) => 3 * n, [5])).to.equal(15);
      const thing = new Thing();
      expect(await remote.echo(thing)).to.equal(thing);
      await remote.keep(thing);
      expect(await remote.callKept(4)).to.equal(8);
      await remote.letGo();
      expect(await remote.callLost()).to.deep.equal(["REFERENCE_LOST", "not-executed"]);
    });

    it("which is called back", async () => {
      const { address } = await serve();
      const client = mesh.client();
      client.provide(defineInterface("client.greeter", { methods: { hello: (name: string) => `hello ${name}` } }));
      const remote = client.connect<PythonService>(address, "interop.lamp", { wire: "lamp" });
      expect(await remote.askBack("you")).to.equal("hello you");
    });

    it("which goes on from results before they are there", async () => {
      const { remote } = await connect();
      await remote.echo(null);
      const before = await remote.message();
      const name = remote.account("good").profile().name;
      const renamed = remote.account("good").profile().rename("Bob");
      const sum = remote.account("good").add(4);
      expect(await Promise.all([name, renamed, sum])).to.deep.equal(["Ann", "Ann is Bob", 4]);
      expect(await remote.message()).to.be.equal(before + 2);
      expect(await failureOf(remote.account("bad").profile())).to.include({ code: "ACCESS_DENIED" });
    });

    it("which wants no answer", async () => {
      const { remote } = await connect();
      await withOptions(remote, { oneWay: true }).note("one way");
      expect(await remote.noted()).to.deep.equal(["one way"]);
    });

    it("which cancels", async () => {
      const { child, remote } = await connect();
      const stop = new AbortController();
      const failure = failureOf(withOptions(remote, { signal: stop.signal }).wait(1));
      await child.waitFor(/^begun 1$/m);
      stop.abort();
      expect(await failure).to.include({ code: "CANCELLED" });
      await child.waitFor(/^cancelled 1$/m);
    });

    it("whose deadline passes", async () => {
      const { child, remote } = await connect();
      await remote.echo(null);
      const failure = await failureOf(withOptions(remote, { timeoutMs: 100 }).wait(2));
      expect(failure).to.include({ code: "TIMEOUT" });
      await child.waitFor(/^cancelled 2$/m);
    });

    it("which pings while it waits, if its link does not tell it of the end", async () => {
      const { address } = await serve();
      await remoteOf(address, { transport: "zeromq" }).pinged();
    });

    it("which says goodbye", async () => {
      const { child, address } = await serve();
      const client = mesh.client();
      const failure = failureOf(client.connect<PythonService>(address, "interop.lamp", { wire: "lamp" }).wait(1));
      await child.waitFor(/^begun 1$/m);
      await client.close();
      expect(await failure).to.include({ code: "CLOSED", outcome: "unknown" });
      await child.waitFor(/^cancelled 1$/m);
    });

    it("which takes its goodbye for the end of a connection, and asks again over another one", async () => {
      const { remote } = await connect();
      expect(await remote.goodbye()).to.equal(null);
      expect(await remote.executions(0)).to.equal(1);
    });

    it("which says goodbye to it for what cannot be read, or is too much", async () => {
      for (const what of ["no msgpack", "ends early", "claims much", "too deep", "no such frame"]) {
        const { child, remote } = await connect();
        const answer = remote.garbage(what);
        await child.waitFor(/^goodbye PROTOCOL$/m);
        await answer;
        child.process.kill();
      }
      const { child, remote } = await connect();
      const stream = await remote.flood();
      await child.waitFor(/^goodbye PROTOCOL$/m);
      const failure = failureOf(
        (async () => {
          for await (const _ of stream);
        })(),
      );
      expect(await failure).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(await remote.echo(1)).to.equal(1);
    });

    it("which sends no more than it takes", async () => {
      const { address } = await serve("100000");
      const remote = remoteOf(address);
      expect(await failureOf(remote.echo(new Uint8Array(100_000)))).to.include({
        code: "TOO_LARGE",
        outcome: "not-sent",
      });
      expect(await remote.lengths([new Uint8Array(99_000)])).to.deep.equal([99_000]);
    });

    it("which asks for the answer of a method that runs still", async () => {
      const { child, link, remote, direct } = await connectWeakly();
      const answer = remote.wait(1);
      await child.waitFor(/^begun 1$/m);
      link.break();
      await direct.open(1);
      expect(await answer).to.equal("waited 1");
      expect(await direct.executions(1)).to.equal(1);
    });

    it("which asks for an answer that was lost", async () => {
      const { child, link, remote, direct } = await connectWeakly();
      link.block("answers");
      const answer = remote.execute(2);
      await child.waitFor(/^executed 2$/m);
      link.break();
      expect(await answer).to.equal(1);
      link.block("answers");
      const failure = failureOf(remote.stream_once(3));
      await child.waitFor(/^executed 3$/m);
      link.break();
      expect(await failure).to.include({ code: "REFERENCE_LOST", outcome: "executed" });
      expect([await direct.executions(2), await direct.executions(3)]).to.deep.equal([1, 1]);
    });

    it("which sends a call again that had not arrived", async () => {
      const { link, remote, direct } = await connectWeakly();
      link.block("requests");
      const answer = remote.execute(4);
      // Sent when another one has gone the same way.
      await withOptions(remote, { oneWay: true }).note("lost");
      link.break();
      expect(await answer).to.equal(1);
      expect([await direct.executions(4), await direct.noted()]).to.deep.equal([1, []]);
    });

    it("which learns that a call is unknown to another run of the service", async () => {
      const { child, link, remote } = await connectWeakly();
      const failure = failureOf(remote.wait(5));
      await child.waitFor(/^begun 5$/m);
      const other = await serve();
      link.break(other.address);
      expect(await failure).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(await remoteOf(other.address).executions(5)).to.equal(0);
    });
  });
});

class Thing {
  @Method() double(n: number): number {
    return 2 * n;
  }
}

interface Account {
  profile(): { name: string; tags: string[]; rename: (to: string) => string };
  add(by: number): Promise<number>;
}

/** The service of test/interop/python/lamp_demo.py. */
interface PythonService {
  echo(value?: unknown): unknown;
  subtract(a: number, b: number): number;
  extensions(): unknown;
  names(): string[];
  same(name: string, value: unknown): unknown;
  lengths(values: Uint8Array[]): number[];
  fail(number: number, text: string): never;
  refuse(): never;
  impossible(): never;
  nope(): never;
  message(): number;
  note(value: unknown): void;
  noted(): unknown[];
  count(to: number): AsyncGenerator<number>;
  endless(): AsyncGenerator<number>;
  ended(): string;
  broken(): AsyncGenerator<number>;
  web(items: AsyncIterable<number>): boolean;
  sum(items: AsyncIterable<number>): number;
  first(items: AsyncIterable<number>): number;
  double(items: AsyncIterable<number>): AsyncGenerator<number>;
  granted(items: AsyncIterable<number>): [number, number];
  adder(by: number): (to: number) => Promise<number>;
  account(token?: string): Account;
  isAccount(value: unknown): boolean;
  held(): number;
  apply(callback: (n: number) => number, args: number[]): number;
  keep(thing: Thing): void;
  callKept(n: number): number;
  letGo(): void;
  callLost(): unknown;
  askBack(name: string): string;
  wait(key: number): string;
  open(key: number): void;
  execute(key: number): number;
  stream_once(key: number): AsyncGenerator<number>;
  executions(key: number): number;
  pinged(): null;
  goodbye(): null;
  garbage(what: string): null;
  flood(): AsyncGenerator<number>;
}
