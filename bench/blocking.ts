/**
 * `node --import tsx bench/blocking.ts [--rounds N]`, and a part of `npm run bench`: what the first call of a fresh process costs with
 * pseud's blocking client, beside its asynchronous one, from the start of the process to the answer. Both in turn, in an order
 * shuffled each round.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Server } from "../build/compat/pseud/index.js";
import { type Row, summarise } from "./report.js";

const KINDS = ["promise", "blocking"] as const;
type Kind = (typeof KINDS)[number];

/** Milliseconds of each first call. */
export type FirstCalls = Readonly<Record<Kind, readonly number[]>>;

/** Measures. */
export async function measureFirstCalls(rounds: number): Promise<FirstCalls> {
  await using server = new Server({ id: "bench" });
  server.register((value: unknown) => value, { name: "echo" });
  const address = await server.bind("tcp://127.0.0.1:0");
  const samples: Record<Kind, number[]> = { promise: [], blocking: [] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of Math.random() < 0.5 ? KINDS : KINDS.toReversed()) {
      samples[kind].push(await firstCallMs(kind, address));
    }
  }
  return samples;
}

async function firstCallMs(kind: Kind, address: string): Promise<number> {
  const script = fileURLToPath(new URL("./blocking-call.js", import.meta.url));
  const startedAt = performance.now();
  const child = spawn(process.execPath, [script, kind, address], { stdio: ["ignore", "pipe", "inherit"] });
  await once(createInterface(child.stdout), "line");
  const ms = performance.now() - startedAt;
  if (child.exitCode === null) await once(child, "exit");
  return ms;
}

/** The report's line. */
export function firstCallRow({ promise, blocking }: FirstCalls): Row {
  const asynchronous = Math.round(summarise(promise));
  const median = Math.round(summarise(blocking));
  const more = Math.round(summarise(blocking.map((ms, round) => ms - (promise[round] ?? NaN))));
  return {
    work: `pseud, process start to first answer, ms: asynchronous ${asynchronous}, blocking ${median}, median of differences ${more}`,
    inFlight: 1,
    callsPerSecond: {},
    milliseconds: { asynchronous, blocking: median, more, rounds: blocking.length },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" } } });
  console.log(firstCallRow(await measureFirstCalls(Number(values.rounds))).work);
}
