/**
 * What `npm run endure:amp` calls: prints `ready ADDRESS`, and tells its memory and how many are connected to whoever asks over the
 * channel of its fork.
 */
import { listen } from "../../build/compat/amp/index.js";
import { memoryInUse } from "../endure/memory.js";
import { responders } from "./endure-commands.js";

/** Little, so that who never reads need not be sent much. */
const MAX_QUEUED_BYTES = 4 * 2 ** 20;

const server = await listen("tcp://127.0.0.1:0", responders, { maxQueuedBytes: MAX_QUEUED_BYTES });
process.on("message", () => process.send?.({ bytes: memoryInUse(), peers: server.peers.length }));
process.on("disconnect", () => void server.close().then(() => process.exit()));
console.log(`ready ${server.address}`);
