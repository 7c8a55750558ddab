import { listen, respond } from "lamplighter/amp";
import { MottoCommand, RepeatCommand, RepeatMottoCommand, TooOften } from "./commands.js";

const server = await listen(process.argv[2] ?? "tcp://127.0.0.1:8000", [
  respond(RepeatCommand, ({ text, times }) => {
    // The command declares this class, so the caller gets one, and the connection stays.
    if (times > 100) throw new TooOften(`${times} times is too often`);
    return { text: text.repeat(times) };
  }),
  // Whoever calls is called back, while it waits.
  respond(RepeatMottoCommand, async ({ times }, { peer }) => {
    const { text } = await peer.callRemote(MottoCommand);
    return { text: text.repeat(times) };
  }),
]);

console.log(`ready ${server.address}`);
process.once("SIGTERM", () => void server.close());
process.once("SIGINT", () => void server.close());
