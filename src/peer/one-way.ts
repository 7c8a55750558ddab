import type { AnswerMessage, CallId } from "../wire/message.js";
import type { CallOrigin } from "./call-origin.js";
import { DelegatedOrigin } from "./delegated-origin.js";
import { discardSources } from "./streams/source.js";

/** Where a call has come from whose caller wants no answer. */
export class OneWay extends DelegatedOrigin {
  readonly #onAnswer: ((id: CallId) => void) | undefined;

  /** @param onAnswer - told when the method is done */
  constructor(end: CallOrigin, onAnswer?: (id: CallId) => void) {
    super(end);
    this.#onAnswer = onAnswer;
  }

  /** Nobody waits for it. What failed is in the log, where the dispatcher puts it. */
  respond(answer: AnswerMessage): void {
    if (answer.kind === "result") discardSources(answer.result);
    this.#onAnswer?.(answer.id);
  }
}
