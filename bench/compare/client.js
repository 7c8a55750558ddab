// One peer's client: `client.js PEER ADDRESS`. Carries out what the driver sends, and sends what it measured.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const [, , peer, address] = process.argv;
const { connect } = await import(`./peers/${peer}.js`);
const client = await connect(address);
const SMALL = { a: 42, b: "hello", c: [1, 2, 3] };
const KIB = "x".repeat(1024);
const buffers = new Map();

function bytesOf(size) {
  if (!buffers.has(size)) buffers.set(size, Buffer.alloc(size, 7));
  return buffers.get(size);
}

/** One call of a kind of work. */
const works = {
  small: () => client.small(SMALL),
  text: () => client.small(KIB),
  "64k": () => client.bytes(bytesOf(64 * 1024)),
  "1m": () => client.bytes(bytesOf(Math.min(1024 * 1024, client.maxBytes ?? Infinity))),
};

/** A closed loop of so many callers, for so long. */
async function loop(run, inFlight, ms, latencies) {
  let calls = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + ms;
  const caller = async () => {
    for (let at = performance.now(); at < endsAt; ) {
      await run();
      calls++;
      const now = performance.now();
      latencies?.push((now - at) * 1000);
      at = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return { calls, rate: calls / ((performance.now() - startedAt) / 1000) };
}

/** CPU of whatever else the peer runs, a broker, in microseconds. */
function otherCpu() {
  if (client.alsoRuns === undefined) return 0;
  const [, rest] = readFileSync(`/proc/${client.alsoRuns}/stat`, "utf8").split(") ");
  const fields = rest.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

const commands = {
  check: async ({ bytes }) => {
    const same = isDeepStrictEqual({ ...(await client.small(SMALL)) }, SMALL) && (await client.small(KIB)) === KIB;
    if (!bytes) return same;
    return same && Buffer.compare(Buffer.from(await client.bytes(bytesOf(64 * 1024))), bytesOf(64 * 1024)) === 0;
  },
  can: ({ work }) => work !== "stream" || client.count !== undefined,
  measure: async ({ work, inFlight, leadMs, ms }) => {
    const latencies = inFlight === 1 ? [] : undefined;
    await loop(works[work], inFlight, leadMs);
    const before = process.cpuUsage();
    const otherBefore = otherCpu();
    const { calls, rate } = await loop(works[work], inFlight, ms, latencies);
    const { user, system } = process.cpuUsage(before);
    latencies?.sort((a, b) => a - b);
    const at = (share) => latencies?.[Math.floor(latencies.length * share)];
    return { calls, rate, cpu: user + system + otherCpu() - otherBefore, p50: at(0.5), p99: at(0.99) };
  },
  stream: async ({ items }) => {
    const startedAt = performance.now();
    let count = 0;
    for await (const item of client.count(items)) if (item === count) count++;
    if (count !== items) throw new Error(`${count} items instead of ${items}`);
    return { rate: items / ((performance.now() - startedAt) / 1000) };
  },
  idle: async ({ many }) => {
    if (!client.idle || !globalThis.gc) return undefined;
    await client.small(SMALL);
    gc();
    const before = process.memoryUsage().heapUsed;
    const proxies = client.idle(many);
    gc();
    return (process.memoryUsage().heapUsed - before) / proxies.length;
  },
};

process.on("message", async ({ command, ...options }) => {
  try {
    process.send({ result: await commands[command](options) });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.on("disconnect", () => process.exit());
process.send({ result: "ready" });
