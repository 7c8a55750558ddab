import { EventEmitter, once } from "node:events";
import { inspect } from "node:util";
import { expect } from "chai";
import {
  currentCall,
  defineInterface,
  Interface,
  Method,
  type RemoteReference,
  release,
  rpcError,
  type Transport,
} from "../../src/index.js";
import { findTransport } from "../../src/transport/index.js";
import { failureOf, useMesh } from "../support/mesh.js";

/** An object that stays where it is: its class has methods that are marked for being called. */
class Counter {
  #value: number;
  constructor(start: number) {
    this.#value = start;
  }
  @Method({ params: ["by"] }) add(by: number): number {
    this.#value += by;
    return this.#value;
  }
  @Method() plus(a: number, b: number): number {
    return this.#value + a + b;
  }
  @Method() fail(): never {
    throw rpcError("BAD_REQUEST", "not like this", { outcome: "executed" });
  }
  secret(): number {
    return this.#value;
  }
}

type Callback<T = unknown> = (...args: unknown[]) => T;

interface Service {
  counter(start: number): Counter;
  shared(): Counter;
  adder(n: number): (to: number) => number;
  map(args: { items: number[]; each: Callback<number> }): number[];
  keep(callback: Callback): void;
  callKept(value: unknown): unknown;
  isSame(args: { a: unknown; b: unknown }): boolean;
  echo<T>(value: T): T;
  back(): unknown;
  askBack(name: string): unknown;
  held(): string;
}

function service() {
  let kept: Callback | undefined;
  const shared = new Counter(100);
  return defineInterface("demo.references", {
    methods: {
      counter: (start: number) => new Counter(start),
      shared: () => shared,
      adder: (n: number) => (to: number) => to + n,
      map: async ({ items, each }: { items: number[]; each: Callback<Promise<number>> }) =>
        await Promise.all(items.map((item) => each(item))),
      keep: (callback: Callback) => {
        kept = callback;
      },
      callKept: (value: unknown) => kept?.(value),
      isSame: ({ a, b }: { a: unknown; b: unknown }) => a === b,
      echo: (value: unknown) => value,
      back: () => (currentCall().peer as unknown as { hello(name: string): Promise<string> }).hello("you"),
      held: () => currentCall().peerId,
      askBack: (name: string) => currentCall().peerAs<{ hello(name: string): string }>("client.other").hello(name),
    },
  });
}

