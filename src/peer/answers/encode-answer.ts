import { rpcError } from "../../errors.js";
import type { AnswerMessage, ErrorMessage, Frames } from "../../wire/message.js";
import type { BatchingCodec, Wire } from "../../wire/wire.js";
import { errorAnswer } from "../failures.js";

/** An answer as it is kept. */
export interface KeptAnswer {
  /** The message. */
  readonly frames: Frames;
  /** Does it only say that the answer could not be kept? */
  readonly isLost: boolean;
}

/**
 * Writes an answer as a message of its own, with 0 for its call's number. Where it cannot be kept, for it holds streams or
 * references or is too large, what is written says so.
 */
export function encodeAnswer(wire: Wire, answer: AnswerMessage, maxMessageBytes: number): KeptAnswer {
  const encode = (message: AnswerMessage, limit: number): Frames => {
    const codec = wire.open({ maxMessageBytes: limit }) as BatchingCodec;
    codec.add({ ...message, id: 0 });
    return codec.take(0);
  };
  try {
    return { frames: encode(answer, maxMessageBytes), isLost: false };
  } catch {
    return { frames: encode(lostAnswer(), Infinity), isLost: true };
  }
}

/** The answer to a call whose answer cannot be given a second time. */
export function lostAnswer(): ErrorMessage {
  const text =
    "The call was executed, and the connection broke before its answer arrived; that held streams or references, or was too large to be kept";
  return errorAnswer(rpcError("REFERENCE_LOST", text), "executed");
}
