import { expect } from "chai";
import { MemoryRegistry } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { useRawPeers } from "../support/raw.js";
import { echo } from "../support/services.js";

/** docs/pycom-wire.md, section 24, "Nameserver": by raw frames, as PyCOM's services and clients send them. */
describe("A nameserver, seen by PyCOM services and clients", () => {
  const mesh = useMesh();
  const raw = useRawPeers();
  const ask = (address: string, method: string, args: unknown = null): Promise<Record<string, unknown>> =>
    raw.call(address, { version: "1.0", interface: "org.pycom.nameserver", method, args });
  const record = (service: string, port: number, interfaces = ["demo.echo"]): Record<string, unknown> => ({
    service,
    address: `tcp://127.0.0.1:${port}`,
    interfaces,
  });

  it("answers stat with an empty object, and introspects", async () => {
    const { address } = await mesh.nameserver();
    expect(await ask(address, "stat")).to.deep.equal({ code: 0, result: {} });
    const { result } = await ask(address, "introspect");
    expect(result).to.have.nested.property("methods.register");
  });

  it("registers with an empty result, locates and lists in PyCOM's shape, itself included", async () => {
    const { address } = await mesh.nameserver();
    expect(await ask(address, "register", record("/a", 1))).to.deep.equal({ code: 0, result: {} });
    const located = await ask(address, "locate", { interface: "demo.echo", service: null });
    expect(located).to.deep.equal({ code: 0, result: record("/a", 1) });
    const { result } = await ask(address, "list_services");
    const own = { address, service: "/org/pycom/nameserver", interfaces: ["org.pycom.nameserver"] };
    expect(result).to.have.deep.members([own, record("/a", 1)]);
  });

  it("answers code 3 when nobody provides the interface, or not the named service", async () => {
    const { address } = await mesh.nameserver();
    await ask(address, "register", record("/a", 1));
    expect(await ask(address, "locate", { interface: "demo.gone" })).to.deep.equal({
      code: 3,
      error: "Interface not found: demo.gone",
    });
    expect((await ask(address, "locate", { interface: "demo.echo", service: "/b" })).code).to.equal(3);
  });

  it("answers code 4 to wrong types, missing arguments and bad patterns", async () => {
    const { address } = await mesh.nameserver();
    const wrong: [string, unknown][] = [
      ["register", { ...record("/a", 1), interfaces: "demo.echo" }],
      ["register", { ...record("/a", 1), interfaces: [1] }],
      ["register", { ...record("/a", 1), service: 5 }],
      ["register", { service: "/a" }],
      ["locate", {}],
      ["locate", { interface: 1 }],
      ["locate", { interface: "a", service: 1 }],
      ["list_services", { interface: "(" }],
      ["list_services", { service: 1 }],
    ];
    for (const [method, args] of wrong) {
      expect((await ask(address, method, args)).code, JSON.stringify(args)).to.equal(4);
    }
  });

  it("replaces the record of the same name and address, interfaces too", async () => {
    const { address } = await mesh.nameserver();
    await ask(address, "register", record("/a", 1));
    await ask(address, "register", record("/a", 1, ["demo.other"]));
    expect((await ask(address, "locate", { interface: "demo.echo" })).code).to.equal(3);
    expect((await ask(address, "locate", { interface: "demo.other" })).code).to.equal(0);
  });

  it("refuses a name that is registered from another address, while that is alive, with code 5", async () => {
    const { address } = await mesh.nameserver();
    const service = await mesh.host([echo]);
    await ask(address, "register", { service: "/a", address: service.address, interfaces: ["demo.echo"] });
    expect((await ask(address, "register", record("/a", 1))).code).to.equal(5);
    const located = await ask(address, "locate", { interface: "demo.echo" });
    expect(located.result).to.include({ address: service.address });
  });

  it("gives a name over at once when its old address refuses connections", async () => {
    const { address } = await mesh.nameserver();
    await ask(address, "register", record("/a", 1));
    expect(await ask(address, "register", record("/a", 2))).to.deep.equal({ code: 0, result: {} });
  });

  it("forgets a record 60 s after the last registration, not before", async () => {
    let now = 0;
    const registry = new MemoryRegistry({ now: () => now });
    const { address } = await mesh.nameserver({ registry });
    const step = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 100) {
        now += 100;
        registry.sweep();
      }
    };
    await ask(address, "register", record("/a", 1));
    step(59_000);
    await ask(address, "register", record("/a", 1));
    step(59_000);
    expect((await ask(address, "locate", { interface: "demo.echo" })).code).to.equal(0);
    step(2_000);
    expect((await ask(address, "locate", { interface: "demo.echo" })).code).to.equal(3);
  });

  it("keeps the leases when it was itself stopped for longer than they last", async () => {
    let now = 0;
    const registry = new MemoryRegistry({ now: () => now });
    const { address } = await mesh.nameserver({ registry });
    await ask(address, "register", record("/a", 1));
    now += 600_000;
    registry.sweep();
    expect((await ask(address, "locate", { interface: "demo.echo" })).code).to.equal(0);
  });

  it("picks one of several providers uniformly at random, per call", async () => {
    let next = 0;
    const { address } = await mesh.nameserver({ random: () => next });
    await ask(address, "register", record("/a", 1));
    await ask(address, "register", record("/b", 2));
    const found: unknown[] = [];
    for (next of [0, 0.49, 0.5, 0.99]) {
      found.push(((await ask(address, "locate", { interface: "demo.echo" })).result as { service: string }).service);
    }
    expect(found).to.deep.equal(["/a", "/a", "/b", "/b"]);
  });

  it("matches patterns from the first character, but not to the end", async () => {
    const { address } = await mesh.nameserver();
    const count = async (patterns: object): Promise<number> =>
      ((await ask(address, "list_services", patterns)).result as unknown[]).length;
    expect(await count({ service: "/org/pycom" })).to.equal(1);
    expect(await count({ service: ".*/pycom" })).to.equal(1);
    expect(await count({ service: "/pycom" })).to.equal(0);
    expect(await count({ interface: "org", service: "/nope" })).to.equal(0);
    expect(await count({ interface: "org\\.pycom\\.nameserver$" })).to.equal(1);
  });

  it("shows PyCOM's peers only what speaks their wire over tcp", async () => {
    const { address } = await mesh.nameserver();
    const register = (service: string, endpoints: unknown): Promise<unknown> =>
      ask(address, "register", {
        ...record(service, 1),
        incarnation: service,
        lease_ms: 10_000,
        endpoints,
      });
    await register("/lamp-only", [{ address: "tcp://127.0.0.1:1", wires: ["lamp"] }]);
    await register("/ipc-only", [{ address: "ipc:///nowhere", wires: ["pycom"] }]);
    await register("/both", [
      { address: "ipc:///nowhere", wires: ["pycom"] },
      { address: "tcp://127.0.0.1:3", wires: ["lamp", "pycom"] },
    ]);
    const { result } = await ask(address, "list_services", { interface: "demo" });
    expect(result).to.deep.equal([record("/both", 3)]);
  });
});

