/**
 * `npm run compare -- [--rounds N] [--slice MS] [--warm-up MS] [--peers a,b] [--json]`: the same work by this package and by
 * others, as ratios. Each peer has a server and a client process of its own; all stay up and are measured in turn, in an
 * order that is shuffled each round. docs/performance.md explains the method. Needs `npm install --prefix bench`, and `nats-server`.
 */
import { parseArgs } from "node:util";
import { FIRST_CALL, PEERS, Peer, type PeerName, type Work } from "./peer.js";
import { type Cell, report } from "./report.js";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    slice: { type: "string", default: "250" },
    "warm-up": { type: "string", default: "3000" },
    peers: { type: "string", default: PEERS.join(",") },
    json: { type: "boolean", default: false },
  },
});
const rounds = positive("rounds");
const sliceMs = positive("slice");
const warmUpMs = positive("warm-up");

// Small messages before large ones: these leave the heap as no other work does.
const WORKS: readonly Work[] = [
  { name: "small", inFlight: 1 },
  { name: "small", inFlight: 64 },
  { name: "small", inFlight: 512 },
  { name: "text", inFlight: 64 },
  { name: "64k", inFlight: 1 },
  { name: "64k", inFlight: 64 },
  { name: "1m", inFlight: 16 },
];
const LEAD_MS = 100;
const STREAM_ITEMS = 50_000;
const IDLE_PROXIES = 10_000;

const cells: Cell[] = [];
const peers: Peer[] = [];
try {
  for (const name of options.peers.split(",")) {
    const peer = await Peer.start(name as PeerName).catch((error: unknown) => {
      console.error(`${name} is left out: ${(error as Error).message}`);
      process.exitCode = 1;
    });
    if (peer) peers.push(peer);
  }
  for (const peer of [...peers]) {
    await peer.measure({ name: "small", inFlight: 64 }, 0, warmUpMs).catch((error: unknown) => {
      leaveOut(peer, error);
    });
  }
  for (const work of WORKS) {
    await inRounds(async (peer) => {
      if (peer.name === "lamplighter-pycom" && !["small", "text"].includes(work.name)) return;
      cells.push({ peer: peer.name, work, ...(await peer.measure(work, LEAD_MS, sliceMs)) });
    });
  }
  await inRounds(async (peer) => {
    const rate = await peer.stream(STREAM_ITEMS);
    if (rate !== undefined) cells.push({ peer: peer.name, work: { name: "stream", inFlight: 1 }, rate });
  });
  await inRounds(async (peer) => {
    const ms = await peer.firstCallMs();
    if (ms !== undefined) cells.push({ peer: peer.name, work: FIRST_CALL, ms });
  });
  const idle = await peers.find(({ name }) => name === "lamplighter")?.bytesPerIdleProxy(IDLE_PROXIES);
  console.log(options.json ? JSON.stringify(cells) : report(cells, peers, idle));
} finally {
  for (const peer of peers) peer.stop();
}

function positive(name: "rounds" | "slice" | "warm-up"): number {
  const value = Number(options[name]);
  if (value > 0) return value;
  throw new Error(`--${name} wants a number above 0, got ${options[name]}`);
}

/** Lost answers are no reason to lose the figures of the others. */
function leaveOut(peer: Peer, error: unknown): void {
  const { message, cause } = error as Error;
  console.error(`${peer.name} is left out from here on: ${cause instanceof Error ? cause.message : message}`);
  process.exitCode = 1;
  peers.splice(peers.indexOf(peer), 1);
  peer.stop();
}

/** Each peer once a round, in an order of its own. */
async function inRounds(measure: (peer: Peer) => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const order = peers.map((peer) => ({ peer, at: Math.random() })).sort((a, b) => a.at - b.at);
    for (const { peer } of order)
      await measure(peer).catch((error: unknown) => {
        leaveOut(peer, error);
      });
  }
}
