import { workerData } from "node:worker_threads";
import { zmtpTransport } from "../../transport/zmtp/index.js";
import { type FromThread, portable, type SyncThreadData, type ToThread, Word } from "./sync-channel.js";
import { SyncLine } from "./sync-line.js";

/*
 * The program of the thread behind a blocking client. It is loaded before the first call can be made, so it imports the connection
 * and nothing else: no codec, no dispatcher, no libzmq.
 */
const data = workerData as SyncThreadData;
const { port, words } = data;

function tell(message: FromThread): void {
  if (message.kind === "answer") {
    const { frames, handedOver } = portable(message.frames);
    port.postMessage({ ...message, frames }, handedOver);
  } else port.postMessage(message);
  Atomics.add(words, Word.told, 1);
  Atomics.notify(words, Word.told);
}

const line = new SyncLine(data, zmtpTransport, tell);

port.on("message", (message: ToThread) => {
  if (message.kind === "call") {
    line.call(message);
    return;
  }
  line.close();
  port.close();
});
