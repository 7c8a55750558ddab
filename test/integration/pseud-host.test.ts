import { expect } from "chai";
import { Client as Pseud } from "../../src/compat/pseud/index.js";
import { currentCall, defineInterface, Host, named, type Remote, withOptions } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";

/** Ends what `slow` does. */
let release: () => void = () => undefined;
const demo = defineInterface("demo.query", {
  methods: {
    create: { params: ["value"], results: ["field1"], run: (value: number) => value },
    add: { params: ["a", "b"], run: (a: number, b: number) => a + b },
    "draw.me.a.sheep": () => "beeeh",
    all: (...args: unknown[]) => args,
    whoami: () => currentCall().caller?.name ?? null,
    back: () =>
      currentCall()
        .peerAs<Caller>("")
        .tell("a", named({ b: 2 })),
    slow: () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
    fail: () => {
      throw new RangeError("no");
    },
  },
});
/** What a caller lets itself be told. */
interface Caller {
  tell(...args: unknown[]): unknown;
}

/** What callers see of it. */
interface Demo {
  create(value: number): unknown;
  add(...args: unknown[]): unknown;
  all(...args: unknown[]): unknown;
  back(): unknown;
  slow(): unknown;
  fail(): unknown;
  readonly draw: { readonly me: { readonly a: { sheep(): string } } };
  readonly demo: { readonly query: { add(a: number, b: number): number }; readonly other: { add(): string } };
  readonly nothing: { such(): void };
}

const other = defineInterface("demo.other", { methods: { add: () => "other" } });

describe("A host that speaks pseud", () => {
  const mesh = useMesh();

  async function connect(interfaceName?: string): Promise<Remote<Demo>> {
    const host = await mesh.host([demo], { errors: "message" });
    return mesh.client().connect<Demo>(host.address, interfaceName, { wire: "pseud" });
  }

  it("is called by PyCOM's, pseud's and lamp's callers at one port, each in turn and all at once", async () => {
    const { address } = await mesh.host([demo]);
    const callers = ["pycom", "pseud", "lamp"].map((wire) =>
      mesh.client().connect<Demo>(address, "demo.query", { wire }),
    );
    for (const caller of callers) expect(await caller.add(1, 2)).to.equal(3);
    const all = await Promise.all(
      callers.flatMap((caller, index) => Array.from({ length: 50 }, (_, n) => caller.add(index * 1000, n))),
    );
    expect(all).to.deep.equal([0, 1000, 2000].flatMap((base) => Array.from({ length: 50 }, (_, n) => base + n)));
  });

  it("finds a method by its name, and by its interface and name", async () => {
    const remote = await connect();
    expect(await remote.draw.me.a.sheep()).to.equal("beeeh");
    expect(await remote.add(1, 2)).to.equal(3);
    expect(await remote.demo.query.add(1, 2)).to.equal(3);
    expect(await remote.create(42)).to.deep.equal({ field1: 42 });
  });

  it("takes keyword arguments, and hands those to undeclared methods behind the others", async () => {
    const remote = await connect();
    expect(await remote.add(1, named({ b: 2 }))).to.equal(3);
    expect(await remote.add(named({ a: 5, b: 2 }))).to.equal(7);
    expect(await remote.all(1, "two", named({ three: 3 }))).to.deep.equal([1, "two", { three: 3 }]);
    expect(await remote.all()).to.deep.equal([]);
    const failure = await failureOf(remote.add(1, named({ c: 2 })));
    expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
    expect(failure.remote?.name).to.equal("TypeError");
  });

  it("calls back", async () => {
    const host = await mesh.host([demo]);
    const client = mesh.client();
    client.provide(defineInterface("caller", { methods: { tell: (...args: unknown[]) => ["told", ...args] } }));
    expect(await client.connect<Demo>(host.address, undefined, { wire: "pseud" }).back()).to.deep.equal([
      "told",
      "a",
      { b: 2 },
    ]);
  });

  it("tells what went wrong, and of a name that is not there that nothing was executed", async () => {
    const remote = await connect("demo.query");
    const absent = await failureOf(remote.nothing.such());
    expect(absent).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    expect(absent.remote).to.include({ name: "ServiceNotFoundError", message: "nothing.such" });
    const failed = await failureOf(remote.fail());
    expect(failed).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(failed.remote).to.include({ name: "RangeError", message: "no" });
  });

  it("has a name that sockets take, on every transport", async () => {
    const service = `/${"x".repeat(300)}`;
    for (const transport of ["zmtp", "zeromq"] as const) {
      const host = await mesh.host([demo], { service, transport });
      expect(await mesh.client().connect<Demo>(host.address, undefined, { wire: "pseud" }).add(1, 2)).to.equal(3);
    }
    for (const routingId of ["", "ä".repeat(128)]) {
      expect(() => new Host({ routingId })).to.throw("1 to 255 octets");
    }
  });

  it("asks which interface is meant when several have a method", async () => {
    const host = await mesh.host([demo, other]);
    const remote = mesh.client().connect<Demo>(host.address, undefined, { wire: "pseud" });
    expect((await failureOf(remote.add(1, 2))).message).to.contain("demo.query, demo.other");
    expect(await remote.demo.other.add()).to.equal("other");
  });

  it("answers its callers before they give up, for they would break at a late answer", async function () {
    this.timeout(20_000);
    const remote = await connect();
    const failure = await failureOf(withOptions(remote, { timeoutMs: 15_000 }).slow());
    expect(failure).to.include({ code: "TIMEOUT", outcome: "unknown" });
    expect(failure.remote?.name).to.equal("TimeoutError");
    release();
    expect(await remote.add(1, 2)).to.equal(3);
  });

  it("answers a client that says first that it is there, on any transport", async () => {
    const host = await mesh.host([demo], { routingId: "service" });
    const client = new Pseud<Demo>({ serverId: "service" });
    await client.connect(host.address);
    expect(await client.add(1, 2)).to.equal(3);
    await client.stop();
  });

  it("is located like any other, and called on the best wire", async () => {
    const { address } = await mesh.nameserver();
    const host = await mesh.host([demo], { nameserver: address });
    const client = mesh.client({ nameserver: address });
    const [record] = await client.find("demo.query");
    expect(record?.endpoints[0]?.wires).to.deep.equal(["lamp", "pseud", "pycom"]);
    expect(await client.locate<Demo>("demo.query").add(1, 2)).to.equal(3);
    expect(host.peers.map(({ wire }) => wire)).to.include("lamp");
  });
});
