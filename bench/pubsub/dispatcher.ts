/**
 * `npm run bench:nodes -- [--rounds N] [--events N] [--subscriptions N] [--json]`: events from one node to another by a dispatcher in a
 * process of its own, beside many subscriptions to other events, and beside none, in turn. Exits with 1 unless a delivery costs about the
 * same (at most a quarter more) with them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Node, NodeMessage } from "../../src/compat/nodeset/index.js";
import { summarise } from "../report.js";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    events: { type: "string", default: "20000" },
    subscriptions: { type: "string", default: "10000" },
    json: { type: "boolean", default: false },
  },
});
const events = Number(options.events);
const subscriptions = Number(options.subscriptions);
/** Events on their way at a time. */
const IN_FLIGHT = 256;
/** What a delivery may cost with the others, as a ratio. */
const LIMIT = 1.25;

/** Counts what comes. */
class Counter extends Node {
  count = 0;
  #wanted = Infinity;
  #settle: () => void = () => undefined;

  override onEvent(): void {
    if (++this.count >= this.#wanted) this.#settle();
  }

  /** Settles when so many more have come. */
  async more(count: number): Promise<void> {
    this.#wanted = this.count + count;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
  }
}

interface Place {
  readonly process: ChildProcess;
  readonly publisher: Node;
  readonly subscriber: Counter;
  readonly others: Node;
  readonly samples: number[];
}

const places: Place[] = [];
try {
  places.push(await open(0), await open(subscriptions));
  for (const place of places) await measure(place);
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const place of round % 2 === 0 ? places : [...places].reverse()) place.samples.push(await measure(place));
  }
} finally {
  for (const { process, publisher, subscriber, others } of places) {
    await Promise.all([publisher.close(), subscriber.close(), others.close()]);
    process.kill("SIGKILL");
  }
}
const [alone = NaN, among = NaN] = places.map(({ samples }) => summarise(samples));
const ratio = among / alone;
if (options.json) console.log(JSON.stringify({ subscriptions, alone, among, ratio }));
console.log(
  `a delivery takes ${alone.toFixed(1)} µs alone, ${among.toFixed(1)} µs beside ${subscriptions} other subscriptions ` +
    `(x${ratio.toFixed(2)}, limit ${LIMIT})`,
);
if (!(ratio <= LIMIT)) process.exitCode = 1;

async function open(count: number): Promise<Place> {
  const main = new URL("../../build/cli/main.js", import.meta.url).pathname;
  const child = spawn(process.execPath, [main, "dispatcher", "-a", "tcp://127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const dispatcher = line.replace("ready ", "");
  const [publisher, subscriber, others] = [
    new Node({ dispatcher }),
    new Counter({ dispatcher }),
    new Node({ dispatcher }),
  ];
  await Promise.all([publisher.start(), subscriber.start(), others.start()]);
  await subscriber.subscribe("measured");
  await Promise.all(Array.from({ length: count }, (_, index) => others.subscribe(`other-${index}`)));
  return { process: child, publisher, subscriber, others, samples: [] };
}

/** Microseconds for each delivery. */
async function measure({ publisher, subscriber }: Place): Promise<number> {
  const message = new NodeMessage();
  message.setAttribute("payload", "hello");
  const came = subscriber.more(events);
  const startedAt = performance.now();
  let left = events;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (left-- > 0) await publisher.publishMessage("measured", message);
    }),
  );
  await came;
  return ((performance.now() - startedAt) * 1_000) / events;
}
