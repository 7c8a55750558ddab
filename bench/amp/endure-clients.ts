/**
 * `endure-clients.ts ADDRESS COUNT`, a part of `npm run endure:amp`: so many connections at once. Says so when all of them are there;
 * at the first message each asks and is asked, and how many answers were wrong is told; at the second all are closed.
 */
import { once } from "node:events";
import { connectAmp } from "../../build/compat/amp/index.js";
import { parallel } from "../parallel.js";
import { askBothWays, responders } from "./endure-commands.js";

const [address = "", count = "1"] = process.argv.slice(2);
/** Each connection asks so often. */
const TIMES = 4;

const peers = new Array<Awaited<ReturnType<typeof connectAmp>>>();
await parallel(Number(count), 64, async () => {
  peers.push(await connectAmp(address, { responders, timeoutMs: 120_000 }));
});
process.send?.(peers.length);
await once(process, "message");
let wrong = 0;
await Promise.all(
  peers.map(async (peer, index) => {
    try {
      for (let time = 0; time < TIMES; time++) await askBothWays(peer, index * TIMES + time);
    } catch (error) {
      console.error(error);
      wrong++;
    }
  }),
);
process.send?.(wrong);
await once(process, "message");
await Promise.all(peers.map((peer) => peer.close()));
process.disconnect();
