import { expect } from "chai";
import type { HostStats } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { counter, echo } from "../support/services.js";
import { until } from "../support/until.js";

const rowOf = (stats: HostStats, name: string, method: string) =>
  stats.methods.find((row) => row.interface === name && row.method === method);

describe("Statistics of a host", () => {
  const mesh = useMesh();

  for (const wire of ["lamp", "pycom"]) {
    it(`count calls, errors by code and outcome, and latencies (${wire})`, async () => {
      const host = await mesh.host([echo]);
      const client = mesh.client();
      const remote = client.component(host.address, "demo.echo", { wire });
      for (let call = 0; call < 3; call++) await remote.invoke("echo", call);
      await failureOf(remote.invoke("fail", { code: 100500, text: "no" }));
      await failureOf(remote.invoke("crash"));
      await failureOf(remote.invoke("add", {}));
      if (wire === "pycom") await failureOf(remote.invoke("nan"));
      await failureOf(remote.invoke("made up"));
      const stats = await host.stats();
      expect(stats).to.include({ service: host.service, incarnation: host.incarnation, pending: 0 });
      expect(stats.peers).to.equal(1);
      expect(stats.process.residentBytes).to.be.above(1_000_000);
      const echoed = rowOf(stats, "demo.echo", "echo");
      expect(echoed).to.include({ calls: 3, running: 0 }).and.to.have.deep.property("errors", []);
      expect(echoed?.latency.timed).to.be.above(0);
      expect(echoed?.latency.counts.reduce((sum, count) => sum + count, 0)).to.equal(echoed?.latency.timed);
      const errorsOf = (method: string) => rowOf(stats, "demo.echo", method)?.errors;
      expect(errorsOf("fail")).to.deep.equal([{ code: "UNKNOWN", outcome: "executed", count: 1 }]);
      expect(errorsOf("crash")).to.deep.equal([{ code: "UNKNOWN", outcome: "executed", count: 1 }]);
      expect(errorsOf("add")).to.deep.equal([{ code: "BAD_REQUEST", outcome: "not-executed", count: 1 }]);
      expect(rowOf(stats, "", "(unknown)")?.errors).to.deep.equal([
        { code: "METHOD_NOT_FOUND", outcome: "not-executed", count: 1 },
      ]);
      if (wire === "pycom") expect(errorsOf("nan")).to.deep.equal([{ code: "UNKNOWN", outcome: "executed", count: 1 }]);
    });
  }

  it("tell what runs, and what was refused without being begun", async () => {
    const host = await mesh.host([echo], { maxConcurrent: 1, maxQueued: 1, drainTimeoutMs: 10 });
    const remote = mesh.client().component(host.address, "demo.echo", { wire: "lamp" });
    const giveUp = new AbortController();
    const running = failureOf(remote.invoke("hang", null, { signal: giveUp.signal }));
    await until(() => host.pending === 1);
    const waiting = failureOf(remote.invoke("echo", 1, { signal: giveUp.signal }));
    await until(() => host.pending === 2);
    expect((await failureOf(remote.invoke("echo", 2, { retry: false }))).code).to.equal("OVERLOADED");
    const stats = await host.stats();
    expect(rowOf(stats, "demo.echo", "hang")).to.include({ calls: 1, running: 1 });
    expect(rowOf(stats, "demo.echo", "echo")).to.include({ calls: 1, running: 0 });
    expect(rowOf(stats, "demo.echo", "echo")?.errors).to.deep.equal([
      { code: "OVERLOADED", outcome: "not-executed", count: 1 },
    ]);
    giveUp.abort();
    await Promise.all([running, waiting]);
  });

  it("are told to peers as plain JSON, with what others add, which may come and go", async () => {
    const host = await mesh.host([counter]);
    const remove = host.addStats("topics", () => ({ sent: 42 }));
    host.addStats("broken", () => {
      throw new Error("a secret");
    });
    expect(() => host.addStats("topics", () => 1)).to.throw("already");
    const ask = async () =>
      (await mesh.client().component(host.address, "lamplighter.host", { wire: "pycom" }).invoke("stats")) as HostStats;
    expect((await ask()).sections).to.deep.equal({ topics: { sent: 42 } });
    remove();
    remove();
    expect((await ask()).sections).to.deep.equal({});
  });

  it("are told to everybody by a host without protection, and by others only to whom a policy allows", async () => {
    const may = async (options: Parameters<typeof mesh.host>[1]) => {
      const host = await mesh.host([echo], options);
      const itself = mesh.client().component(host.address, "lamplighter.host");
      await itself.invoke("stat");
      return await itself.invoke("stats").then(
        () => true,
        (error: unknown) => (error as { code: string }).code,
      );
    };
    const open = { security: { mechanisms: ["null"] as const }, transport: "zmtp" as const };
    expect(await may({})).to.equal(true);
    expect(await may(open)).to.equal("ACCESS_DENIED");
    expect(await may({ authentication: { policy: "required" } })).to.equal("ACCESS_DENIED");
    expect(await may({ policy: [{ interface: "demo.*", then: "allow" }] })).to.equal("ACCESS_DENIED");
    expect(await may({ ...open, policy: [{ method: "stats", then: "allow" }] })).to.equal(true);
    expect(await may({ ...open, statsPolicy: "allow" })).to.equal(true);
    expect(await may({ statsPolicy: "deny" })).to.equal("ACCESS_DENIED");
  });

  it("of a nameserver tell the leases", async () => {
    const nameserver = await mesh.nameserver();
    const host = await mesh.host([echo], { nameserver: nameserver.address, leaseMs: 5_000 });
    const { "org.pycom.nameserver": told } = (await nameserver.stats()).sections;
    const { leases } = told as { leases: Record<string, unknown>[] };
    expect(leases).to.have.length(1);
    expect(leases[0]).to.include({ service: host.service, leaseMs: 5_000 });
    expect(leases[0]?.leftMs).to.be.within(1, 5_000);
  });
});
