import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { defineInterface, type RpcError, withOptions } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { type Child, useProcesses } from "../support/processes.js";

interface Fault {
  get(id: string): string;
  put(id: string): string;
  hang(id: string): string;
}

describe("Services and nameservers that are killed or stopped", () => {
  const mesh = useMesh();
  const start = useProcesses();
  let folder = "";
  let record = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lamplighter-faults-"));
    record = join(folder, "record");
    writeFileSync(record, "");
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const executions = (id: string): number =>
    readFileSync(record, "utf8")
      .split("\n")
      .filter((line) => line === id).length;
  const startProvider = async (nameserver: string, service = "/fault"): Promise<Child> => {
    const child = start(process.execPath, ["test/fixtures/provider.js", nameserver, service, record]);
    await child.waitFor(/^ready/m);
    return child;
  };
  const kill = async (child: Child): Promise<void> => {
    child.process.kill("SIGKILL");
    await child.ended;
  };
  const recorded = async (id: string): Promise<void> => {
    while (executions(id) === 0) await new Promise(setImmediate);
  };

  it("kill -9 with a thousand calls in flight settles all of them at once, as unknown", async () => {
    const { address } = await mesh.nameserver();
    const provider = await startProvider(address);
    const remote = mesh.client({ nameserver: address, timeoutMs: 600_000 }).locate<Fault>("demo.fault");
    await remote.put("first");
    const flying = Array.from({ length: 1_000 }, (_, index) => failureOf(remote.hang(`hang-${index}`)));
    await recorded("hang-999");
    await kill(provider);
    for (const error of await Promise.all(flying)) {
      expect(error).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "hang" });
    }
    expect(executions("hang-0")).to.equal(1);
  });

  it("kill -9 and a restart on another port are not noticed by idempotent calls", async () => {
    const { address } = await mesh.nameserver();
    const first = await startProvider(address);
    const remote = mesh.client({ nameserver: address }).locate<Fault>("demo.fault");
    await remote.get("warm");
    await kill(first);
    const waiting = Array.from({ length: 100 }, (_, index) => remote.get(`get-${index}`));
    await startProvider(address);
    expect(await Promise.all(waiting)).to.have.length(100);
  });

  it("a call that was never sent is sent to the next instance, whether idempotent or not, and runs once", async () => {
    const { address } = await mesh.nameserver();
    const first = await startProvider(address);
    const remote = mesh.client({ nameserver: address }).locate<Fault>("demo.fault");
    await remote.put("warm");
    await kill(first);
    await mesh.client({ nameserver: address }).nameserver().stat();
    await startProvider(address);
    expect(await withOptions(remote, { waitForMs: 10_000 }).put("after")).to.equal("after");
    expect(executions("after")).to.equal(1);
  });

  it("the nameserver forgets a killed service by itself", async () => {
    const { address } = await mesh.nameserver();
    const provider = await startProvider(address);
    const nameserver = mesh.client({ nameserver: address }).nameserverComponent();
    const { cursor } = (await nameserver.invoke("watch")) as { cursor: string };
    await kill(provider);
    const batch = (await nameserver.invoke("watch", { since: cursor, wait_ms: 15_000 })) as { changes: unknown[] };
    expect(batch.changes[0]).to.have.property("type", "removed");
  });

  it("a stopped process keeps its name, and its callers learn of it by the heartbeat", async () => {
    const { address } = await mesh.nameserver();
    const provider = await startProvider(address);
    const remote = mesh.client({ nameserver: address, timeoutMs: 600_000 }).locate<Fault>("demo.fault");
    await remote.put("warm");
    const flying = failureOf(remote.hang("stopped"));
    await recorded("stopped");
    provider.process.kill("SIGSTOP");
    expect(await flying).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    const thief = await failureOf(
      mesh.host([defineInterface("demo.fault", { methods: { get: () => 1 } })], {
        nameserver: address,
        service: "/fault",
      }),
    );
    expect(thief.code).to.equal("ACCESS_DENIED");
  });

  it("a call whose time has passed while the service was stopped is not executed when it goes on", async () => {
    const { address } = await mesh.nameserver();
    const provider = await startProvider(address);
    const remote = mesh.client({ nameserver: address }).locate<Fault>("demo.fault");
    await remote.put("warm");
    provider.process.kill("SIGSTOP");
    const error = await failureOf(withOptions(remote, { timeoutMs: 300 }).put("late"));
    expect(error).to.include({ code: "TIMEOUT", outcome: "unknown" });
    provider.process.kill("SIGCONT");
    expect(await remote.put("next")).to.equal("next");
    expect(executions("late")).to.equal(0);
  });

  it("calls go on while the nameserver is away, also by proxies made meanwhile, and services return to it", async () => {
    const nameserver = await mesh.nameserver();
    const { address } = nameserver;
    await startProvider(address);
    const client = mesh.client({ nameserver: address });
    await client.locate<Fault>("demo.fault").get("before");
    await nameserver.close();
    expect(await client.locate<Fault>("demo.fault").get("during")).to.equal("during");
    await mesh.nameserver({ address });
    const fresh = mesh.client({ nameserver: address, waitForMs: 15_000 });
    expect(await fresh.locate<Fault>("demo.fault").get("after")).to.equal("after");
  });

  it("a host that closes under load loses no call: what runs is finished, what is refused goes elsewhere", async () => {
    const { address } = await mesh.nameserver();
    const counts = new Map<number, number>();
    const work = defineInterface("demo.drain", {
      methods: {
        work: async (number: number) => {
          await new Promise(setImmediate);
          counts.set(number, (counts.get(number) ?? 0) + 1);
          return number;
        },
      },
    });
    const closing = await mesh.host([work], { nameserver: address, service: "/one" });
    await mesh.host([work], { nameserver: address, service: "/two" });
    const remote = mesh
      .client({ nameserver: address, balance: "round-robin" })
      .locate<{ work(number: number): number }>("demo.drain");
    let next = 0;
    let stopped = false;
    const failures: RpcError[] = [];
    const workers = Array.from({ length: 32 }, async () => {
      while (!stopped) {
        const number = next++;
        try {
          await remote.work(number);
        } catch (error) {
          failures.push(error as RpcError);
        }
      }
    });
    while (next < 1_000) await new Promise(setImmediate);
    await closing.close();
    const until = next + 1_000;
    while (next < until) await new Promise(setImmediate);
    stopped = true;
    await Promise.all(workers);
    expect(failures.map((failure) => `${failure.code} ${failure.outcome}`)).to.deep.equal([]);
    expect([...counts.values()].every((count) => count === 1)).to.equal(true);
    expect(counts.size).to.equal(next);
  });
});
