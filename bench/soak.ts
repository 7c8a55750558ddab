/**
 * `npm run soak -- --kills N [--json]`: the demo's faults, N times at random, every outcome checked after each. Ends with
 * `N passed, N failed`, one for each fault.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Checker } from "../examples/demo/checker.js";
import { FAULTS } from "../examples/demo/faults.js";
import { Load } from "../examples/demo/load.js";
import { DemoMesh } from "../examples/demo/mesh.js";

const { values: options } = parseArgs({
  options: { kills: { type: "string", default: "20" }, json: { type: "boolean", default: false } },
});
const kills = Number(options.kills);
const mesh = new DemoMesh();
const checker = new Checker();
const figures = { kills: 0, calls: 0, failed: 0, repeated: 0, longestGapMs: 0, passed: 0, violations: 0 };
const abandon = (): void => {
  void mesh.close().finally(() => process.exit(130));
};
process.once("SIGINT", abandon).once("SIGTERM", abandon);
await mesh.start();
const load = new Load(mesh.nameserver.address, checker);
try {
  for (let kill = 1; kill <= kills; kill++) {
    const fault = FAULTS[Math.floor(Math.random() * FAULTS.length)];
    if (!fault) break;
    load.start();
    await pause(100 + Math.random() * 150);
    await fault.strike(mesh, Math.random);
    await pause(50 + Math.random() * 150);
    await settled(load.stop(), fault.name);
    for (const id of mesh.newExecutions()) checker.execute(id);
    const before = checker.violations.length;
    checker.settle();
    const found = checker.violations.slice(before);
    for (const violation of found.slice(0, 10)) console.error(`after ${fault.name}: ${violation}`);
    const { calls, failed, repeated, longestGapMs } = load.takeFigures();
    figures.kills = kill;
    figures.calls += calls;
    figures.failed += failed;
    figures.repeated += repeated;
    figures.longestGapMs = Math.max(figures.longestGapMs, longestGapMs);
    figures.violations += found.length;
    if (found.length === 0) figures.passed++;
    if (!options.json && (kill % 10 === 0 || kill === kills)) {
      const memory = Math.round(process.memoryUsage().rss / 1024 / 1024);
      console.log(
        `${kill} faults, ${figures.calls} calls, ${figures.failed} failed, ${figures.repeated} repeated, ${memory} MiB`,
      );
    }
  }
} finally {
  await load.close();
  await mesh.close();
}
if (options.json) console.log(JSON.stringify(figures));
console.log(`${figures.passed} passed, ${kills - figures.passed} failed`);
process.exitCode = figures.passed === kills ? 0 : 1;

/** A call that never settles is the worst of all: it is told, and ends the soak. */
async function settled(stopped: Promise<void>, fault: string): Promise<void> {
  const giveUp = new AbortController();
  const late = pause(60_000, "late", { signal: giveUp.signal }).catch(() => "in time");
  const first = await Promise.race([stopped, late]);
  giveUp.abort();
  if (first === "late") throw new Error(`Calls were still pending a minute after ${fault}`);
}
