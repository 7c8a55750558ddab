/**
 * `npm run endure:pubsub -- [--scale N]`: subscribers that are stopped or do not take what comes, for each policy but `block`; 10,000
 * subscriptions of one publisher; subscribers that come and go. Looks whether they cost the others anything, whether memory stays within
 * its bounds, and whether everybody learns of what was missed. No figure is absolute: all are compared with others of the same
 * run. Ends with `N passed, N failed`.
 */
import { setImmediate as turn } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  Client,
  Host,
  NameserverHost,
  type Publication,
  publisher,
  type Subscriber,
  subscriber,
} from "../../build/index.js";
import { processes } from "../../test/support/processes.js";
import { WatchedSubscriber } from "../../test/support/pubsub-kills.js";
import { until } from "../../test/support/until.js";
import { Checks, count } from "../endure/checks.js";
import { memoryInUse, Watch } from "../endure/memory.js";
import { summarise } from "../report.js";

const { values: options } = parseArgs({ options: { scale: { type: "string", default: "1" } } });
const scale = Number(options.scale);
const scaled = (number: number): number => Math.max(1, Math.round(number * scale));
const MIB = 2 ** 20;
const ROUNDS = 5;
const NAME = "demo.killed";
const checks = new Checks();
const { start, end } = processes();
try {
  await slowOnes();
  await manyTopics();
  await comeAndGo();
} finally {
  await end();
}
checks.end();

/** A publisher, and subscribers in processes of their own of which one is too slow. */
async function slowOnes(): Promise<void> {
  await using names = new NameserverHost({ address: "tcp://127.0.0.1:0" });
  await names.start();
  const { address: nameserver } = names;
  const numbers = publisher<{ topic: string; n: number; ballast: string }>(NAME, { maxQueuedBytes: MIB });
  await using host = new Host({ nameserver });
  host.provide(numbers);
  await host.start();
  // The publisher goes as fast as this one does.
  await WatchedSubscriber.start(start, nameserver, { policy: "block", buffer: 100 });
  let n = 0;
  // More than the kernel takes for a process that reads nothing.
  const ballast = "x".repeat(10_000);
  const publish = async (): Promise<void> => {
    await numbers.publish({
      topic: "",
      n: ++n,
      ballast,
    });
  };
  const many = scaled(20_000);
  const burst = async (): Promise<number> => {
    const startedAt = performance.now();
    for (let left = many; left > 0; left--) await publish();
    return many / (performance.now() - startedAt);
  };
  await burst();
  for (const policy of ["drop-oldest", "drop-newest", "disconnect"]) {
    for (const how of ["stopped", "stuck"] as const) {
      const rates = { alone: [] as number[], beside: [] as number[] };
      const grown: number[] = [];
      const own: number[] = [];
      const untold: string[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        rates.alone.push(await burst());
        const before = memoryInUse();
        const slow = await startSlow(nameserver, { policy, how, publish });
        const first = n;
        if (how === "stopped") slow.child.process.kill("SIGSTOP");
        const { memory: ownBefore } = how === "stuck" ? await slow.report() : { memory: 0 };
        rates.beside.push(await burst());
        grown.push(memoryInUse() - before);
        if (how === "stuck") own.push((await slow.report()).memory - ownBefore);
        untold.push(...(await goOn(slow, { policy, how, published: n - first })));
        slow.child.process.kill("SIGKILL");
        await slow.child.ended;
        await until(() => numbers.subscribers.length === 1);
      }
      const what = `a subscriber that is ${how} (${policy})`;
      const ratio = summarise(rates.beside) / summarise(rates.alone);
      // It has a processor to share with them; one that held them back would leave them nothing.
      checks.report(ratio > 1 / 3, `${what}: the others get ${ratio.toFixed(2)} of what they get without it`);
      // What it may keep, and what its socket may, and what a measurement is off by; what it was sent is many times as much.
      const bound = MIB + MIB / 4 + 4 * MIB;
      checks.report(summarise(grown) < bound, `${what}: its publisher keeps ${mebibytes(summarise(grown))} more`);
      if (own.length > 0) {
        checks.report(summarise(own) < bound, `${what}: it keeps ${mebibytes(summarise(own))} itself`);
      }
      checks.report(untold.length === 0, `${what}: it learns of what it missed ${untold.slice(0, 3).join("; ")}`);
    }
  }
}

/** A subscriber that has got one value. */
async function startSlow(
  address: string,
  { policy, how, publish }: { policy: string; how: "stopped" | "stuck"; publish: () => Promise<void> },
): Promise<WatchedSubscriber> {
  const room = how === "stopped" ? { buffer: 10_000_000 } : { buffer: 1_000, bufferBytes: MIB };
  const slow = await WatchedSubscriber.start(start, address, {
    policy,
    ...room,
    stuck: how === "stuck",
  });
  await publish();
  await slow.child.waitFor(/^value/m);
  return slow;
}

/** Lets it go on. @returns what it did not learn */
async function goOn(
  slow: WatchedSubscriber,
  { policy, how, published }: { policy: string; how: "stopped" | "stuck"; published: number },
): Promise<readonly string[]> {
  if (how === "stopped") slow.child.process.kill("SIGCONT");
  else slow.child.process.stdin?.write("go\n");
  const deadline = performance.now() + 30_000;
  for (;;) {
    const { values, wrong, runs, ended } = await slow.report();
    if (policy === "disconnect" && ended === "OVERLOADED") return [];
    const told = runs.reduce((sum, run) => sum + run.told, 0);
    if (wrong.length > 0) return wrong;
    // One more value came before it was slow.
    if (values - 1 + told === published) return told > 0 ? [] : ["nothing was missed"];
    if (performance.now() > deadline) return [`${values - 1} of ${published} came, ${told} were told`];
  }
}