describe("A nameserver, seen by Lamplighter", () => {
  const mesh = useMesh();
  const raw = useRawPeers();
  const ask = (address: string, method: string, args: unknown = null): Promise<Record<string, unknown>> =>
    raw.call(address, { interface: "org.pycom.nameserver", method, args });

  it("finds by tags and service, with data, all or one", async () => {
    const nameserver = await mesh.nameserver();
    const options = { nameserver: nameserver.address };
    await mesh.host([echo], { ...options, service: "/a", tags: ["red", "big"], data: { zone: 1 } });
    await mesh.host([echo], { ...options, service: "/b", tags: ["red"] });
    const client = mesh.client(options);
    const services = async (query: object): Promise<string[]> =>
      (await client.find("demo.echo", query)).map((found) => found.service).sort();
    expect(await services({})).to.deep.equal(["/a", "/b"]);
    expect(await services({ tags: ["red"] })).to.deep.equal(["/a", "/b"]);
    expect(await services({ tags: ["red", "big"] })).to.deep.equal(["/a"]);
    expect(await services({ service: "/b" })).to.deep.equal(["/b"]);
    const [found] = await client.find("demo.echo", { tags: ["big"] });
    expect(found?.data).to.deep.equal({ zone: 1 });
    expect(found?.incarnation).to.be.a("string");
    const component = client.component("demo.echo", { tags: ["big"] });
    await component.invoke("echo", 1);
    expect(component.status.service).to.equal("/a");
  });

  it("holds `find` until a provider comes that is not excluded", async () => {
    const nameserver = await mesh.nameserver();
    const waiting = ask(nameserver.address, "find", { interface: "demo.echo", wait_ms: 15_000 });
    await mesh.host([echo], { nameserver: nameserver.address, service: "/late" });
    expect((await waiting).result).to.have.nested.property("[0].service", "/late");
  });

  it("tells followers of every change, and everything anew when their cursor is of another run", async () => {
    const nameserver = await mesh.nameserver();
    const first = (await ask(nameserver.address, "watch")).result as { cursor: string; reset: boolean };
    expect(first.reset).to.equal(true);
    const host = await mesh.host([echo], { nameserver: nameserver.address, service: "/a" });
    const added = (await ask(nameserver.address, "watch", { since: first.cursor, wait_ms: 15_000 })).result;
    expect(added).to.have.nested.property("changes[0].type", "added");
    const { cursor } = added as { cursor: string };
    await host.close();
    const removed = (await ask(nameserver.address, "watch", { since: cursor, wait_ms: 15_000 })).result;
    expect(removed).to.have.nested.property("changes[0].type", "removed");
    expect((await ask(nameserver.address, "watch", { since: "other.5" })).result).to.have.property("reset", true);
  });

  it("cannot be made to forget or change a live service by those who do not hold its lease", async () => {
    const nameserver = await mesh.nameserver();
    const host = await mesh.host([echo], { nameserver: nameserver.address, service: "/a" });
    const attacks: [string, object][] = [
      ["unregister", { service: "/a", lease: "guess" }],
      ["register", { service: "/a", address: host.address, interfaces: ["bogus"] }],
      ["register", { service: "/a", address: host.address, interfaces: ["bogus"], incarnation: host.incarnation }],
      ["register", { service: "/a", address: "tcp://127.0.0.1:1", interfaces: ["bogus"], incarnation: "newer" }],
      ["register", { service: "/org/pycom/nameserver", address: "tcp://127.0.0.1:1", interfaces: ["bogus"] }],
      ["register", { service: "/org/pycom/nameserver", address: nameserver.address, interfaces: ["bogus"] }],
    ];
    for (const [method, args] of attacks) {
      expect((await ask(nameserver.address, method, args)).code, JSON.stringify(args)).to.equal(5);
    }
    const { result } = await ask(nameserver.address, "list_services", { service: "/a" });
    expect(result).to.deep.equal([{ service: "/a", address: host.address, interfaces: ["demo.echo"] }]);
  });

  it("names leases that it does not know when they are renewed", async () => {
    const { address } = await mesh.nameserver();
    const answer = await ask(address, "renew", { leases: [{ service: "/a", lease: "x" }, 5] });
    expect((answer.result as { unknown: string[] }).unknown[0]).to.equal("/a");
  });

  it("refuses a record that is too large, and more services than it holds", async () => {
    const { address } = await mesh.nameserver({ maxRecords: 2 });
    const register = (service: string, data: object): Promise<Record<string, unknown>> =>
      ask(address, "register", { service, address: "tcp://127.0.0.1:1", interfaces: ["a"], data });
    const large = await register("/a", { text: "x".repeat(70_000) });
    expect(large.code).to.equal(4);
    expect(large.error).to.match(/65536/);
    expect((await register("/b", {})).code).to.equal(0);
    const full = await register("/c", {});
    expect(full.extensions).to.have.nested.property("lamplighter.code", "OVERLOADED");
  });

  it("refuses to start a second host under a name that is alive", async () => {
    const nameserver = await mesh.nameserver();
    await mesh.host([echo], { nameserver: nameserver.address, service: "/a" });
    const error = await failureOf(mesh.host([echo], { nameserver: nameserver.address, service: "/a" }));
    expect(error.code).to.equal("ACCESS_DENIED");
  });

  it("gets its services back by themselves after a restart", async () => {
    const first = await mesh.nameserver();
    const { address } = first;
    await mesh.host([echo], { nameserver: address, service: "/a" });
    await first.close();
    await mesh.nameserver({ address });
    const found = await ask(address, "find", { interface: "demo.echo", wait_ms: 15_000 });
    expect(found.result).to.have.nested.property("[0].service", "/a");
  });

  it("serves clients of the same process under the address `local`", async () => {
    await mesh.nameserver();
    await mesh.host([echo], { nameserver: "local", service: "/a" });
    const client = mesh.client({ nameserver: "local" });
    expect(await client.locate<{ echo(value: number): number }>("demo.echo").echo(5)).to.equal(5);
  });
});
