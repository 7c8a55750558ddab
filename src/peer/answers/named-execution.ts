import type { PeerIdentity } from "../../transport/index.js";
import type { Linked } from "../../util/linked-list.js";
import type { AnswerMessage, CallId, Frames } from "../../wire/message.js";
import type { Wire } from "../../wire/wire.js";
import type { AttachmentLimits, CallOrigin } from "../call-origin.js";
import type { CallerLoad } from "../caller-load.js";
import type { Dynamic, Remote } from "../remote.js";
import { discardSources } from "../streams/source.js";
import type { NamedCaller } from "./named-caller.js";
import { NO_LIMITS } from "./repeated-call.js";

/** The end of a connection at which somebody waits for the answers to named calls. */
export interface NamedWaiter {
  /** Where answers go. */
  readonly end: CallOrigin;
  /** What they are written in. */
  readonly wire: Wire;
  /** Is the connection gone? */
  readonly isLost: boolean;
  /** The answer to a call will stand in the message that leaves next, which is to be kept. */
  noteAnswer(execution: NamedExecution): void;
  /** It will not, after all. */
  dropAnswer(execution: NamedExecution): void;
}

/** A message with answers to named calls. */
export class NamedAnswers {
  /** As it was sent. */
  readonly frames: Frames;
  readonly bytes: number;
  /** Answers in it that are kept. */
  count = 0;

  constructor(frames: Frames, bytes: number) {
    this.frames = frames;
    this.bytes = bytes;
  }
}

/** What keeps the answers. */
export interface NamedExecutions {
  /** A call is being answered. Returns whether the answer is to be kept. */
  ended(execution: NamedExecution, answer: AnswerMessage): boolean;
  /** It was answered, and nobody is there to whom the answer could be sent. */
  keepLate(execution: NamedExecution, answer: AnswerMessage): void;
}

/**
 * A named call that is being carried out, or was: not for a connection, for its caller means to come back over another one, but for
 * whoever asks for it.
 */
export class NamedExecution implements CallOrigin, Linked {
  previous: this | undefined = undefined;
  next: this | undefined = undefined;
  /** It is no connection's. */
  readonly connection: object = this;
  readonly caller: NamedCaller;
  readonly number: number;
  /** Under which number it runs. */
  readonly runningId: CallId;
  /** Was it asked for before it was carried out? Then nothing that arrives later may be carried out under its name. */
  readonly isAsked: boolean;
  /** `gone`: it is of no interest any more. */
  state: "running" | "answered" | "gone" = "running";
  /** The answer, until it has left. */
  leaving: AnswerMessage | undefined = undefined;
  /** The answer, when it has left; absent of one that cannot be given again, or was no more than a refusal. */
  message: NamedAnswers | undefined = undefined;
  /** Was it not carried out after all? */
  isRefused = false;
  /** Where somebody waits for it. */
  waiter: NamedWaiter | undefined;
  /** Its number there. */
  id: CallId;
  /** Its number in {@link NamedExecution.message}. */
  keptId: CallId = 0;
  readonly #owner: NamedExecutions;

  constructor(
    owner: NamedExecutions,
    caller: NamedCaller,
    number: number,
    { waiter, id, isAsked }: { readonly waiter: NamedWaiter; readonly id: CallId; readonly isAsked: boolean },
  ) {
    this.#owner = owner;
    this.caller = caller;
    this.number = number;
    this.runningId = id;
    this.isAsked = isAsked;
    this.waiter = waiter;
    this.id = id;
  }

  get connectionName(): string {
    return this.caller.name;
  }

  get label(): string | undefined {
    return this.waiter?.end.label;
  }

  get identity(): PeerIdentity | undefined {
    return this.waiter?.end.identity;
  }

  get load(): CallerLoad | undefined {
    return this.waiter?.end.load;
  }

  get attachments(): AttachmentLimits {
    return this.waiter?.end.attachments ?? NO_LIMITS;
  }

  /** Its caller waits for the answer here from now on. */
  goesTo(waiter: NamedWaiter, id: CallId): void {
    this.waiter = waiter;
    this.id = id;
  }

  respond(answer: AnswerMessage): void {
    const { waiter, id } = this;
    const isKept = this.#owner.ended(this, answer);
    if (!waiter || waiter.isLost) {
      if (isKept) this.#owner.keepLate(this, answer);
      if (answer.kind === "result") discardSources(answer.result);
      return;
    }
    const told = answer.id === id ? answer : { ...answer, id };
    // It may leave at once.
    if (isKept) {
      this.leaving = told;
      waiter.noteAnswer(this);
    }
    try {
      waiter.end.respond(told);
    } catch (error) {
      if (isKept) waiter.dropAnswer(this);
      throw error;
    }
  }

  peer(interfaceName?: string): Remote<Dynamic> {
    const end = this.waiter?.end;
    if (end) return end.peer(interfaceName);
    throw new Error("A call that nobody waits for is not being served");
  }
}
