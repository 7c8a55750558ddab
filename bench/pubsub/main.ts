/**
 * `npm run bench:pubsub -- [--rounds N] [--messages N] [--peers ours,zeromq,nats] [--tolerance FACTOR] [--json]`: one publisher and 1 or 10 subscribers, all of
 * these in one process, of small messages, written 1,000 in a turn of the event loop: this package, bare zeromq.js that packs all
 * messages of a turn into one as we do, and NATS. All processes stay up and are measured in turn, in an order shuffled each round; figures
 * are medians of deliveries per second. Exits with 1 unless this package makes 2 × NATS and 0.5 × zeromq.js, each times the tolerance, for short
 * runs on busy machines. Needs `npm install
 * --prefix bench`, and `nats-server`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface, type Interface } from "node:readline";
import { parseArgs } from "node:util";
import { summarise } from "../report.js";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    messages: { type: "string", default: "300000" },
    peers: { type: "string", default: "ours,zeromq,nats" },
    tolerance: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const messages = Number(options.messages);
const PEER = new URL("peer.js", import.meta.url).pathname;
const PAYLOADS = ["bytes", "object"] as const;
const SUBSCRIBERS = [1, 10] as const;
/** What this package has to make of the others' figures. */
const GOALS: Readonly<Record<string, number>> = { nats: 2, zeromq: 0.5 };

/** A process that is told and tells lines. */
class Side {
  readonly #process: ChildProcess;
  readonly #lines: Interface;

  constructor(args: readonly string[]) {
    this.#process = spawn(process.execPath, ["--no-flush-bytecode", PEER, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (!this.#process.stdout) throw new Error("no output");
    this.#lines = createInterface(this.#process.stdout);
  }

  /** What stands behind the next line that begins so. */
  async next(beginning: string): Promise<string> {
    for (;;) {
      const [line] = (await once(this.#lines, "line")) as [string];
      if (line.startsWith(beginning)) return line.slice(beginning.length).trim();
    }
  }

  tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }
}

interface Work {
  readonly peer: string;
  readonly payload: (typeof PAYLOADS)[number];
  readonly subscribers: number;
  readonly publisher: Side;
  readonly subscriber: Side;
  readonly samples: number[];
}

const open: { end(): void }[] = [];
const works: Work[] = [];
try {
  for (const peer of options.peers.split(",")) {
    for (const payload of PAYLOADS) {
      for (const subscribers of SUBSCRIBERS) {
        try {
          works.push(await start(peer, payload, subscribers));
        } catch (error) {
          console.error(`${peer} is left out: ${(error as Error).message}`);
        }
      }
    }
  }
  for (const work of works) await measure(work);
  for (let round = 0; round < rounds; round++) {
    for (const work of shuffle(works)) work.samples.push(await measure(work));
  }
} finally {
  for (const one of open) one.end();
}
report();

async function start(peer: string, payload: Work["payload"], subscribers: number): Promise<Work> {
  const server = peer === "nats" ? [await startNats()] : [];
  const publisher = new Side([peer, "publisher", ...server]);
  open.push(publisher);
  const address = await publisher.next("ready");
  const subscriber = new Side([peer, "subscriber", address, String(subscribers), payload]);
  open.push(subscriber);
  await subscriber.next("ready");
  return { peer, payload, subscribers, publisher, subscriber, samples: [] };
}

async function startNats(): Promise<string> {
  const port = await freePort();
  const server = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port)], { stdio: ["ignore", "ignore", "pipe"] });
  open.push({ end: () => server.kill("SIGKILL") });
  const failed = once(server, "error").then(([error]) => Promise.reject(error as Error));
  const lines = createInterface(server.stderr);
  const isReady = (async () => {
    for await (const line of lines) if (line.includes("Server is ready")) return;
  })();
  await Promise.race([isReady, failed]);
  server.stderr.resume();
  return `127.0.0.1:${port}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** Deliveries per second. */
async function measure({ publisher, subscriber, payload, subscribers }: Work): Promise<number> {
  const count = Math.ceil(messages / Math.sqrt(subscribers));
  subscriber.tell(String(count));
  await subscriber.next("expecting");
  const done = subscriber.next("done");
  publisher.tell(`${count} ${payload}`);
  return (count * subscribers) / (Number(await done) / 1000);
}

function shuffle<T>(list: readonly T[]): T[] {
  return list
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

function report(): void {
  const rows = PAYLOADS.flatMap((payload) =>
    SUBSCRIBERS.map((subscribers) => {
      const of = (peer: string): number =>
        summarise(
          works.find((work) => work.peer === peer && work.payload === payload && work.subscribers === subscribers)
            ?.samples ?? [],
        );
      return { payload, subscribers, ours: of("ours"), zeromq: of("zeromq"), nats: of("nats") };
    }),
  );
  if (options.json) console.log(JSON.stringify(rows));
  const per = (rate: number): string => `${(rate / 1e6).toFixed(2)} M/s`;
  let missed = 0;
  for (const { payload, subscribers, ours, ...others } of rows) {
    const ratios = Object.entries(others).map(([peer, rate]) => {
      const ratio = ours / rate;
      if (Number.isFinite(rate) && ratio < (GOALS[peer] ?? 0) * Number(options.tolerance)) missed++;
      return `${peer} ${per(rate)} (x${ratio.toFixed(2)}, goal ${GOALS[peer] ?? 0})`;
    });
    console.log(`${payload}, ${subscribers} subscribers: ours ${per(ours)}, ${ratios.join(", ")}`);
  }
  if (missed > 0) {
    console.log(`${missed} goals missed`);
    process.exitCode = 1;
  }
}
