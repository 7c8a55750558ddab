/**
 * `npm run restart-time -- [--restarts N] [--json]`: how soon calls go on after a restart.
 *
 * One provider is killed with `kill -9` and started again on another port, N times, while a client calls an idempotent
 * method without pause. Measured is the time from the provider's `ready` (it is registered) to the client's first answer
 * from the new process, both by the clock of this machine. Nothing is rounded up to 0: a client that is told of the
 * provider before that has said `ready` shows a negative time. Exit status 0 only when the median is below 300 ms and no
 * call failed.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client } from "../build/index.js";
import { DemoMesh, endOnSignals } from "../examples/demo/mesh.js";

const { values: options } = parseArgs({
  options: { restarts: { type: "string", default: "100" }, json: { type: "boolean", default: false } },
});
const restarts = Number(options.restarts);
if (!Number.isInteger(restarts) || restarts < 1) {
  throw new Error(`--restarts wants a number from 1, got ${options.restarts}`);
}

/** What the median must stay below, in milliseconds. */
const TARGET_MS = 300;
const IN_FLIGHT = 8;

const mesh = new DemoMesh(1);
endOnSignals();
await mesh.start();
const client = new Client({ nameserver: mesh.nameserver.address, timeoutMs: 10_000, waitForMs: 10_000 });
const work = client.locate<{ pid(): number }>("demo.work");
const [provider] = mesh.providers;
const afterReady: number[] = [];
const afterKill: number[] = [];
let running = true;
let failed = 0;
let calls = 0;
/** The process that answered last. */
let lastPid = 0;
/** Told of the first success of each process. */
let onSuccessor: ((at: number) => void) | undefined;

try {
  const workers = Promise.all(Array.from({ length: IN_FLIGHT }, callOn));
  await nextSuccessor();
  for (let restart = 1; restart <= restarts && provider; restart++) {
    await pause(50 + Math.random() * 100);
    const success = nextSuccessor();
    const killedAt = now();
    await provider.signal("SIGKILL");
    const readyAt = (await provider.start()) ?? now();
    const successAt = await success;
    afterReady.push(successAt - readyAt);
    afterKill.push(successAt - killedAt);
    // Its records are not looked at; this removes them.
    mesh.newExecutions();
    if (!options.json && restart % 10 === 0) {
      console.log(`${restart} restarts, median ${quantile(afterReady, 0.5).toFixed(1)} ms after ready`);
    }
  }
  running = false;
  await workers;
} finally {
  await client.close();
  await mesh.close();
}

const figures = {
  restarts: afterReady.length,
  calls,
  failed,
  readyToSuccessMs: summary(afterReady),
  killToSuccessMs: summary(afterKill),
};
if (options.json) console.log(JSON.stringify(figures));
else {
  console.log("ms                      min   median      p95      max");
  console.log(row("ready to success", figures.readyToSuccessMs));
  console.log(row("kill to success", figures.killToSuccessMs));
  console.log(`${calls} calls, ${failed} failed`);
}
process.exitCode = figures.readyToSuccessMs.median < TARGET_MS && failed === 0 ? 0 : 1;

async function callOn(): Promise<void> {
  while (running) {
    calls++;
    try {
      const pid = await work.pid();
      if (pid === lastPid) continue;
      lastPid = pid;
      onSuccessor?.(now());
    } catch (error) {
      failed++;
      console.error(`A call failed: ${String(error)}`);
    }
  }
}

/** Settles with the time of the first answer from a process that has not answered before. */
function nextSuccessor(): Promise<number> {
  return new Promise((resolve) => {
    onSuccessor = resolve;
  });
}

/** The provider tells its time by the same clock. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function summary(samples: readonly number[]): { min: number; median: number; p95: number; max: number } {
  const at = (share: number): number => Math.round(quantile(samples, share) * 10) / 10;
  return { min: at(0), median: at(0.5), p95: at(0.95), max: at(1) };
}

function row(name: string, { min, median, p95, max }: ReturnType<typeof summary>): string {
  return name.padEnd(18) + [min, median, p95, max].map((ms) => ms.toFixed(1).padStart(9)).join("");
}
