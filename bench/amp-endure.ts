/**
 * `npm run endure:amp -- [--boxes N] [--connections N]`: does AMP hold? Boxes over one connection, connections at once, peers that send
 * garbage, say nothing or never read, with a look at the memory of both sides. Ends with `N passed, N failed`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { boxOf, connectAmp, encodeBox } from "../build/compat/amp/index.js";
import { askBothWays, Much, responders } from "./amp/endure-commands.js";
import { Sum } from "./amp/sum.js";
import { Checks, count, timed } from "./endure/checks.js";
import { memoryInUse, Watch } from "./endure/memory.js";
import { parallel } from "./parallel.js";

const { values: options } = parseArgs({
  options: { boxes: { type: "string", default: "10000000" }, connections: { type: "string", default: "5000" } },
});
const boxes = Number(options.boxes);
const connections = Number(options.connections);
if (!(boxes >= 1000 && connections >= 10)) throw new Error("--boxes wants 1000 at least, --connections 10");

/** Processes that share the connections. */
const PROCESSES = 5;
/** Connections that work, while others do not. */
const WORKING = 20;

const server = fork(new URL("./amp/endure-server.ts", import.meta.url), {
  execArgv: ["--import", "tsx", "--expose-gc"],
  stdio: ["ignore", "pipe", "inherit", "ipc"],
});
if (!server.stdout) throw new Error("The server prints nothing");
const [line] = (await once(createInterface(server.stdout), "line")) as [string];
const address = line.replace("ready ", "");
const checks = new Checks();
try {
  await memoryStays(boxes);
  await manyConnections(connections);
  await amongGarbage(connections, Math.ceil(boxes / 40));
  await amongPeersThatNeverRead(Math.max(2, Math.ceil(connections / 100)), Math.ceil(boxes / 40));
} finally {
  server.disconnect();
}
checks.end();

/** A call is two boxes. */
async function memoryStays(total: number): Promise<void> {
  const peer = await connectAmp(address, { timeoutMs: 120_000 });
  const both = [new Watch(() => Promise.resolve(memoryInUse()), 10), new Watch(async () => (await told()).bytes, 10)];
  const steps = 30;
  const add = async (n: number): Promise<void> => {
    const { total: sum } = await peer.callRemote(Sum, { a: n, b: 1 });
    if (sum !== n + 1) throw new Error("a wrong answer");
  };
  // What is made once, such as compiled code, is not to be counted.
  await parallel(Math.ceil(total / 20), 64, add);
  const { ms } = await timed(async () => {
    for (let step = 0; step < steps; step++) {
      await parallel(Math.ceil(total / 2 / steps), 64, add);
      for (const watch of both) await watch.sample();
    }
  });
  await peer.close();
  await isAlone();
  checks.reportMemory(both, `${count(total)} boxes over one connection in ${ms} ms`);
}

async function manyConnections(total: number): Promise<void> {
  const before = await told();
  let open = 0;
  let wrong = 0;
  let during = before;
  const { ms } = await timed(async () => {
    const clients = Array.from({ length: PROCESSES }, () =>
      start("endure-clients.ts", String(Math.ceil(total / PROCESSES))),
    );
    for (const number of await Promise.all(clients.map(messageOf<number>))) open += number;
    const asked = Promise.all(clients.map(messageOf<number>));
    for (const client of clients) client.send("ask");
    for (const number of await asked) wrong += number;
    during = await told();
    const left = clients.map((client) => once(client, "exit"));
    for (const client of clients) client.send("close");
    await Promise.all(left);
  });
  const kibibytes = (during.bytes - before.bytes) / open / 1024;
  const isFine = wrong === 0 && open >= total && during.peers === before.peers + open && (await isAlone());
  checks.report(
    isFine,
    `${count(open)} connections of ${PROCESSES} processes at once, each asking and being asked, in ${ms} ms; ${wrong} with a wrong answer, ` +
      `${kibibytes.toFixed(1)} KiB each at the server`,
  );
}

async function amongGarbage(silent: number, calls: number): Promise<void> {
  const before = await told();
  const child = start("endure-garbage.ts", String(silent));
  await messageOf(child);
  const during = await told();
  const { ms, wrong } = await callsGoOn(calls);
  const stopped = messageOf<{ closed: number; lost: number }>(child);
  child.send("stop");
  const { closed, lost } = await stopped;
  const isOver = await isAlone();
  const after = await told();
  const growth = after.bytes / before.bytes;
  checks.report(
    wrong === 0 && lost === 0 && closed > 0 && isOver && growth < 1.1,
    `${count(calls)} calls in ${ms} ms among ${count(silent)} connections that say nothing or half a box, and ${count(closed)} that break ` +
      `the protocol: ${wrong} answered wrongly; ${lost} closed without a reason; memory of the server ${mebibytes(before)}, ` +
      `${mebibytes(during)} meanwhile, ${mebibytes(after)} after it`,
  );
}

/** They ask for more and more, until the server gives them up. */
async function amongPeersThatNeverRead(number: number, calls: number): Promise<void> {
  const before = await told();
  const args = Much.arguments.size.encode(60_000);
  const asking = Array.from({ length: number }, () => {
    const socket = connect(Number(new URL(address).port), "127.0.0.1").pause();
    socket.on("error", () => undefined);
    for (let tag = 1; tag <= 1_000; tag++) {
      socket.write(
        encodeBox(boxOf({ kind: "ask", tag: tag.toString(16), command: Much.name, values: new Map([["size", args]]) })),
      );
    }
    return socket;
  });
  const { ms, wrong } = await callsGoOn(calls);
  const isOver = await isAlone();
  // Who does not read is not told of it either.
  for (const socket of asking) socket.destroy();
  const after = await told();
  checks.report(
    wrong === 0 && isOver && after.bytes / before.bytes < 1.1,
    `${count(calls)} calls in ${ms} ms among ${number} peers that ask and never read, all of which were given up: ${wrong} answered wrongly; ` +
      `memory of the server ${mebibytes(before)}, ${mebibytes(after)} after it`,
  );
}

async function callsGoOn(calls: number): Promise<{ readonly ms: number; readonly wrong: number }> {
  let wrong = 0;
  const peers = await Promise.all(
    Array.from({ length: WORKING }, () => connectAmp(address, { responders, timeoutMs: 120_000 })),
  );
  const { ms } = await timed(() =>
    parallel(Math.ceil(calls / 2), WORKING * 4, async (n) => {
      const peer = peers[n % WORKING];
      try {
        if (peer) await askBothWays(peer, n);
      } catch (error) {
        console.error(error);
        wrong++;
      }
    }),
  );
  await Promise.all(peers.map((peer) => peer.close()));
  return { ms, wrong };
}

interface Told {
  readonly bytes: number;
  readonly peers: number;
}

async function told(): Promise<Told> {
  const answer = messageOf<Told>(server);
  server.send({});
  return await answer;
}

/** Does the server find out that nobody is connected any more? It is told a little later than whoever has closed. */
async function isAlone(): Promise<boolean> {
  for (const until = performance.now() + 10_000; performance.now() < until; ) {
    if ((await told()).peers === 0) return true;
  }
  return false;
}

function mebibytes({ bytes }: Told): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function start(script: string, ...args: string[]): ChildProcess {
  return fork(new URL(`./amp/${script}`, import.meta.url), [address, ...args], { execArgv: ["--import", "tsx"] });
}

async function messageOf<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, "message")) as [T];
  return message;
}
