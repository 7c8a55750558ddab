/**
 * `npm run kill:pubsub -- [--kills N]`: publishers are killed (`kill -9`) and started again, N times, under the load of subscribers of all
 * policies. After each kill it is checked that values come again to each of them, that whatever is missing was told, and that nothing
 * came twice or in another order. Ends with `N passed, N failed`, one for each kill, and one for the end.
 */
import { parseArgs } from "node:util";
import { NameserverHost } from "../../build/index.js";
import { processes } from "../../test/support/processes.js";
import { killPublishers } from "../../test/support/pubsub-kills.js";

const { values: options } = parseArgs({ options: { kills: { type: "string", default: "20" } } });
const kills = Number(options.kills);
if (!Number.isInteger(kills) || kills < 1) throw new Error(`--kills wants a number from 1, got ${options.kills}`);

/** Kills that go on for longer hang. */
const KILL_MS = 60_000;
let passed = 0;
const { start, end } = processes();
await using nameserver = new NameserverHost({ address: "tcp://127.0.0.1:0" });
await nameserver.start();
let timer: NodeJS.Timeout | undefined;
const hung = new Promise<readonly string[]>((resolve) => {
  timer = setTimeout(() => {
    resolve([`no values, or no gap, within ${KILL_MS} ms`]);
  }, KILL_MS);
});
const all = killPublishers(start, nameserver.address, kills, (kill, wrong) => {
  timer?.refresh();
  if (wrong.length === 0) passed++;
  for (const line of wrong.slice(0, 10)) console.error(`kill ${kill}: ${line}`);
});
const wrong = await Promise.race([all, hung]);
if (wrong.length === 0) passed++;
for (const line of wrong.slice(0, 20)) console.error(line);
clearTimeout(timer);
await end();
console.log(`${passed} passed, ${kills + 1 - passed} failed`);
process.exit(passed === kills + 1 ? 0 : 1);
