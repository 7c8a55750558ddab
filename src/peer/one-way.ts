import type { PeerIdentity } from "../transport/index.js";
import type { AnswerMessage, CallId } from "../wire/message.js";
import type { AttachmentLimits, CallOrigin } from "./call-origin.js";
import type { CallerLoad } from "./caller-load.js";
import type { Dynamic, Remote } from "./remote.js";
import { discardSources } from "./streams/source.js";

/** Where a call has come from whose caller wants no answer. */
export class OneWay implements CallOrigin {
  readonly connection: object;
  readonly label: string | undefined;
  /** Nobody tries it again. */
  readonly connectionName = undefined;
  readonly #end: CallOrigin;
  readonly #onAnswer: ((id: CallId) => void) | undefined;

  /** @param onAnswer - told when the method is done */
  constructor(end: CallOrigin, onAnswer?: (id: CallId) => void) {
    this.connection = end.connection;
    this.label = end.label;
    this.#end = end;
    this.#onAnswer = onAnswer;
  }

  get identity(): PeerIdentity | undefined {
    return this.#end.identity;
  }

  get load(): CallerLoad | undefined {
    return this.#end.load;
  }

  get attachments(): AttachmentLimits {
    return this.#end.attachments;
  }

  /** Nobody waits for it. What failed is in the log, where the dispatcher puts it. */
  respond(answer: AnswerMessage): void {
    if (answer.kind === "result") discardSources(answer.result);
    this.#onAnswer?.(answer.id);
  }

  peer(interfaceName?: string): Remote<Dynamic> {
    return this.#end.peer(interfaceName);
  }
}
