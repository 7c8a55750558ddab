/**
 * `npm run bench -- [--json] [--rounds N] [--slice MS] [--restarts N] [--first-calls N]`
 *
 * Measures this package against bare zeromq.js in one run: each peer has a server process of its own, the client sides live
 * here; all stay up and are measured in turn, in slices of a quarter of a second, in an order shuffled each round. Figures
 * are medians over the rounds. Trust the ratios, not the absolute figures.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Client, defineInterface, Host, NameserverHost } from "../build/index.js";
import { firstCallRow, measureFirstCalls } from "./blocking.js";
import { connect, type EchoPeer, PEERS, type PeerName } from "./peers.js";
import { type Row, summarise, table } from "./report.js";
import { measureRestarts, restartRow } from "./restart.js";

/** One kind of work: how much of it is under way at once. */
interface Work {
  readonly name: string;
  readonly inFlight: number;
  readonly run: (peer: EchoPeer) => Promise<unknown>;
}

const SMALL = { a: 42, b: "hello", c: [1, 2, 3] };
const KIB = "x".repeat(1024);
const MIB = new Uint8Array(1024 * 1024);

const WORKS: readonly Work[] = [
  ...[1, 64, 512].map((inFlight) => ({ name: "small object", inFlight, run: (peer: EchoPeer) => peer.echo(SMALL) })),
  ...[1, 64, 512].map((inFlight) => ({ name: "1 KiB text", inFlight, run: (peer: EchoPeer) => peer.echo(KIB) })),
  ...[1, 16].map((inFlight) => ({ name: "1 MiB attachment", inFlight, run: (peer: EchoPeer) => peer.echoBytes(MIB) })),
];

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "7" },
    slice: { type: "string", default: "250" },
    restarts: { type: "string", default: "20" },
    "first-calls": { type: "string", default: "20" },
  },
});
const rounds = Number(options.rounds);
const sliceMs = Number(options.slice);

const children: ChildProcess[] = [];
try {
  const peers = await startPeers();
  const rows = await measureEchoes(peers);
  for (const { peer } of peers.values()) await peer.close();
  rows.push(await measureLocate());
  rows.push(restartRow(await measureRestarts(Number(options.restarts))));
  rows.push(firstCallRow(await measureFirstCalls(Number(options["first-calls"]))));
  if (options.json) console.log(JSON.stringify({ node: process.version, rounds, sliceMs, rows }, null, 2));
  else console.log(table(rows));
} finally {
  for (const child of children) child.kill();
}

async function startPeers(): Promise<Map<PeerName, { peer: EchoPeer }>> {
  const peers = new Map<PeerName, { peer: EchoPeer }>();
  for (const name of PEERS) {
    const script = new URL("./peers.ts", import.meta.url).pathname;
    // Without the flag V8 throws compiled code away between slices, and peers look slower than they are.
    const child = spawn(process.execPath, ["--import", "tsx", "--no-flush-bytecode", script, "serve", name], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const peer = connect(name, line.replace("ready ", ""));
    const echoed = JSON.stringify(await peer.echo(SMALL));
    if (echoed !== JSON.stringify(SMALL)) throw new Error(`${name} answered ${echoed}`);
    peers.set(name, { peer });
  }
  return peers;
}

async function measureEchoes(peers: Map<PeerName, { peer: EchoPeer }>): Promise<Row[]> {
  const samples = new Map<string, number[]>();
  for (const work of WORKS) {
    for (let round = 0; round < rounds; round++) {
      for (const [name, { peer }] of shuffle([...peers])) {
        await slice(() => work.run(peer), work.inFlight, sliceMs / 2);
        const rate = await slice(() => work.run(peer), work.inFlight, sliceMs);
        const key = `${work.name} @${work.inFlight} ${name}`;
        samples.set(key, [...(samples.get(key) ?? []), rate]);
      }
    }
  }
  return WORKS.map(({ name, inFlight }) => {
    const rate = (peer: PeerName): number => summarise(samples.get(`${name} @${inFlight} ${peer}`) ?? []);
    return {
      work: name,
      inFlight,
      callsPerSecond: { lamplighter: rate("lamplighter"), bare: rate("bare"), "bare-short": rate("bare-short") },
      ratioToBare: rate("lamplighter") / rate("bare"),
      ratioToBareShort: rate("lamplighter") / rate("bare-short"),
    };
  });
}

/** A new proxy for every call: the question to the nameserver is remembered for a second, the connection is shared. */
async function measureLocate(): Promise<Row> {
  await using nameserver = new NameserverHost({ address: "tcp://127.0.0.1:0" });
  await nameserver.start();
  await using host = new Host({ nameserver: nameserver.address });
  host.provide(defineInterface("bench.locate", { methods: { echo: (value: unknown) => value } }));
  await host.start();
  await using client = new Client({ nameserver: nameserver.address });
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    rates.push(await slice(() => client.locate<{ echo(v: unknown): unknown }>("bench.locate").echo(1), 64, sliceMs));
  }
  return { work: "locate and call, one process", inFlight: 64, callsPerSecond: { lamplighter: summarise(rates) } };
}

/** Calls per second of a closed loop. */
async function slice(run: () => Promise<unknown>, inFlight: number, ms: number): Promise<number> {
  let done = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + ms;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < endsAt) {
        await run();
        done++;
      }
    }),
  );
  return (done / (performance.now() - startedAt)) * 1000;
}

function shuffle<T>(items: T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
