/**
 * `endure-garbage.ts ADDRESS SILENT`, a part of `npm run endure:amp`: so many connections that say nothing, or half of something, and
 * meanwhile one after the other that breaks the protocol, each of which the server has to close. Sends a message when all of the
 * first are there; stops at a message, and tells what became of them.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { parallel } from "../parallel.js";
import { BROKEN, UNFINISHED } from "./garbage.js";

const [address = "", count = "1"] = process.argv.slice(2);
const port = Number(new URL(address).port);
/** Broken ones at the same time. */
const AT_ONCE = 16;

const waiting: Socket[] = [];
const unfinished = [() => undefined, ...Object.values(UNFINISHED)];
await parallel(Number(count), 64, async (n) => {
  waiting.push(await open(unfinished[n % unfinished.length]?.()));
});
process.send?.(waiting.length);
let isStopped = false;
process.once("message", () => {
  isStopped = true;
});
let closed = 0;
const kinds = Object.values(BROKEN);
await parallel(AT_ONCE, AT_ONCE, async (n) => {
  for (let turn = n; !isStopped; turn++) {
    const socket = await open(kinds[turn % kinds.length]?.());
    socket.resume();
    // Never, if the server does not close it: then nothing is told, and that is found out.
    if (!socket.closed) await once(socket, "close");
    closed++;
  }
});
const lost = waiting.filter((socket) => socket.closed).length;
for (const socket of waiting) socket.destroy();
process.send?.({ closed, lost });
process.disconnect();

async function open(says: Buffer | undefined): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => undefined);
  if (says) socket.write(says);
  return socket;
}
