import type { Wire } from "../wire.js";
import { isBatch, LampCodec } from "./codec.js";
import { readAnswers } from "./read-answers.js";

/**
 * Between two Lamplighter peers (docs/lamp-wire.md): both ends call, values keep their types, everything written in one
 * turn of the event loop shares a message.
 */
export const lampWire: Wire = {
  name: "lamp",
  abilities: { callsBack: true, converses: true, refers: true, batches: true, repeats: true },
  recognises: ([head]) => head !== undefined && isBatch(head),
  open: (limits, referrer) => new LampCodec(limits, referrer),
  readAnswers,
};
