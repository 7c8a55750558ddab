/**
 * `npm run soak -- [--kills N] [--json]`: the demo's faults, N times at random, every outcome checked after each. Ends with
 * `N passed, N failed`, one for each fault; with `--json` the figures are one object on standard output, and everything else
 * goes to standard error. Exit status 0 only when nothing was wrong.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Checker } from "../examples/demo/checker.js";
import { anyFault } from "../examples/demo/faults.js";
import { type Figures, Load } from "../examples/demo/load.js";
import { DemoMesh, endOnSignals } from "../examples/demo/mesh.js";

const { values: options } = parseArgs({
  options: { kills: { type: "string", default: "20" }, json: { type: "boolean", default: false } },
});
const kills = Number(options.kills);
if (!Number.isInteger(kills) || kills < 1) throw new Error(`--kills wants a number from 1, got ${options.kills}`);

const say = options.json ? console.error : console.log;
const startedAt = performance.now();
const checker = new Checker();
const byFault: Record<string, number> = {};
const outcomes: Figures["outcomes"] = { "not-sent": 0, "not-executed": 0, executed: 0, unknown: 0 };
let reported = 0;
const totals = { kills: 0, calls: 0, failed: 0, repeated: 0, longestGapMs: 0, passed: 0, violations: 0 };
const mesh = new DemoMesh();
endOnSignals();
await mesh.start();
// Both ways of choosing a provider, in turn: calls that are spread, and a proxy that keeps its provider.
const loads = (["round-robin", undefined] as const).map((balance, index) => {
  return new Load(mesh.nameserver.address, checker, { balance, label: String(index) });
});

try {
  let settled = true;
  for (let kill = 1; kill <= kills && settled; kill++) {
    const load = loads[kill % loads.length];
    if (!load) break;
    const fault = anyFault(Math.random);
    byFault[fault.name] = (byFault[fault.name] ?? 0) + 1;
    load.start();
    await pause(100 + Math.random() * 150);
    await fault.strike(mesh, Math.random);
    await pause(50 + Math.random() * 150);
    settled = await load.stop();
    const wrong = check(fault.name);
    add(load.takeFigures());
    totals.kills = kill;
    if (wrong === 0) totals.passed++;
    if (kill % 10 === 0 || kill === kills) progress();
  }
  // Whoever was stopped may have executed something since; after this nobody can.
  await mesh.kill();
  if (check("the end") > 0) totals.passed--;
} finally {
  for (const load of loads) await load.close();
  await mesh.close();
}
totals.violations = checker.violations.length;
const seconds = Math.round((performance.now() - startedAt) / 1_000);
if (options.json) console.log(JSON.stringify({ ...totals, seconds, outcomes, byFault }));
say(`${totals.passed} passed, ${kills - totals.passed} failed`);
process.exitCode = totals.violations === 0 && totals.passed === kills ? 0 : 1;

/** Compares what was told with what was written down. @returns the number of violations */
function check(after: string): number {
  for (const execution of mesh.newExecutions()) checker.execute(execution);
  checker.settle();
  // Those that were found while the load ran are among them.
  const found = checker.violations.slice(reported);
  reported = checker.violations.length;
  for (const violation of found.slice(0, 10)) console.error(`after ${after}: ${violation}`);
  if (found.length > 10) console.error(`after ${after}: and ${found.length - 10} more`);
  return found.length;
}

function add(figures: Figures): void {
  totals.calls += figures.calls;
  totals.failed += figures.failed;
  totals.repeated += figures.repeated;
  totals.longestGapMs = Math.max(totals.longestGapMs, figures.longestGapMs);
  for (const [outcome, count] of Object.entries(figures.outcomes)) outcomes[outcome as keyof typeof outcomes] += count;
}

function progress(): void {
  const memory = Math.round(process.memoryUsage().rss / 1024 / 1024);
  const { kills: done, calls, failed, repeated } = totals;
  say(`${done} faults, ${calls} calls, ${failed} failed, ${repeated} repeated, ${checker.size} kept, ${memory} MiB`);
}
