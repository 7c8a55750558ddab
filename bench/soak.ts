/**
 * `npm run soak -- [--kills N] [--json]`: the demo's faults, N times at random, every outcome checked after each. Ends with
 * `N passed, N failed`, one for each fault; with `--json` the figures are one object on standard output, and everything else
 * goes to standard error. Exit status 0 only when nothing was wrong.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { impatient } from "../examples/demo/calls.js";
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
const byFault: Record<string, { times: number; calls: number; failed: number; longestGapMs: number; wrong: number }> =
  {};
const outcomes: Figures["outcomes"] = { "not-sent": 0, "not-executed": 0, executed: 0, unknown: 0 };
let reported = 0;
const neverRepeated = { calls: 0, "not-sent": 0, "not-executed": 0, executed: 0, unknown: 0 };
const totals = { kills: 0, calls: 0, failed: 0, repeated: 0, longestGapMs: 0, passed: 0, violations: 0 };
const mesh = new DemoMesh();
endOnSignals();
await mesh.start();
// Both ways of choosing a provider, in turn: calls that are spread, and a proxy that keeps its provider.
const loads = (["round-robin", undefined] as const).map((balance, index) => {
  return new Load(mesh.nameserver.address, checker, { balance, label: String(index) });
});
// Beside them one whose calls are never repeated, so that what each failed try is told to be is checked as well.
const hasty = new Load(mesh.nameserver.address, checker, { label: "-hasty", inFlight: 8, plan: impatient });

try {
  let settled = true;
  for (let kill = 1; kill <= kills && settled; kill++) {
    const load = loads[kill % loads.length];
    if (!load) break;
    const fault = anyFault(Math.random);
    load.start();
    hasty.start();
    await pause(100 + Math.random() * 150);
    await fault.strike(mesh, Math.random);
    await pause(50 + Math.random() * 150);
    const stopped = await Promise.all([load.stop(), hasty.stop()]);
    settled = stopped.every(Boolean);
    const wrong = check(fault.name);
    add(fault.name, load.takeFigures(), hasty.takeFigures(), wrong);
    totals.kills = kill;
    if (wrong === 0) totals.passed++;
    if (kill % 10 === 0 || kill === kills) progress();
  }
  // Whoever was stopped may have executed something since; after this nobody can.
  await mesh.kill();
  if (check("the end") > 0) totals.passed--;
} finally {
  for (const load of [...loads, hasty]) await load.close();
  await mesh.close();
}
totals.violations = checker.violations.length;
const seconds = Math.round((performance.now() - startedAt) / 1_000);
if (options.json) console.log(JSON.stringify({ ...totals, seconds, outcomes, neverRepeated, byFault }));
else {
  console.table(byFault);
  console.table({
    "tried again where that is safe": { calls: totals.calls, ...outcomes },
    "never repeated": neverRepeated,
  });
}
say(`${totals.passed} passed, ${kills - totals.passed} failed`);
process.exitCode = totals.violations === 0 && totals.passed === kills ? 0 : 1;

/** Compares what was told with what was written down. @returns the number of violations */
function check(after: string): number {
  for (const execution of mesh.newExecutions()) checker.execute(execution);
  checker.settle(mesh.runs);
  // Those that were found while the load ran are among them.
  const found = checker.violations.slice(reported);
  reported = checker.violations.length;
  for (const violation of found.slice(0, 10)) console.error(`after ${after}: ${violation}`);
  if (found.length > 10) console.error(`after ${after}: and ${found.length - 10} more`);
  return found.length;
}

function add(fault: string, figures: Figures, hastyFigures: Figures, wrong: number): void {
  const row = (byFault[fault] ??= { times: 0, calls: 0, failed: 0, longestGapMs: 0, wrong: 0 });
  row.times++;
  row.calls += figures.calls;
  row.failed += figures.failed;
  row.longestGapMs = Math.round(Math.max(row.longestGapMs, figures.longestGapMs));
  row.wrong += wrong;
  totals.calls += figures.calls;
  totals.failed += figures.failed;
  totals.repeated += figures.repeated;
  totals.longestGapMs = Math.max(totals.longestGapMs, figures.longestGapMs);
  neverRepeated.calls += hastyFigures.calls;
  for (const outcome of ["not-sent", "not-executed", "executed", "unknown"] as const) {
    outcomes[outcome] += figures.outcomes[outcome];
    neverRepeated[outcome] += hastyFigures.outcomes[outcome];
  }
}

function progress(): void {
  const memory = Math.round(process.memoryUsage().rss / 1024 / 1024);
  const { kills: done, calls, failed, repeated } = totals;
  say(`${done} faults, ${calls} calls, ${failed} failed, ${repeated} repeated, ${checker.size} kept, ${memory} MiB`);
}
