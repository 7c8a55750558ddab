import type { Wire } from "../wire.js";
import { PseudCodec, type PseudCodecOptions } from "./codec.js";
import { ErrorNames } from "./error-names.js";
import { isMessage } from "./format.js";
import { TranslationTable } from "./translation-table.js";

/**
 * A Python peer stops reading for good at an answer to a call that it has given up, which it does after 5 s unless told
 * otherwise. Half a second is for the way.
 */
export const LATEST_ANSWER_MS = 4_500;

/** Options of {@link createPseudWire}; what is not said is as for any endpoint. */
export type PseudWireOptions = { readonly [K in keyof PseudCodecOptions]?: PseudCodecOptions[K] | undefined };

/**
 * Pseud v1 (docs/pseud-wire.md): both ends call, arguments in order and by name, Python's values.
 *
 * @param options - those of an endpoint; default those of any
 */
export function createPseudWire(options: PseudWireOptions = {}): Wire {
  const {
    translations = new TranslationTable(),
    errorNames = new ErrorNames(),
    latestAnswerMs = LATEST_ANSWER_MS,
  } = options;
  return {
    name: "pseud",
    abilities: { callsBack: true, takesKeywords: true, latestAnswerMs },
    recognises: isMessage,
    open: (limits) => new PseudCodec({ translations, errorNames, latestAnswerMs }, limits),
  };
}

/** The one that hosts and clients speak. */
export const pseudWire: Wire = createPseudWire();
