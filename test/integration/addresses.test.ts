import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  type AddressOption,
  componentOf,
  currentCall,
  defineInterface,
  Host,
  KeyFolder,
  keyText,
  RpcError,
} from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { useRawPeers } from "../support/raw.js";
import { until } from "../support/until.js";

const who = defineInterface("demo.who", {
  methods: { who: () => [currentCall().caller?.name ?? null, currentCall().caller?.proof ?? null] },
});

interface Who {
  who(): [string | null, string | null];
}

const OPEN = { address: "tcp://127.0.0.1:0", mechanisms: ["null"] } as const;

describe("Addresses of a host", () => {
  const mesh = useMesh();

  it("that name mechanisms need a host that has them, and say so before anything is bound", () => {
    const host = (address: AddressOption, security?: object) => () =>
      new Host({ nameserver: false, address, security });
    const address = "tcp://127.0.0.1:0";
    expect(host({ address, mechanisms: ["curve"] })).to.throw(/needs the option security/);
    expect(host({ address, mechanisms: [] }, { mechanisms: ["null"] })).to.throw(/nobody could come in/);
    expect(host({ address, mechanisms: ["plain"] }, { mechanisms: ["null"] })).to.throw(/needs an authenticator/);
    expect(host({ address, mechanisms: ["curv" as "curve"] }, { mechanisms: ["null"] })).to.throw(/is no mechanism/);
    expect(host({ address, mechanism: ["null"] } as AddressOption)).to.throw(/did you mean "mechanisms"/);
    expect(host([])).to.throw(/list of addresses is empty/);
  });

  it("are closed by a host that is closed while it starts, whenever that is", async () => {
    const nameserver = await mesh.nameserver();
    for (const isRegistered of [false, true]) {
      for (let turns = 0; turns < 6; turns++) {
        const host = mesh.own(new Host({ nameserver: isRegistered && nameserver.address }).provide(who));
        // By the time that it is closed it may have been started.
        const starting = host.start().catch((error: unknown) => RpcError.from(error).code);
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
        await host.close();
        expect(await starting).to.be.oneOf([isRegistered, "CLOSED"]);
        if (host.address === "") continue;
        const { hostname, port } = new URL(host.address);
        // libzmq lets go of a port a moment later.
        await until(
          () =>
            new Promise((resolve) => {
              const socket = connect(Number(port), hostname, () => {
                socket.destroy();
                resolve(false);
              });
              socket.on("error", () => {
                resolve(true);
              });
            }),
        );
      }
    }
    await until(() => nameserver.records.every(({ interfaces }) => !interfaces.includes("demo.who")));
  });

  it("are advertised one by one", async () => {
    const { host, records } = await registered([
      { address: "tcp://127.0.0.1:0", advertise: "tcp://one.example:0" },
      "tcp://127.0.0.1:0",
    ]);
    expect(host.addresses[0]).to.match(/^tcp:\/\/one\.example:[1-9]\d*$/);
    expect(records[0]?.endpoints.map(({ address }) => address)).to.include.members([...host.addresses]);
  });

  /** A host, and what its nameserver knows of it. */
  async function registered(address: AddressOption) {
    const nameserver = await mesh.nameserver();
    const host = await mesh.host([who], { address, nameserver: nameserver.address, service: "/who" });
    return { host, records: nameserver.records.filter(({ service }) => service === "/who") };
  }

  if (process.env.LAMPLIGHTER_TRANSPORT === "zeromq") return;

  const raw = useRawPeers();
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), "lamplighter-addresses-"));
    folders.push(path);
    return path;
  }

  /** Nameserver, host and client with keys; the host also lets in whoever comes, at one address. */
  async function scene(address: AddressOption = ["tcp://127.0.0.1:0", OPEN]) {
    const [nameserverKeys, keys, ann] = [folder(), folder(), folder()].map((path) =>
      KeyFolder.generate(join(path, "keys")),
    );
    if (!nameserverKeys || !keys || !ann) throw new Error("no keys");
    nameserverKeys.trust("host", keys.keys.publicKey);
    nameserverKeys.trust("ann", ann.keys.publicKey);
    keys.trust("ann", ann.keys.publicKey);
    for (const one of [keys, ann]) one.pinNameserver(nameserverKeys.keys.publicKey);
    const nameserver = await mesh.nameserver({
      security: nameserverKeys.path,
      address,
    });
    const service = () =>
      new Host({
        address: ["tcp://127.0.0.1:0", OPEN],
        nameserver: nameserver.address,
        service: "/who",
        security: keys.path,
        withinMachine: false,
      }).provide(who);
    const host = mesh.own(service());
    expect(await host.start()).to.equal(true);
    const [closed = "", open = ""] = host.addresses;
    return { nameserver, host, service, closed, open, ann, key: keyText(keys.keys.publicKey) };
  }

  it("let in by the mechanisms of each, and by no other", async () => {
    const { closed, open, ann, key } = await scene();
    expect(await mesh.client().connect<Who>(open, "demo.who").who()).to.deep.equal([null, null]);
    const keyless = mesh.client({ retry: false }).connect<Who>(closed, "demo.who");
    expect(await failureOf(keyless.who())).to.include({ outcome: "not-sent" });
    const client = mesh.client({ security: ann.path, retry: false });
    const proven = client.connect<Who>(closed, "demo.who", { serverKey: key });
    expect(await proven.who()).to.deep.equal(["ann", "key"]);
    const wrong = client.connect<Who>(open, "demo.who", { serverKey: key });
    expect(await failureOf(wrong.who())).to.include({ outcome: "not-sent" });
  });

  it("are registered with the mechanisms of each; PyCOM's peers are sent where they can come in", async () => {
    const { nameserver, closed, open, ann, key } = await scene();
    const record = nameserver.records.find(({ service }) => service === "/who");
    expect(record?.address).to.equal(open);
    expect(record?.endpoints.map(({ address, mechanisms, key }) => [address, mechanisms, key])).to.deep.equal([
      [closed, ["curve"], key],
      [open, ["null"], undefined],
    ]);
    const pycom = nameserver.addresses[1] ?? "";
    const located = await raw.call(pycom, {
      interface: "org.pycom.nameserver",
      method: "locate",
      args: { interface: "demo.who" },
    });
    expect(located.result).to.include({ address: open });
    const remote = mesh.client({ nameserver: nameserver.address, security: ann.path }).locate<Who>("demo.who");
    expect(await remote.who()).to.deep.equal(["ann", "key"]);
    expect(componentOf(remote).status.address).to.equal(closed);
  });

  it("are watched where a key proves who answers", async () => {
    const { host, service } = await scene(["tcp://127.0.0.1:0"]);
    const second = mesh.own(service());
    // A nameserver that says nothing in clear text could not ask at the address for PyCOM's peers.
    expect((await failureOf(second.start())).message).to.match(/is taken by .*, which is alive/);
    await host.close();
    expect(await mesh.own(service()).start()).to.equal(true);
  });
});
