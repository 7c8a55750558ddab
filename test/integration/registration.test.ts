import { expect } from "chai";
import { type Logger, MemoryRegistry } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";

/** Keeps what is logged as a warning, and tells of each. */
function useWarnings(): {
  readonly log: Logger;
  readonly said: string[];
  readonly heard: (pattern: RegExp) => Promise<void>;
} {
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const ignore = (): void => undefined;
  const warn = (message: string): void => {
    said.push(message);
    for (const look of waiting) look();
  };
  const heard = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!said.some((message) => pattern.test(message))) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { log: { debug: ignore, info: ignore, warn, error: ignore }, said, heard };
}

describe("A host that registers", () => {
  const mesh = useMesh();

  it("does not start under a name that is taken, nor says that it tries again", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address, service: "/taken" });
    const { log, said } = useWarnings();
    const refused = await failureOf(mesh.host([echo], { nameserver: address, service: "/taken", log }));
    expect(refused).to.include({ code: "ACCESS_DENIED", outcome: "not-executed" });
    expect(said).to.deep.equal([]);
  });

  it("takes back what it registered at other nameservers when one refuses it", async () => {
    const refusing = await mesh.nameserver();
    const other = await mesh.nameserver();
    await mesh.host([echo], { nameserver: refusing.address, service: "/taken" });
    const both = [other.address, refusing.address];
    expect((await failureOf(mesh.host([echo], { nameserver: both, service: "/taken" }))).code).to.equal(
      "ACCESS_DENIED",
    );
    expect(other.records.map(({ service }) => service)).to.deep.equal(["/org/pycom/nameserver"]);
  });

  it("tries again when it has lost its name while it served, and says why", async () => {
    const registry = new MemoryRegistry();
    const { address } = await mesh.nameserver({ registry });
    const { log, said, heard } = useWarnings();
    const host = await mesh.host([echo], { nameserver: address, service: "/lost", leaseMs: 1_000, log });
    const thief = await mesh.host([echo], { service: "/thief" });
    const [mine] = registry.find({ interface: "demo.echo" });
    if (!mine) throw new Error("not registered");
    const record = { ...mine, address: thief.address, incarnation: thief.incarnation };
    registry.set({ record, leaseMs: 3_600_000, lease: undefined });
    await heard(/not registered: [^]*taken[^]*trying again/);
    const found = mesh.client({ nameserver: address }).nameserverComponent();
    const { cursor } = (await found.invoke("watch")) as { cursor: string };
    registry.delete("/lost");
    await found.invoke("watch", { since: cursor, wait_ms: 15_000 });
    await found.invoke("find", { interface: "demo.echo", wait_ms: 15_000 });
    expect(registry.get("/lost")?.record.incarnation).to.equal(host.incarnation);
    expect(said).to.have.length(1);
  });
});