/** Publishers with few and with many subscriptions that have nothing to do with what is published. */
async function manyTopics(): Promise<void> {
  const few = await crowd(scaled(1_000));
  const many = await crowd(scaled(10_000));
  try {
    const deliver = async ({ numbers, own }: Crowd): Promise<number> => {
      const values = 50_000;
      const startedAt = performance.now();
      const taken = own.take(values).then((all) => all);
      for (let n = 0; n < values; n++) await numbers.publish(n, { topic: "own" });
      await taken;
      return performance.now() - startedAt;
    };
    /** One value in each turn of the event loop. */
    const deliverSlowly = async ({ numbers, own }: Crowd): Promise<number> => {
      const values = 2_000;
      const startedAt = performance.now();
      const taken = own.take(values).then((all) => all);
      for (let n = 0; n < values; n++) {
        await numbers.publish(n, { topic: "own" });
        await turn();
      }
      await taken;
      return performance.now() - startedAt;
    };
    /** One subscriber comes and goes, and there are values under 200 topics, again and again. */
    const come = async (one: Crowd): Promise<number> => {
      const startedAt = performance.now();
      for (let round = 0; round < scaled(100); round++) {
        const newcomer = one.subscribe(`new.${round}`);
        await newcomer.ready;
        for (let topic = 0; topic < 200; topic++) await one.numbers.publish(topic, { topic: `nobody.${topic}` });
        await newcomer.close();
      }
      return performance.now() - startedAt;
    };
    for (const [what, measure] of [
      ["a delivery", deliver],
      ["a delivery that nothing else goes with", deliverSlowly],
      ["a subscriber that comes while others topics are published under", come],
    ] as const) {
      const ratios: number[] = [];
      await measure(few);
      await measure(many);
      for (let round = 0; round < ROUNDS; round++) {
        const [less, more] = [await measure(few), await measure(many)];
        ratios.push(more / less);
      }
      const ratio = summarise(ratios);
      const sizes = `${count(many.size)} unrelated subscriptions instead of ${count(few.size)}`;
      checks.report(ratio < 2, `${what} costs ${ratio.toFixed(2)} times as much with ${sizes}`);
    }
    // Those who came and went are gone.
    await until(() => many.numbers.subscribers.length <= many.size + 1);
    const { length } = many.numbers.subscribers;
    checks.report(length === many.size + 1, `${count(length)} subscriptions of one publisher`);
  } finally {
    await few.close();
    await many.close();
  }
}

interface Crowd {
  readonly numbers: Publication<number>;
  /** Takes the topic `own`. */
  readonly own: Subscriber<number>;
  readonly size: number;
  readonly subscribe: (topic: string) => Subscriber<number>;
  readonly close: () => Promise<void>;
}

async function crowd(size: number): Promise<Crowd> {
  const numbers = publisher<number>("endure.crowd", { maxSubscribers: 20_000 });
  const host = new Host({ nameserver: false });
  host.provide(numbers);
  await host.start();
  // One socket takes 10,000 subscriptions at most.
  const clients = Array.from({ length: 4 }, () => new Client({ nameserver: "tcp://127.0.0.1:1" }));
  let next = 0;
  const subscribe = (topic: string): Subscriber<number> =>
    subscriber<number>("endure.crowd", {
      client: clients[next++ % clients.length],
      address: host.address,
      topics: topic,
      buffer: 100_000,
    });
  for (let made = 0; made < size; ) {
    const some = Array.from({ length: Math.min(500, size - made) }, () => subscribe(`topic.${made++}`));
    await Promise.all(some.map(({ ready }) => ready));
  }
  const own = subscribe("own");
  await own.ready;
  return {
    numbers,
    own,
    size,
    subscribe,
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await host.close();
    },
  };
}

/** Subscribers that come and go, again and again. */
async function comeAndGo(): Promise<void> {
  const numbers = publisher<number>("endure.visits", { retain: true });
  await using host = new Host({ nameserver: false });
  host.provide(numbers);
  await host.start();
  await numbers.publish(1, { topic: "kept" });
  const watch = new Watch(() => Promise.resolve(memoryInUse()));
  let visits = 0;
  for (let round = 0; round < 12; round++) {
    await using client = new Client({ nameserver: "tcp://127.0.0.1:1" });
    const visitors = Array.from({ length: scaled(1_000) }, (_, index) =>
      subscriber<number>("endure.visits", { client, address: host.address, topics: ["kept", `${round}.${index}`] }),
    );
    await Promise.all(visitors.map((visitor) => visitor.take(1)));
    visits += visitors.length;
    await Promise.all(visitors.map((visitor) => visitor.close()));
    await until(() => numbers.subscribers.length === 0);
    checks.report(client.subscribing.sockets.size === 0, `no connection is left after ${count(visits)} subscribers`);
    if (round >= 3) await watch.sample();
  }
  checks.reportMemory([watch], `${count(visits)} subscribers came and went`);
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
