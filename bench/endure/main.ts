/**
 * `npm run endure -- [--scale N]`: does it hold? Calls, references, connections and streams in numbers, with a look at the
 * memory of both sides. `--scale 0.01` does a hundredth of it. Ends with `N passed, N failed`.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client, type Remote, RpcError, release, withOptions } from "../../build/index.js";
import { parallel } from "../parallel.js";
import { Checks, count, timed } from "./checks.js";
import { memoryInUse, Watch } from "./memory.js";

interface Endure {
  echo<T>(value: T): T;
  adder(base: number): (n: number) => Promise<number>;
  endless(): AsyncGenerator<number>;
  count(to: number): AsyncGenerator<number>;
  copy(data: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>;
  produced(): { readonly produced: number; readonly endedAt: number };
}

/** Items that may be on the way, and the one that the generator has made ready. */
const WINDOW = 64 + 1;
const CHUNK_BYTES = 256 * 1024;

const { values: options } = parseArgs({ options: { scale: { type: "string", default: "1" } } });
const scale = Number(options.scale);
if (!(scale > 0)) throw new Error(`--scale wants a number above 0, got ${options.scale}`);
const scaled = (count: number): number => Math.max(1, Math.round(count * scale));

const server = fork(new URL("./server.ts", import.meta.url), {
  execArgv: ["--import", "tsx", "--expose-gc"],
  stdio: ["ignore", "pipe", "inherit", "ipc"],
});
if (!server.stdout) throw new Error("The server prints nothing");
const [line] = (await once(createInterface(server.stdout), "line")) as [string];
const address = line.replace("ready ", "");
const client = new Client({ maxInFlightBytes: 2 ** 31, timeoutMs: 60_000 });
const remote = connect(client);
const checks = new Checks();

try {
  await everyCallIsAnswered(scaled(1_000_000));
  await noCallIsLostInAStall(20_000);
  await memoryStays("calls", scaled(10_000_000), 64, async (n) => {
    if ((await remote.echo(n)) !== n) throw new Error("a wrong answer");
  });
  await memoryStays("references", scaled(1_000_000), 64, async (n) => {
    const add = await remote.adder(n);
    if ((await add(1)) !== n + 1) throw new Error("a wrong answer");
    release(add);
  });
  await memoryStays("connections", scaled(100_000), 16, async (n) => {
    await using one = new Client();
    if ((await connect(one).echo(n)) !== n) throw new Error("a wrong answer");
  });
  await streamsOfBytesAreFlat(scaled(4096));
  await streamsOfItemsAreFlat(scaled(5_000_000));
  await aGeneratorKeepsPace(Math.max(1, 20 * scale));
} finally {
  await client.close();
  server.disconnect();
}
checks.end();

function connect(from: Client): Remote<Endure> {
  return from.connect<Endure>(address, "bench.endure", { wire: "lamp" });
}

async function everyCallIsAnswered(calls: number): Promise<void> {
  let wrong = 0;
  const { ms } = await timed(() =>
    parallel(calls, 2_000, async (n) => {
      if ((await remote.echo(n)) !== n) wrong++;
    }),
  );
  checks.report(wrong === 0, `${count(calls)} calls with 2,000 in flight in ${ms} ms, ${wrong} answered wrongly`);
}

