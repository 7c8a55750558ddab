/**
 * `npm run demo`: calls as fast as it can while services are killed with `kill -9` and come back on other ports, then the
 * nameserver; then compares what every caller was told with what the providers wrote down.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Checker } from "./checker.js";
import { FAULTS } from "./faults.js";
import { type Figures, Load } from "./load.js";
import { DemoMesh, endOnSignals } from "./mesh.js";

const SHOWN = ["kill -9 of a provider", "kill -9 of both providers", "kill -9 of the nameserver"];

const mesh = new DemoMesh();
const rows: (readonly [string, Figures])[] = [];
const checker = new Checker();
let load: Load | undefined;
let status = "starting a nameserver and two providers";
const ticker = setInterval(showProgress, process.stdout.isTTY ? 100 : 1_000);
endOnSignals();

try {
  await mesh.start();
  load = new Load(mesh.nameserver.address, checker, { balance: "round-robin" });
  load.start();
  status = "undisturbed";
  await pause(1_500);
  rows.push([status, load.takeFigures()]);
  for (const name of SHOWN) {
    status = name;
    await FAULTS.find((fault) => fault.name === name)?.strike(mesh, Math.random);
    await pause(1_000);
    rows.push([name, load.takeFigures()]);
  }
  status = "comparing";
  await load.stop();
  await mesh.kill();
  for (const execution of mesh.newExecutions()) checker.execute(execution);
  checker.settle();
} finally {
  clearInterval(ticker);
  await load?.close();
  await mesh.close();
}
showTable();
const { violations } = checker;
for (const violation of violations.slice(0, 20)) console.log(`WRONG: ${violation}`);
console.log(
  violations.length === 0
    ? "No idempotent call failed, no other ran twice, and every failed call told the truth about its outcome."
    : `${violations.length} calls were not as promised.`,
);
process.exitCode = violations.length === 0 ? 0 : 1;

function showProgress(): void {
  const line = `${(load?.calls ?? 0).toLocaleString("en").padStart(10)} calls   ${status}`;
  process.stdout.write(process.stdout.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
}

function showTable(): void {
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  const head = ["fault", "calls", "failed", "repeated", "longest gap, ms"];
  const lines = rows.map(([name, figures]) => [
    name,
    figures.calls.toLocaleString("en"),
    figures.failed.toLocaleString("en"),
    figures.repeated.toLocaleString("en"),
    figures.longestGapMs.toFixed(0),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of [head, ...lines]) {
    console.log(
      line.map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  "),
    );
  }
}
