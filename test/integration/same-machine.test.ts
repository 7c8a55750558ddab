import { expect } from "chai";
import { type Client, type ClientEvent, defineInterface, type HostOptions, withOptions } from "../../src/index.js";
import { machineId } from "../../src/transport/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { WeakLink } from "../support/weak-link.js";

const where = defineInterface("demo.where", { methods: { where: () => "here" } });

describe("Calls within one machine", () => {
  const mesh = useMesh();
  // Elsewhere there is nothing of the kind.
  if (process.platform !== "linux" || process.env.LAMPLIGHTER_TRANSPORT === "zeromq") return;

  /** A client, and the schemes that it has connected over, but for the nameserver. */
  function client(nameserver: string): { client: Client; schemes: string[] } {
    const schemes: string[] = [];
    const onEvent = (event: ClientEvent): void => {
      if (event.type === "connected" && event.address !== nameserver) schemes.push(event.address.split(":")[0] ?? "");
    };
    // Without a transport of its own it would need no socket at all: host and client are in one process here.
    return { client: mesh.client({ nameserver, onEvent, transport: "zmtp" }), schemes };
  }

  async function start(options: HostOptions = {}) {
    const { address } = await mesh.nameserver();
    const host = await mesh.host([where], { nameserver: address, service: "/where", ...options });
    return { host, ...client(address), nameserver: address };
  }

  it("take the unix socket, and tell the service's own address", async () => {
    const { host, client, schemes } = await start();
    const remote = client.component("demo.where");
    expect(await remote.invoke("where")).to.equal("here");
    expect(schemes).to.deep.equal(["ipc"]);
    expect(remote.status.address).to.equal(host.address);
    expect(host.addresses).to.have.length(1);
  });

  it("take tcp when they are told an address", async () => {
    const { host, client, schemes } = await start();
    expect(await client.connect<{ where(): string }>(host.address, "demo.where").where()).to.equal("here");
    expect(schemes).to.deep.equal(["tcp"]);
  });

  it("speak the best wire again after the service could not be reached for a moment", async () => {
    const { host, client, nameserver } = await start({ nameserver: false });
    const link = mesh.own(await WeakLink.to("tcp://127.0.0.1:1"));
    const register = mesh.client({ nameserver }).nameserverComponent();
    await register.invoke("register", {
      address: link.address,
      interfaces: ["demo.where"],
      service: "/elsewhere",
      incarnation: "one",
      endpoints: [{ address: link.address, wires: ["lamp", "pycom"] }],
    });
    const remote = client.locate<{ where(): string }>("demo.where");
    const calls = Array.from({ length: 3 }, () => failureOf(withOptions(remote, { retry: false }).where()));
    for (const { outcome } of await Promise.all(calls)) expect(outcome).to.equal("not-sent");
    link.break(host.address);
    expect(await remote.where()).to.equal("here");
    expect(host.peers.map(({ wire }) => wire)).to.deep.equal(["lamp"]);
  });

  for (const [what, machine] of [
    ["leads nowhere", machineId()],
    ["is another machine's", "another"],
  ] as const) {
    it(`take tcp in the same try when the unix socket ${what}`, async () => {
      const { host, client, schemes, nameserver } = await start({ nameserver: false });
      const register = mesh.client({ nameserver }).nameserverComponent();
      await register.invoke("register", {
        address: host.address,
        interfaces: ["demo.where"],
        service: "/elsewhere",
        endpoints: [
          { address: host.address, wires: ["lamp", "pycom"] },
          { address: "ipc://@lamplighter-nobody", wires: ["lamp", "pycom"], machine },
        ],
      });
      const remote = client.locate<{ where(): string }>("demo.where");
      expect(await remote.where()).to.equal("here");
      expect(schemes).to.deep.equal(["tcp"]);
    });
  }
});