async function noCallIsLostInAStall(calls: number): Promise<void> {
  const text = "x".repeat(1024);
  const outcomes: Record<string, number> = {};
  const answers = Array.from({ length: calls }, async () => {
    let outcome = "answered";
    try {
      if ((await remote.echo(text)) !== text) outcome = "wrong";
    } catch (error) {
      outcome = RpcError.isRpcError(error) ? error.code : String(error);
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  });
  // The calls leave, and then nobody reads their answers.
  await new Promise((resolve) => {
    process.nextTick(resolve);
  });
  for (const until = performance.now() + 2_000; performance.now() < until; );
  await Promise.all(answers);
  const { answered = 0, OVERLOADED: overloaded = 0 } = outcomes;
  checks.report(
    answered + overloaded === calls,
    `${count(calls)} calls of 1 KiB, then 2 s of standstill: ${JSON.stringify(outcomes)}`,
  );
}

async function memoryStays(
  what: string,
  total: number,
  inFlight: number,
  run: (n: number) => Promise<void>,
): Promise<void> {
  const both = watches();
  const steps = 30;
  // What is made once, such as compiled code, is not to be counted.
  await parallel(Math.ceil(total / 10), inFlight, run);
  const { ms } = await timed(async () => {
    for (let step = 0; step < steps; step++) {
      await parallel(Math.ceil(total / steps), inFlight, run);
      for (const watch of both) await watch.sample();
    }
  });
  checks.reportMemory(both, `${count(total)} ${what} in ${ms} ms`);
}

/** There as an argument and back as a result, in one call; both windows are full all the time. */
async function streamsOfBytesAreFlat(mebibytes: number): Promise<void> {
  const both = watches();
  const total = mebibytes * 2 ** 20;
  const steps = Math.min(30, mebibytes);
  let bytes = 0;
  let order = 0;
  const { ms } = await timed(async () => {
    const copy = await withOptions(remote, { timeoutMs: 3_600_000 }).copy(numbered(total));
    for await (const chunk of copy) {
      if (new DataView(chunk.buffer, chunk.byteOffset).getUint32(0) !== order++) throw new Error("a wrong chunk");
      const before = Math.floor((bytes / total) * steps);
      bytes += chunk.byteLength;
      // The first part warms up.
      if (before > 0 && Math.floor((bytes / total) * steps) > before) for (const watch of both) await watch.sample();
    }
  });
  if (bytes !== total) throw new Error(`${bytes} bytes came back of ${total}`);
  checks.reportMemory(both, `${count(mebibytes)} MiB streamed there and back in ${ms} ms`);
}

/** Read more slowly than they are sent: there is always one that waits. */
async function streamsOfItemsAreFlat(items: number): Promise<void> {
  const both = watches();
  const every = Math.ceil(items / 30);
  let read = 0;
  const { ms } = await timed(async () => {
    for await (const item of remote.count(items)) {
      if (item !== read++) throw new Error("a wrong item");
      if (read % 16 === 0) await new Promise(setImmediate);
      if (read > every && read % every === 0) for (const watch of both) await watch.sample();
    }
  });
  if (read !== items) throw new Error(`${read} items came of ${items}`);
  checks.reportMemory(both, `${count(items)} items of one stream in ${ms} ms`);
}

/** Chunks that begin with their number. */
async function* numbered(total: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0, order = 0; sent < total; sent += CHUNK_BYTES, order++) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, total - sent));
    new DataView(chunk.buffer).setUint32(0, order);
    yield chunk;
  }
}

/** The memory of this process and of the server. */
function watches(): readonly Watch[] {
  const theirs = async (): Promise<number> => {
    server.send({});
    const [bytes] = (await once(server, "message")) as [number];
    return bytes;
  };
  return [new Watch(() => Promise.resolve(memoryInUse())), new Watch(theirs)];
}

async function aGeneratorKeepsPace(seconds: number): Promise<void> {
  const items = Math.round(seconds * 10);
  let consumed = 0;
  let brokenOffAt = 0;
  let ahead = 0;
  for await (const item of remote.endless()) {
    if (item !== consumed) throw new Error(`item ${item} instead of ${consumed}`);
    consumed++;
    ahead = Math.max(ahead, (await remote.produced()).produced - consumed);
    if (consumed >= items) {
      brokenOffAt = performance.timeOrigin + performance.now();
      break;
    }
    await pause(100);
  }
  let endedAt = 0;
  while (endedAt === 0 && performance.timeOrigin + performance.now() < brokenOffAt + 5_000) {
    ({ endedAt } = await remote.produced());
  }
  const endMs = endedAt - brokenOffAt;
  const isFine = ahead <= WINDOW && endedAt > 0 && endMs < 100;
  checks.report(
    isFine,
    `a generator read at 10 items a second for ${seconds} s was ${ahead} items ahead at most, and ended ${endMs.toFixed(1)} ms after its reader`,
  );
}
