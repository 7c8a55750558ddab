import { expect } from "chai";
import { Monitor, type MonitorOptions } from "../../src/gateway/monitor/monitor.js";
import type { MonitorUpdate, ServiceView } from "../../src/gateway/monitor/view.js";
import { defineInterface } from "../../src/index.js";
import { useCommand } from "../support/command.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { useProcesses } from "../support/processes.js";
import { echo } from "../support/services.js";

describe("Monitor", () => {
  const mesh = useMesh();
  const command = useCommand();
  const spawn = useProcesses();

  /** A monitor of a nameserver, and what it tells. */
  const monitorOf = (nameserver: string, options: Partial<MonitorOptions> = {}) =>
    mesh.own(new Monitor({ client: mesh.client({ nameserver }), intervalMs: 100, timeoutMs: 300, ...options }));

  /** Settles with the first update, from now on, that fits. */
  const told = (monitor: Monitor, fits: (update: MonitorUpdate) => boolean): Promise<MonitorUpdate> =>
    new Promise((resolve) => {
      const unsubscribe = monitor.subscribe((update) => {
        if (!fits(update)) return;
        unsubscribe();
        resolve(update);
      });
    });

  /** Settles when a service looks so. */
  const seen = async (
    monitor: Monitor,
    service: string,
    fits: (view: ServiceView) => boolean,
  ): Promise<ServiceView> => {
    const find = ({ services }: Pick<MonitorUpdate, "services">) =>
      services.filter((view) => view.service === service && fits(view));
    const [view] = find(await told(monitor, (update) => find(update).length > 0));
    if (!view) throw new Error(`${service} was told and is not there`);
    return view;
  };

  it("shows services with health, lease, rates, errors and latencies", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address, service: "/demo", leaseMs: 4_000, tags: ["blue"] });
    const monitor = monitorOf(address);
    const stay = monitor.subscribe(() => undefined);
    await seen(monitor, "/demo", ({ health }) => health === "answers");
    const remote = mesh.client({ nameserver: address }).component("demo.echo");
    for (let call = 0; call < 20; call++) await remote.invoke("echo", call);
    await failureOf(remote.invoke("crash"));
    const view = await seen(monitor, "/demo", ({ errors }) => errors.length > 0);
    expect(view).to.include({ restarts: 0, detail: null }).and.to.have.deep.property("interfaces", ["demo.echo"]);
    expect(view.errors[0]).to.include({ code: "UNKNOWN", outcome: "executed", count: 1 });
    expect(view.errors[0]?.perSecond).to.be.above(0);
    const echoed = view.methods.find(({ method }) => method === "echo");
    expect(echoed?.calls).to.equal(20);
    expect(echoed?.perSecond).to.be.above(0);
    expect(echoed?.p99Ms).to.be.at.least(echoed?.p50Ms ?? Infinity);
    expect(view.methods.some(({ interface: name }) => name === "lamplighter.host")).to.equal(false);
    const withLease = await seen(monitor, "/demo", ({ lease }) => lease !== null);
    expect(withLease.lease?.leaseMs).to.equal(4_000);
    const { services, nameserver } = monitor.snapshot();
    expect(nameserver).to.include({ address, isReachable: true });
    const points = services.find(({ service }) => service === "/demo")?.points ?? [];
    expect(points.some(({ calls }) => (calls ?? 0) > 0)).to.equal(true);
    expect(points.map(({ at }) => at)).to.deep.equal(points.map(({ at }) => at).sort((a, b) => a - b));
    stay();
  });

  it("shows a service that is killed, and its next run, whose counters begin anew", async () => {
    const { address } = await mesh.nameserver();
    const module = command.file(
      "demo.mjs",
      `import { defineInterface } from ${JSON.stringify(new URL("../../build/index.js", import.meta.url).href)};
       export const demo = defineInterface("demo.killed", { methods: { hello: () => "hello" } });`,
    );
    const serve = () => command.start(["serve", module, "-n", address, "-s", "/killed"]);
    const first = serve();
    await command.ready(first);
    const monitor = monitorOf(address);
    const stay = monitor.subscribe(() => undefined);
    const remote = mesh.client({ nameserver: address }).component("demo.killed");
    for (let call = 0; call < 5; call++) await remote.invoke("hello");
    const before = await seen(monitor, "/killed", ({ methods }) => methods.some(({ calls }) => calls === 5));
    first.process.kill("SIGKILL");
    await seen(monitor, "/killed", ({ health }) => health === "gone");
    await command.ready(serve());
    const after = await seen(monitor, "/killed", ({ health }) => health === "answers");
    expect(after.restarts).to.equal(1);
    expect(after.incarnation).not.to.equal(before.incarnation);
    await remote.invoke("hello");
    const again = await seen(monitor, "/killed", ({ methods }) => methods.some(({ method }) => method === "hello"));
    expect(again.methods.find(({ method }) => method === "hello")?.calls).to.equal(1);
    const points = monitor.snapshot().services.find(({ service }) => service === "/killed")?.points ?? [];
    expect(points.every(({ calls }) => calls === null || calls >= 0)).to.equal(true);
    stay();
  });

  it("shows a service that is stopped as silent while the nameserver keeps it", async () => {
    const { address } = await mesh.nameserver();
    const child = spawn(process.execPath, [
      "build/cli/main.js",
      "serve",
      "test/fixtures/query.js",
      "-n",
      address,
      "-s",
      "/stopped",
    ]);
    await command.ready(child);
    const monitor = monitorOf(address);
    const stay = monitor.subscribe(() => undefined);
    await seen(monitor, "/stopped", ({ health }) => health === "answers");
    child.process.kill("SIGSTOP");
    const silent = await seen(monitor, "/stopped", ({ health }) => health === "silent");
    expect(silent.detail).to.be.a("string").and.not.equal("");
    child.process.kill("SIGCONT");
    await seen(monitor, "/stopped", ({ health }) => health === "answers");
    stay();
  });

  it("shows services that tell no statistics, and those that cannot be asked", async () => {
    const nameserver = await mesh.nameserver();
    await mesh.host([echo], { nameserver: nameserver.address, service: "/shy", statsPolicy: "deny" });
    await mesh
      .client({ nameserver: nameserver.address })
      .nameserverComponent()
      .invoke("register", { address: "tcp://127.0.0.1:1", interfaces: ["old.one"], service: "/pycom" });
    const { services } = await monitorOf(nameserver.address).read();
    const healths = Object.fromEntries(services.map(({ service, health }) => [service, health]));
    expect(healths).to.deep.equal({ "/org/pycom/nameserver": "answers", "/pycom": "unknown", "/shy": "limited" });
  });

  it("tells that the nameserver is gone, and what it knew, and comes back with it", async () => {
    const nameserver = await mesh.nameserver();
    const { address } = nameserver;
    await mesh.host([echo], { nameserver: address, service: "/demo" });
    const monitor = monitorOf(address);
    const stay = monitor.subscribe(() => undefined);
    await seen(monitor, "/demo", ({ health }) => health === "answers");
    await nameserver.close();
    const lost = await told(monitor, (update) => update.nameserver.isReachable === false);
    expect(lost.nameserver.detail).to.be.a("string");
    expect(lost.services.some(({ service, health }) => service === "/demo" && health === "answers")).to.equal(true);
    await mesh.nameserver({ address });
    await told(monitor, (update) => update.nameserver.isReachable === true);
    await seen(monitor, "/demo", ({ health }) => health === "answers");
    stay();
  });

  it("asks nobody while nobody reads", async () => {
    const { address } = await mesh.nameserver();
    let asked = 0;
    const host = await mesh.host([echo], { nameserver: address, service: "/demo" });
    host.addStats("asked", () => ++asked);
    const monitor = monitorOf(address, { intervalMs: 5 });
    expect(asked).to.equal(0);
    await monitor.read();
    expect(asked).to.equal(1);
    await seen(monitor, "/demo", ({ health }) => health === "answers");
    const unsubscribe = monitor.subscribe(() => undefined);
    await told(monitor, () => asked > 3);
    unsubscribe();
    await host.stats();
    const { nameserver } = await monitor.read();
    const atEnd = asked;
    // Whatever was on its way has been answered by a host that answers in order.
    await mesh.client().component(host.address, "lamplighter.host").invoke("stat");
    expect(nameserver.isReachable).to.equal(true);
    expect(asked).to.equal(atEnd);
  });

  it("keeps no more services and no more of their past than its options say", async () => {
    const { address } = await mesh.nameserver();
    for (let index = 0; index < 3; index++) await mesh.host([echo], { nameserver: address, service: `/demo/${index}` });
    const monitor = monitorOf(address, { maxServices: 2, intervalMs: 10, historyMs: 50 });
    const crowded = await monitor.read();
    expect(crowded.services).to.have.length(2);
    expect(crowded.omitted).to.equal(2);
    let updates = 0;
    await told(monitor, () => ++updates === 5);
    for (const { points } of monitor.snapshot().services) expect(points).to.have.length.within(1, 5);
    expect(monitor.snapshot(2).services.every(({ points }) => points.length <= 1)).to.equal(true);
  });

  it("believes nothing that a host tells", async () => {
    const { address } = await mesh.nameserver();
    const odd = {
      incarnation: "",
      methods: [null, 7, { interface: 5, errors: "x", latency: { counts: [-1, NaN, "1"] } }],
    };
    const host = await mesh.host([echo], { nameserver: address, service: "/odd" });
    host.addStats("huge", () => "x".repeat(2_000_000));
    const answers: unknown[] = [null, 1, "text", [], odd];
    const hostile = defineInterface("lamplighter.host", {
      methods: { stats: () => answers.shift(), stat: () => ({ incarnation: host.incarnation }) },
    });
    const monitor = monitorOf(address);
    const { services } = await monitor.read();
    expect(services.find(({ service }) => service === "/odd")?.sections).to.deep.equal({
      omitted: "too much to be shown",
    });
    host.replace(hostile);
    while (answers.length > 0) await monitor.read();
    expect(JSON.stringify(monitor.snapshot())).to.be.a("string");
  });

  it("refuses options that are no numbers above 0, and readers after its end", async () => {
    const client = mesh.client();
    expect(() => new Monitor({ client, intervalMs: 0 })).to.throw("intervalMs");
    const monitor = monitorOf("tcp://127.0.0.1:1");
    monitor.close();
    expect(() => monitor.subscribe(() => undefined)).to.throw("closed");
    expect((await failureOf(monitor.read())).code).to.equal("CONFIGURATION");
  });
});
