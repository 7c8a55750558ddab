import type { PeerIdentity } from "../../transport/index.js";
import type { AnswerMessage, CallId } from "../../wire/message.js";
import type { AttachmentLimits, CallOrigin } from "../call-origin.js";
import type { CallerLoad } from "../caller-load.js";
import type { Dynamic, Remote } from "../remote.js";
import { discardSources } from "../streams/source.js";
import type { KeptAnswer } from "./encode-answer.js";

/** While nobody waits for the answer: calls are tried again on this wire only, and by whom is not known yet. */
export const NO_LIMITS: AttachmentLimits = { wire: "lamp", canStream: true, maxMessageBytes: Infinity };

/** Where a dispatcher knows a call: by what it came over, and its number there. */
export interface RunningCall {
  /** As {@link CallOrigin.connection}. */
  readonly connection: object;
  /** As the caller has numbered the try that is being carried out. */
  readonly id: CallId;
}

/**
 * A call whose answer goes another way than its first try came: that connection is gone. It keeps the answer, for this way
 * may break as well.
 */
export class RepeatedCall implements CallOrigin {
  /** It is no connection's any more. */
  readonly connection: object = this;
  readonly connectionName: string;
  /** `connection:number` of its first try. */
  readonly call: string;
  /** Where it runs, if it does. */
  readonly running: RunningCall;
  /** When it was heard of last, in milliseconds of the window's clock. */
  touchedAt = 0;
  /** The answer as a message, for whoever asks again. */
  kept: KeptAnswer | undefined;
  readonly #onAnswer: (repeated: RepeatedCall, answer: AnswerMessage) => void;
  #end: CallOrigin | undefined;
  #id: CallId = 0;

  /**
   * @param call - see {@link RepeatedCall.call}
   * @param id - the number under which it runs
   * @param connection - what it runs for; default: this
   * @param onAnswer - keeps the answer
   */
  constructor(
    call: string,
    id: CallId,
    connection: object | undefined,
    onAnswer: (repeated: RepeatedCall, answer: AnswerMessage) => void,
  ) {
    this.call = call;
    this.connectionName = call.slice(0, call.lastIndexOf(":"));
    this.running = { connection: connection ?? this, id };
    this.#onAnswer = onAnswer;
  }

  get label(): string | undefined {
    return this.#end?.label;
  }

  get identity(): PeerIdentity | undefined {
    return this.#end?.identity;
  }

  get load(): CallerLoad | undefined {
    return this.#end?.load;
  }

  get attachments(): AttachmentLimits {
    return this.#end?.attachments ?? NO_LIMITS;
  }

  /** Does its caller wait for it there? */
  isAwaitedAt(end: object, id?: CallId): boolean {
    return this.#end?.connection === end && (id === undefined || id === this.#id);
  }

  /** Its caller waits for the answer here from now on. */
  goesTo(end: CallOrigin, id: CallId): void {
    this.#end = end;
    this.#id = id;
  }

  respond(answer: AnswerMessage): void {
    this.#onAnswer(this, answer);
    if (this.#end) this.#end.respond({ ...answer, id: this.#id });
    else if (answer.kind === "result") discardSources(answer.result);
  }

  peer(interfaceName?: string): Remote<Dynamic> {
    const end = this.#end;
    if (end) return end.peer(interfaceName);
    throw new Error("A call that nobody waits for is not being served");
  }
}