describe("References", () => {
  const mesh = useMesh();
  const connect = async (options: { maxReferences?: number } = {}) => {
    const host = await mesh.host([service()], options);
    const client = mesh.client();
    return { host, client, remote: client.connect<Service>(host.address, "demo.references", { wire: "lamp" }) };
  };

  describe("to functions", () => {
    it("are called back while their call is served", async () => {
      const { remote } = await connect();
      expect(await remote.map({ items: [1, 2, 3], each: (n) => (n as number) * 2 })).to.deep.equal([2, 4, 6]);
      const slow = async (n: unknown): Promise<number> => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return (n as number) + 1;
      };
      expect(await remote.map({ items: [1, 2], each: slow as unknown as Callback<number> })).to.deep.equal([2, 3]);
    });

    it("are called back after it, too", async () => {
      const { remote } = await connect();
      const got: unknown[] = [];
      await remote.keep((value) => {
        got.push(value);
        return "taken";
      });
      expect(await remote.callKept({ at: new Date(0) })).to.equal("taken");
      expect(got).to.deep.equal([{ at: new Date(0) }]);
    });

    it("come as results", async () => {
      const { remote } = await connect();
      const add = await remote.adder(10);
      expect(add).to.be.a("function");
      expect(await add(5)).to.equal(15);
    });

    it("tell what their owner throws, and hide what is none of the caller's business", async () => {
      const { remote } = await connect();
      await remote.keep(() => {
        throw new Error("a secret");
      });
      const failure = await failureOf(remote.callKept(1));
      expect(failure.message).to.not.contain("a secret");
    });
  });

  describe("to objects", () => {
    it("have the methods that are marked, and no others", async () => {
      const { remote } = await connect();
      const counter = await remote.counter(5);
      expect(await counter.add(3)).to.equal(8);
      expect(await counter.add(2)).to.equal(10);
      expect(await counter.plus(1, 2)).to.equal(13);
      expect(await failureOf(counter.secret())).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
      expect(await failureOf(counter.fail())).to.include({ code: "BAD_REQUEST", message: "not like this" });
      expect(Object.keys(counter)).to.have.members(["add", "plus", "fail"]);
      expect(inspect(counter)).to.match(/^RemoteProxy<reference \d+ @ tcp:.* held>$/);
    });

    it("have their arguments checked", async () => {
      const { remote } = await connect();
      const counter = await remote.counter(5);
      const failure = await failureOf(counter.add(...([] as unknown as [number])));
      expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
      expect(failure.message).to.contain("args.by");
    });

    it("are the same when they are the same", async () => {
      const { remote } = await connect();
      expect(await remote.shared()).to.equal(await remote.shared());
      expect(await remote.counter(1)).to.not.equal(await remote.counter(1));
    });

    it("come home as what they are", async () => {
      const { remote } = await connect();
      const shared = await remote.shared();
      expect(await remote.isSame({ a: shared, b: await remote.shared() })).to.equal(true);
      const mine = new Counter(1);
      expect(await remote.echo(mine)).to.equal(mine);
      const callback = (): number => 1;
      expect(await remote.echo(callback)).to.equal(callback);
    });

    it("stand for themselves as the only argument of a method that declares one", async () => {
      const host = await mesh.host([
        defineInterface("demo.taking", {
          methods: {
            take: { params: ["counter"], run: (counter: RemoteReference<Counter>) => counter.add(1) },
            who: { params: ["service"], run: (service: Service) => service.held() },
          },
        }),
      ]);
      const { remote } = await connect();
      const taking = mesh
        .client()
        .connect<{ take(counter: unknown): number; who(service: unknown): string }>(host.address, "demo.taking", {
          wire: "lamp",
        });
      expect(await taking.take(await remote.counter(1))).to.equal(2);
      expect(await taking.who(remote)).to.be.a("string");
    });

    it("go on to others, which call them through the one that sent them", async () => {
      const { remote } = await connect();
      const other = (await connect()).remote;
      await other.keep((await remote.adder(7)) as Callback);
      expect(await other.callKept(1)).to.equal(8);
      const forwarded = (await other.echo(await remote.counter(1))) as RemoteReference<Counter>;
      expect(await forwarded.add(1)).to.equal(2);
      const service = (await other.echo(remote)) as typeof remote;
      const add = await service.adder(1);
      expect(await add(2)).to.equal(3);
    });
  });

  describe("are let go", () => {
    it("by using, or release()", async () => {
      const { remote } = await connect({ maxReferences: 3 });
      for (let count = 0; count < 50; count++) {
        const counter = await remote.counter(count);
        expect(await counter.add(1)).to.equal(count + 1);
        release(counter);
        expect(await failureOf(counter.add(1))).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
      }
      for (let count = 0; count < 50; count++) {
        using counter = await remote.counter(count);
        expect(await counter.add(1)).to.equal(count + 1);
      }
      for (let count = 0; count < 50; count++) {
        using add = await remote.adder(count);
        expect(await add(1)).to.equal(count + 1);
      }
      expect(() => {
        release({});
      }).to.throw("no reference");
    });

    it("as often as they were received, not earlier", async () => {
      const { remote } = await connect();
      const first = await remote.shared();
      await remote.shared();
      release(first);
      const again = await remote.shared();
      expect(again).to.not.equal(first);
      expect(await again.add(0)).to.equal(100);
    });

    it("when their connection is gone", async () => {
      const { host, remote } = await connect();
      const counter = await remote.counter(1);
      await host.close();
      while (!inspect(counter).includes("lost")) await new Promise((resolve) => setTimeout(resolve, 2));
      expect(await failureOf(counter.add(1))).to.have.property("code", "REFERENCE_LOST");
    });
  });

  it("are kept over a link on which a host sees nobody go, by signs of life", async () => {
    const heard = new EventEmitter();
    const zeromq = findTransport("zeromq");
    const transport: Transport = {
      ...zeromq,
      listen: (address, handlers, options) =>
        zeromq.listen(
          address,
          {
            ...handlers,
            message: (peer, frames) => {
              handlers.message(peer, frames);
              heard.emit("message");
            },
          },
          options,
        ),
    };
    const host = await mesh.host([service()], { transport });
    // The client's own link would show the host that it goes, if the host could see it.
    const client = mesh.client({ transport: "zmtp" });
    const remote = client.connect<Service>(host.address, "demo.references", { wire: "lamp" });
    const counter = await remote.counter(1);
    await once(heard, "message");
    expect(await counter.add(1)).to.equal(2);
  });

  it("are bounded, and say so", async () => {
    const { remote } = await connect({ maxReferences: 3 });
    const held = await Promise.all([1, 2, 3].map((start) => remote.counter(start)));
    const failure = await failureOf(remote.counter(4));
    expect(failure.message).to.contain("maxReferences");
    release(held[0] as object);
    expect(await (await remote.counter(5)).add(1)).to.equal(6);
  });

  it("do not exist on PyCOM's wire, which says so", async () => {
    const { host } = await connect();
    const remote = mesh.client().connect<Service>(host.address, "demo.references");
    const failure = await failureOf(remote.map({ items: [], each: () => 1 }));
    expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    expect(failure.message).to.contain("args.each is a function");
  });

  describe("Calls from the service to its caller", () => {
    it("reach what the client provides", async () => {
      const { client, remote } = await connect();
      client.provide(defineInterface("client.hello", { methods: { hello: (name: string) => `hello ${name}` } }));
      expect(await remote.back()).to.equal("hello you");
    });

    it("reach a named interface of several", async () => {
      @Interface("client.other")
      class Other {
        @Method({ params: ["name"] }) hello(name: string): string {
          return `other ${name}`;
        }
      }
      const { client, remote } = await connect();
      client.provide(defineInterface("client.hello", { methods: { hello: () => "first" } })).provide(new Other());
      expect(await remote.askBack("x")).to.equal("other x");
      expect((await failureOf(remote.back())).message).to.contain("Several interfaces");
    });

    it("reach it at any time, by the peer's id", async () => {
      const { client, host, remote } = await connect();
      client.provide(defineInterface("client.hello", { methods: { hello: (name: string) => `hello ${name}` } }));
      await remote.held();
      const [peer] = host.peers;
      expect(peer).to.include({ wire: "lamp" });
      expect(await remote.held()).to.equal(peer?.id);
      const caller = host.peer<{ hello(name: string): string }>(peer?.id ?? "");
      expect(await caller.hello("there")).to.equal("hello there");
      await client.close();
      while (host.peers.length > 0) await new Promise((resolve) => setTimeout(resolve, 2));
      expect(await failureOf(caller.hello("there"))).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
      expect(() => host.peer("nobody")).to.throw('No peer "nobody"');
    });

    it("fail with a clear error when there is nothing to call, or no way", async () => {
      const { host, remote } = await connect();
      expect(await failureOf(remote.back())).to.include({ code: "METHOD_NOT_FOUND" });
      const pycom = mesh.client().connect<Service>(host.address, "demo.references");
      expect((await failureOf(pycom.back())).outcome).to.equal("executed");
    });
  });
});
