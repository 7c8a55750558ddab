/**
 * `npm run kill:workflow -- [--runs N] [--kills N] [--concurrency N] [--seed N] [--only NAME]`: N runs of a task of ten steps, while the workflow service, the services
 * that it calls and the nameserver are killed (`kill -9`) at random and started again. At the end the history of each run is held against
 * what the services have written down. Ends with `N passed, N failed`, one for each run, and one for the rest.
 */
import { parseArgs } from "node:util";
import { Client, workflow } from "../../build/index.js";
import { processes } from "../../test/support/processes.js";
import type { Effect } from "../../test/support/workflow-effects.js";
import { killWorkflow } from "../../test/support/workflow-kills.js";

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    kills: { type: "string" },
    concurrency: { type: "string", default: "16" },
    seed: { type: "string" },
    only: { type: "string", multiple: true },
  },
});
const runs = numberOf("runs", options.runs);
const plan = {
  runs,
  kills: numberOf("kills", options.kills ?? String(Math.ceil(runs / 4))),
  concurrency: numberOf("concurrency", options.concurrency),
  seed: numberOf("seed", options.seed ?? String(1 + Math.floor(Math.random() * 1_000_000))),
  only: options.only,
};
console.log(`seed ${plan.seed}`);
const { start, end } = processes();
const clients: Client[] = [];
try {
  const report = await killWorkflow(
    start,
    (nameserver) => {
      const client = new Client({ nameserver });
      clients.push(client);
      return {
        workflow: workflow("/killed/workflow", { client }).control,
        booked: (service) =>
          client.component("demo.steps", { service }).invoke("booked", null, { waitForMs: 10_000 }) as Promise<
            Effect[]
          >,
      };
    },
    plan,
  );
  const { kills, questions, effects, tookMs, wrong } = report;
  console.table({ kills, effects });
  console.table(questions);
  const all = Object.values(kills).reduce((sum, count) => sum + count, 0);
  console.log(`${runs} runs, ${all} kills, ${(tookMs / 1_000).toFixed(1)} s`);
  for (const [run, lines] of [...wrong].slice(0, 30))
    for (const line of lines.slice(0, 5)) console.error(`${run}: ${line}`);
  const failed = Math.min(wrong.size, runs + 1);
  console.log(`${runs + 1 - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  for (const client of clients) await client.close();
  await end();
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`--${name} wants a number from 1, got ${text}`);
}
