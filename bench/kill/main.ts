/**
 * `npm run kill -- [--kills N]`: a provider is killed (`kill -9`) and started again, N times, under calls, `once` calls,
 * transactions, streams and references. After each kill it is checked that every call has settled, and that what its caller
 * was told agrees with what the provider has written down. Ends with `N passed, N failed`, one for each kill.
 */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client, NameserverHost } from "../../build/index.js";
import { fitting } from "../../examples/demo/checker.js";
import { Member } from "../../examples/demo/mesh.js";
import { COUNTED, KINDS, type Killed, MixedLoad, type Told } from "./load.js";

const { values: options } = parseArgs({ options: { kills: { type: "string", default: "20" } } });
const kills = Number(options.kills);
if (!Number.isInteger(kills) || kills < 1) throw new Error(`--kills wants a number from 1, got ${options.kills}`);

/** A call that has not settled then hangs. */
const SETTLED_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "lamplighter-kill-"));
const record = join(folder, "executions");
writeFileSync(record, "");
const figures = Object.fromEntries(
  KINDS.map((kind) => [kind, { success: 0, unknown: 0, "not-sent": 0, "not-executed": 0, executed: 0, wrong: 0 }]),
);
let passed = 0;

await using nameserver = new NameserverHost({ address: "tcp://127.0.0.1:0" });
await nameserver.start();
const provider = new Member("the provider", () => [
  "--import",
  "tsx",
  fileURLToPath(new URL("./provider.ts", import.meta.url)),
  nameserver.address,
  folder,
]);
try {
  await provider.start();
  await using client = new Client({ nameserver: nameserver.address, timeoutMs: 30_000, waitForMs: 30_000 });
  for (let kill = 1; kill <= kills; kill++) {
    const load = new MixedLoad(client, `${kill}`, 4);
    await pause(50 + Math.random() * 250);
    await provider.signal("SIGKILL");
    await provider.start();
    await pause(50);
    const told = await Promise.race([load.stop(), pause(SETTLED_MS, undefined, { ref: false })]);
    const wrong = told ? await check(client, told) : [`calls have not settled within ${SETTLED_MS} ms`];
    for (const line of wrong.slice(0, 10)) console.error(`kill ${kill}: ${line}`);
    if (wrong.length === 0) passed++;
    if (!told) break;
  }
} finally {
  await provider.signal("SIGKILL");
  rmSync(folder, { recursive: true });
}
console.table(figures);
console.log(`${passed} passed, ${kills - passed} failed`);
process.exitCode = passed === kills ? 0 : 1;

/** Compares what callers were told with what the provider has written down. @returns what is wrong */
async function check(client: Client, told: ReadonlyMap<string, Told>): Promise<string[]> {
  const executions = new Map<string, number>();
  const count = (id: string): void => {
    executions.set(id, (executions.get(id) ?? 0) + 1);
  };
  for (const id of readFileSync(record, "utf8").split("\n")) if (id !== "") count(id);
  truncateSync(record);
  const [first = ""] = told.keys();
  const round = first.slice(0, first.indexOf("-"));
  for (const { id } of await client.locate<Killed>("bench.killed").booked(`${round}-%`)) count(id);
  const wrong: string[] = [];
  for (const [id, { kind, outcome, wrong: reason }] of told) {
    const row = figures[kind];
    if (row) row[outcome]++;
    const times = executions.get(id) ?? 0;
    const { least, most } = fitting({ idempotent: false, outcome });
    const isCounted = (COUNTED as readonly string[]).includes(kind);
    const found: string[] = reason === undefined ? [] : [`${id}: ${reason}`];
    if (isCounted && (times < least || times > most)) found.push(`${id}: ${outcome}, executed ${times} times`);
    if (kind === "book" && outcome !== "success") found.push(`${id}: a transaction ended with ${outcome}`);
    if (row && found.length > 0) row.wrong++;
    wrong.push(...found);
  }
  return wrong;
}
