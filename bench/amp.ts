/**
 * `npm run bench:amp -- [--json] [--rounds N] [--calls N]`
 *
 * AMP's `Sum(a, b)` over 127.0.0.1 in all pairings of this package and Twisted, client and server in processes of their own. The servers
 * stay up; each sample is a client of its own, which warms up first, in an order shuffled each round. Figures are medians over the
 * rounds. Exits with 1 unless this package with itself is ahead of every pairing with Twisted; without Twisted there is nothing to
 * compare with.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { summarise } from "./report.js";

const SIDES = {
  // Debian's, where its packages are.
  twisted: ["/usr/bin/python3", fileURLToPath(new URL("./python/amp_twisted_bench.py", import.meta.url))],
  ours: [process.execPath, "--import", "tsx", fileURLToPath(new URL("./amp/peer.ts", import.meta.url))],
} as const;
type Side = keyof typeof SIDES;

/** What one client prints. */
interface Sample {
  readonly callsPerSecond: number;
  readonly cpu: number;
}

const IN_FLIGHT = [1, 64];
/** A sample of this package alone would be over before it is warm. */
const MORE_CALLS = 5;

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "7" },
    calls: { type: "string", default: "20000" },
  },
});
const rounds = Number(options.rounds);
const calls = Number(options.calls);
const sides: readonly Side[] = hasTwisted() ? ["ours", "twisted"] : ["ours"];
const works = sides
  .flatMap((client) => sides.map((server) => ({ client, server })))
  .flatMap((pairing) => IN_FLIGHT.map((inFlight) => ({ ...pairing, inFlight, samples: [] as Sample[] })));
type Work = (typeof works)[number];

const servers: ChildProcess[] = [];
try {
  const addresses = new Map<Side, string>();
  for (const side of sides) addresses.set(side, await startServer(side));
  for (let round = 0; round < rounds; round++) {
    for (const work of shuffle(works)) work.samples.push(await sample(work, addresses.get(work.server) ?? ""));
  }
} finally {
  for (const server of servers) server.kill();
}
report();

function hasTwisted(): boolean {
  if (spawnSync(SIDES.twisted[0], ["-c", "import twisted"]).status === 0) return true;
  console.error("Twisted is not installed (python3-twisted): this package is measured with itself only");
  return false;
}

async function startServer(side: Side): Promise<string> {
  const [command, ...args] = SIDES[side];
  const server = spawn(command, [...args, "server"], { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(server);
  const [line] = (await once(createInterface(server.stdout), "line")) as [string];
  return line.replace("ready ", "");
}

async function sample({ client, server, inFlight }: Work, address: string): Promise<Sample> {
  const [command, ...args] = SIDES[client];
  const count = client === "ours" && server === "ours" ? calls * MORE_CALLS : calls;
  const process = spawn(
    command,
    [...args, "client", address, "--calls", String(count), "--in-flight", String(inFlight)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(process, "exit");
  let line: string | undefined;
  for await (const printed of createInterface(process.stdout)) line = printed;
  await exited;
  if (line === undefined) throw new Error(`The client of ${client} at ${server} has measured nothing`);
  return JSON.parse(line) as Sample;
}

function report(): void {
  const rate = ({ samples }: Work): number => summarise(samples.map(({ callsPerSecond }) => callsPerSecond));
  const rows = works.map((work) => {
    const twisted = works.find(
      ({ client, server, inFlight }) => client === "twisted" && server === "twisted" && inFlight === work.inFlight,
    );
    return {
      client: work.client,
      server: work.server,
      inFlight: work.inFlight,
      callsPerSecond: rate(work),
      clientCpuMicroseconds: summarise(work.samples.map(({ cpu }) => cpu)),
      ...(twisted && { ratioToTwisted: Number((rate(work) / rate(twisted)).toFixed(2)) }),
    };
  });
  if (options.json) console.log(JSON.stringify({ node: process.version, rounds, calls, rows }, null, 2));
  else console.table(rows);
  for (const inFlight of IN_FLIGHT) {
    const [own, ...others] = rows.filter((row) => row.inFlight === inFlight);
    const best = Math.max(...others.map(({ callsPerSecond }) => callsPerSecond));
    if (own && own.callsPerSecond > best) continue;
    console.error(`With ${inFlight} in flight a pairing with Twisted is ahead: ${best} calls a second`);
    process.exitCode = 1;
  }
}

function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
