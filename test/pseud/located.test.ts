import { expect } from "chai";
import { named } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";
import { until } from "../support/until.js";

interface Jobs {
  add(a: number, ...rest: unknown[]): number;
}

describe("A server of pseud that is registered", () => {
  const mesh = useMesh();
  const pseud = usePseud();

  function start(nameserver: string) {
    const server = pseud.server({ id: "service", nameserver, interfaces: ["demo.sums"], service: "/sums" });
    server.register((a: number, b: number) => a + b, { name: "add", params: ["a", "b"] });
    return server;
  }

  it("is located like any service, and again where it was started anew", async () => {
    const { address } = await mesh.nameserver();
    const server = start(address);
    const bound = await server.bind("tcp://127.0.0.1:0");
    const client = mesh.client({ nameserver: address });
    const sums = client.locate<Jobs>("demo.sums");
    expect(await sums.add(1, named({ b: 2 }))).to.equal(3);
    const [record] = await client.find("demo.sums");
    expect(record).to.deep.include({ service: "/sums", address: bound, data: { serverId: "service" } });
    expect(record?.endpoints).to.deep.equal([{ address: bound, wires: ["pseud"] }]);
    await server.stop();
    expect(await failureOf(mesh.client({ nameserver: address }).locate<Jobs>("demo.sums").add(1, 2))).to.include({
      code: "SERVICE_NOT_FOUND",
    });
    await start(address).bind("tcp://127.0.0.1:0");
    expect(await sums.add(2, 2)).to.equal(4);
  });

  it("is located by all addresses that it is bound to, one after the other or at once", async () => {
    const { address } = await mesh.nameserver();
    const server = start(address);
    const client = mesh.client({ nameserver: address });
    const known = async (): Promise<unknown> =>
      (await client.find("demo.sums"))[0]?.endpoints.map((endpoint) => endpoint.address);
    const bound = [await server.bind("tcp://127.0.0.1:0")];
    bound.push(await server.bind("tcp://127.0.0.1:0"));
    expect(await known()).to.deep.equal(bound);
    bound.push(...(await Promise.all([server.bind("tcp://127.0.0.1:0"), server.bind("tcp://127.0.0.1:0")])));
    expect(await known()).to.have.members(bound);
    await server.stop();
    expect(await known()).to.equal(undefined);
  });

  it("is not registered any more when it was stopped, whatever it was doing", async () => {
    const nameserver = await mesh.nameserver();
    for (let turns = 0; turns < 60; turns++) {
      const server = start(nameserver.address);
      const bound = server.bind("tcp://127.0.0.1:0").catch((error: unknown) => error);
      // A turn of the event loop more each time: it comes to every step of binding and registering.
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      await server.stop();
      await bound;
      expect(nameserver.records.filter(({ service }) => service === "/sums")).to.deep.equal([]);
    }
  });

  it("is asked by the nameserver whether it is alive, and answers for itself", async () => {
    const { address } = await mesh.nameserver();
    const server = start(address);
    await server.bind("tcp://127.0.0.1:0");
    const rival = start(address);
    const taken = await failureOf(rival.bind("tcp://127.0.0.1:0"));
    expect(taken).to.include({ code: "ACCESS_DENIED" });
  });

  it("is not shown to PyCOM's callers, who could not speak with it", async () => {
    const { address } = await mesh.nameserver();
    const server = start(address);
    await server.bind("tcp://127.0.0.1:0");
    const client = mesh.client({ nameserver: address });
    await until(async () => (await client.find("demo.sums")).length === 1);
    const raw = client.connect<{ locate(interfaceName: string): unknown }>(address, "org.pycom.nameserver");
    expect(await failureOf(raw.locate("demo.sums"))).to.include({
      code: "SERVICE_NOT_FOUND",
    });
  });

  // libzmq does not tell who is there.
  if (process.env.LAMPLIGHTER_TRANSPORT === "zeromq") return;

  it("proves itself by its keys, to whoever finds it", async () => {
    const [keys, nameserverKeys] = [pseud.keys(), pseud.keys()];
    const { address } = await mesh.nameserver({
      security: { keys: nameserverKeys, authenticator: { checkKey: () => "anybody" } },
    });
    const nameserverKey = nameserverKeys.publicKey;
    const alice = pseud.keys();
    const server = pseud.server({
      id: "service",
      security: "trusted_curve",
      keys,
      users: { alice: alice.publicKey },
      nameserver: address,
      nameserverKey,
      interfaces: ["demo.sums"],
    });
    server.register((a: number, b: number) => a + b, { name: "add" });
    await server.bind("tcp://127.0.0.1:0");
    const security = { keys: alice, nameserverKey };
    expect(await mesh.client({ nameserver: address, security }).locate<Jobs>("demo.sums").add(1, 2)).to.equal(3);
    const stranger = mesh.client({ nameserver: address, security: { keys: pseud.keys(), nameserverKey } });
    expect(await failureOf(stranger.locate<Jobs>("demo.sums").add(1, 2))).to.include({ code: "ACCESS_DENIED" });
  });
});
