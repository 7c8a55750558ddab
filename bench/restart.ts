/**
 * How long a client that calls all the time goes without an answer after its only provider was killed and started again: from
 * the provider's `ready` to the first success. Part of `npm run bench`; alone: `npm run bench:restart -- --restarts N`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client, defineInterface, Host, NameserverHost } from "../build/index.js";
import type { Row } from "./report.js";

/** Serves until it is killed; run as a child. */
async function provide(nameserver: string): Promise<void> {
  const host = new Host({ nameserver, service: "/bench/restart" });
  host.provide(defineInterface("bench.restart", { methods: { now: { idempotent: true, run: () => Date.now() } } }));
  await host.start();
  // The moment itself: what the pipe and the reader add is no time of the client's.
  console.log(`ready ${Date.now()}`);
}

/** Milliseconds from `ready` to the first success, for each restart. Below zero means that a call was answered before. */
export async function measureRestarts(restarts: number): Promise<number[]> {
  await using nameserver = new NameserverHost({ address: "tcp://127.0.0.1:0" });
  await nameserver.start();
  const start = async () => {
    const script = fileURLToPath(import.meta.url);
    const child = spawn(process.execPath, ["--import", "tsx", script, "provide", nameserver.address], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    return { child, readyAt: Number(line.replace("ready ", "")) };
  };
  await using client = new Client({ nameserver: nameserver.address });
  const remote = client.locate<{ now(): number }>("bench.restart");
  const gaps: number[] = [];
  let current = await start();
  await remote.now();
  for (let count = 0; count < restarts; count++) {
    const ended = once(current.child, "exit");
    current.child.kill("SIGKILL");
    await ended;
    const answered = remote.now().then(() => Date.now());
    current = await start();
    gaps.push(Math.max(0, (await answered) - current.readyAt));
  }
  current.child.kill("SIGKILL");
  return gaps;
}

/** The report's line. */
export function restartRow(gaps: readonly number[]): Row {
  const sorted = [...gaps].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return {
    work: `restart to first success, ms: median ${at(0.5)}, 95 % ${at(0.95)}, worst ${at(1)}`,
    inFlight: 1,
    callsPerSecond: {},
    milliseconds: { median: at(0.5), p95: at(0.95), max: at(1), restarts: sorted.length },
  };
}

const [, program, role, nameserver = ""] = process.argv;
if (program === fileURLToPath(import.meta.url)) {
  if (role === "provide") await provide(nameserver);
  else {
    const { values } = parseArgs({ options: { restarts: { type: "string", default: "100" } } });
    console.log(restartRow(await measureRestarts(Number(values.restarts))).work);
  }
}
