import { connectAmp, respond } from "lamplighter/amp";
import { MottoCommand, RepeatCommand, RepeatMottoCommand, TooOften } from "./commands.js";

await using peer = await connectAmp(process.argv[2] ?? "tcp://127.0.0.1:8000", {
  commands: { repeat: RepeatCommand, repeatMotto: RepeatMottoCommand },
  responders: respond(MottoCommand, () => ({ text: "onwards" })),
});

console.log((await peer.repeat({ text: "ding", times: 3 })).text);
try {
  await peer.repeat({ text: "ding", times: 1_000 });
} catch (error) {
  if (!(error instanceof TooOften)) throw error;
  console.log(`refused: ${error.message}`);
}
console.log((await peer.repeatMotto({ times: 2 })).text);
