/**
 * This package's AMP, to be measured; it is started, and prints, as `bench/python/amp_twisted_bench.py` is and does:
 *
 *     peer.ts server
 *     peer.ts client ADDRESS [--calls N] [--in-flight N]
 *
 * The server prints `ready ADDRESS`, and runs until it is killed. The client makes a tenth of the calls first, to warm up, and prints
 * one JSON line: `calls`, `inFlight`, `callsPerSecond` and `cpu`, microseconds of its own processor time for each call.
 */
import { parseArgs } from "node:util";
import { type AmpPeer, connectAmp, listen, respond } from "../../build/compat/amp/index.js";
import { parallel } from "../parallel.js";
import { Sum } from "./sum.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { calls: { type: "string", default: "20000" }, "in-flight": { type: "string", default: "1" } },
});
const [role, address = ""] = positionals;

if (role === "server") {
  const server = await listen("tcp://127.0.0.1:0", [respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }))]);
  process.once("SIGTERM", () => void server.close());
  console.log(`ready ${server.address}`);
} else {
  await using peer = await connectAmp(address, { commands: { Sum } });
  await measure(peer, Number(options.calls), Number(options["in-flight"]));
}

async function measure(peer: AmpPeer, calls: number, inFlight: number): Promise<void> {
  const add = async (a: number): Promise<void> => {
    const { total } = await peer.callRemote(Sum, { a, b: 1 });
    if (total !== a + 1) throw new Error(`${a} + 1 is not ${total}`);
  };
  await parallel(Math.floor(calls / 10), inFlight, add);
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await parallel(calls, inFlight, add);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  const callsPerSecond = Math.round(calls / seconds);
  console.log(JSON.stringify({ calls, inFlight, callsPerSecond, cpu: Number(((user + system) / calls).toFixed(1)) }));
}
