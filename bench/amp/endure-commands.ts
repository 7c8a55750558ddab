import { type AmpPeer, bytes, defineCommand, integer, respond } from "../../build/compat/amp/index.js";
import { Sum } from "./sum.js";

/** Asks whoever asks for the same sum, and answers with what it gets: one call in each direction. */
export const Back = defineCommand({
  name: "Back",
  arguments: { a: integer(), b: integer() },
  response: { total: integer() },
});

/** Answers with much more than was asked. */
export const Much = defineCommand({ name: "Much", arguments: { size: integer() }, response: { data: bytes() } });

/** What both ends answer. */
export const responders = [
  respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) })),
  respond(Back, (args, { peer }) => peer.callRemote(Sum, args)),
  respond(Much, ({ size }) => ({ data: new Uint8Array(Number(size)) })),
];

/** Asks, and has the other end ask; throws for a wrong answer. */
export async function askBothWays(peer: AmpPeer, n: number): Promise<void> {
  for (const command of [Sum, Back]) {
    const { total } = await peer.callRemote(command, { a: n, b: 1 });
    if (total !== n + 1) throw new Error(`${command.name}: ${n} + 1 is not ${total}`);
  }
}
