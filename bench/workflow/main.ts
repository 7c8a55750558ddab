/**
 * `npm run bench:workflow -- [--rounds N] [--seconds S] [--kept N] [--sync full|normal] [--tolerance FACTOR] [--json]`: steps of a workflow, each a
 * call of a service in another process, written down before and after, 64 runs of ten steps at once; beside it bare calls of the same service, 64
 * in flight, from the same process. Interleaved; figures are medians. Then the same with many ended runs in the journal. Exits with 1 unless steps
 * make a quarter of bare calls, and ended runs cost nothing, each within the tolerance.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Client, NameserverHost, WorkflowHost } from "../../build/index.js";
import { summarise } from "../report.js";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "1" },
    kept: { type: "string", default: "100000" },
    sync: { type: "string", default: "full,normal" },
    tolerance: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const AT_ONCE = 64;
const STEPS = 10;
/** Part of bare calls that steps have to make. */
const GOAL = 0.25;
const sliceMs = Number(options.seconds) * 1_000;
const folder = mkdtempSync(join(tmpdir(), "lamplighter-"));
const names = new NameserverHost({ address: "tcp://127.0.0.1:0" });
await names.start();
const service = spawn(process.execPath, [new URL("service.js", import.meta.url).pathname, names.address], {
  stdio: ["pipe", "pipe", "inherit"],
});
await once(createInterface(service.stdout), "line");
const client = new Client({ nameserver: names.address });
const results: Record<string, unknown>[] = [];
const missed: string[] = [];
try {
  for (const sync of options.sync.split(",")) await measure(sync === "full" ? "full" : "normal");
} finally {
  await client.close();
  await names.close();
  service.kill("SIGKILL");
  rmSync(folder, { recursive: true });
}
if (options.json) console.log(JSON.stringify(results));
process.exitCode = missed.length === 0 ? 0 : 1;

async function measure(sync: "full" | "normal"): Promise<void> {
  await using host = new WorkflowHost({
    service: `/bench/${sync}`,
    nameserver: names.address,
    journal: join(folder, `${sync}.journal`),
    sync,
    prune: false,
    definitions: {
      tasks: {
        chain: Array.from({ length: STEPS }, () => ({ interface: "bench.step", method: "next" })),
        short: [{ value: 1 }],
      },
    },
  });
  await host.start();
  const step = client.locate<{ next(n: number): number }>("bench.step");
  const bare = (): Promise<number> =>
    inTurns(1, async () => {
      await step.next(1);
    });
  const latencies: number[] = [];
  const steps = (): Promise<number> =>
    inTurns(STEPS, async () => {
      const startedAt = performance.now();
      const { id } = await host.runs.start("chain", 0);
      const result = await host.runs.wait(id);
      if (result !== STEPS) throw new Error(`A run resulted in ${String(result)}`);
      latencies.push((performance.now() - startedAt) / STEPS);
    });
  await bare();
  await steps();
  const rates = { bare: [] as number[], steps: [] as number[], full: [] as number[] };
  for (let round = 0; round < Number(options.rounds); round++) {
    rates.bare.push(await bare());
    rates.steps.push(await steps());
  }
  const alone = await oneAtATime(host);
  const ratio = summarise(rates.steps) / summarise(rates.bare);
  report(sync, "bare calls a second, 64 in flight", Math.round(summarise(rates.bare)));
  report(sync, "steps a second, 64 runs at once", Math.round(summarise(rates.steps)));
  report(sync, "steps to calls", ratio, ratio >= GOAL * Number(options.tolerance));
  report(sync, "ms a step, 64 runs at once", summarise(latencies));
  report(sync, "ms a step, one run alone", alone);
  const kept = Number(options.kept);
  if (kept === 0) return;
  const before: number[] = [];
  const after: number[] = [];
  for (let round = 0; round < 3; round++) before.push(await steps());
  let left = kept;
  await inParallel(async () => {
    while (left-- > 0) {
      const { id } = await host.runs.start("short", 0);
      await host.runs.wait(id);
    }
  });
  for (let round = 0; round < 3; round++) after.push(await steps());
  const flat = summarise(after) / summarise(before);
  report(sync, `speed with ${kept} ended runs more`, flat, flat >= 0.8 * Number(options.tolerance));
}

/** How often something is done in a second, 64 at a time. */
async function inTurns(worth: number, once: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let count = 0;
  await inParallel(async () => {
    while (performance.now() - startedAt < sliceMs) {
      await once();
      count++;
    }
  });
  return (count * worth * 1_000) / (performance.now() - startedAt);
}

async function inParallel(body: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: AT_ONCE }, body));
}

async function oneAtATime(host: WorkflowHost): Promise<number> {
  const samples: number[] = [];
  for (let n = 0; n < 50; n++) {
    const startedAt = performance.now();
    const { id } = await host.runs.start("chain", 0);
    await host.runs.wait(id);
    samples.push((performance.now() - startedAt) / STEPS);
  }
  return summarise(samples);
}

function report(sync: string, what: string, figure: number, isFine?: boolean): void {
  if (isFine === false) missed.push(what);
  results.push({ sync, what, figure, ...(isFine !== undefined && { isFine }) });
  if (options.json) return;
  const verdict = isFine === undefined ? "    " : isFine ? "fine" : "MISS";
  const text = figure >= 100 ? figure.toLocaleString("en") : figure.toPrecision(3);
  console.log(`${verdict}  ${sync.padEnd(6)}  ${what}: ${text}`);
}
