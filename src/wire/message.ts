import type { ErrorCode, Outcome, RemoteErrorInfo } from "../errors.js";

/** The parts of one message, in order, without addressing that belongs to the link. */
export type Frames = readonly Uint8Array[];

/**
 * What ties an answer to its call. The caller's end chooses numbers; the answering end keeps what it got (on PyCOM's
 * wire the whole return envelope) and hands it back untouched.
 */
export type CallId = number | Frames;

/** Free-form members beside a call or an answer, keyed by dotted names (docs/pycom-wire.md, section 9). */
export type Extensions = Record<string, unknown>;

/** One call of one method. */
export interface CallMessage {
  /** Tells the messages apart. */
  readonly kind: "call";
  /** Ties the answer to the call. */
  readonly id: CallId;
  /** Dotted name of the interface; `""` for whichever has the method. */
  readonly interface: string;
  /** Name of the method; may contain dots. `""` with a reference to a function. */
  readonly method: string;
  /** What is called, instead of an interface: the number of a reference at its owner. */
  readonly reference?: number | undefined;
  /**
   * What is called, instead of an interface: the result of a call that was sent in the same batch. `method` is the way from
   * there, names with dots between.
   */
  readonly promised?: number | undefined;
  /** With `promised`: the value at the end of the way is wanted, and nothing is called. */
  readonly isGet?: boolean | undefined;
  /** Is no answer wanted? Only on wires where both ends call. */
  readonly isOneWay?: boolean | undefined;
  /** Are the arguments a list in order? Only on wires where both ends call. */
  readonly isPositional?: boolean | undefined;
  /** The arguments in the wire's own shape; `null` for none. */
  readonly args: unknown;
  /** The session to attach; `undefined` for none. */
  readonly sessionId?: string | undefined;
  /** Absent and empty mean the same. */
  readonly extensions?: Extensions | undefined;
  /** Raw bytes beside the arguments. Empty is not the same as absent. */
  readonly attachment?: Uint8Array | undefined;
  /**
   * The caller's deadline, in a form that needs no common clock: milliseconds that were left when the call was sent. Absent
   * from peers that do not tell, and where the wire has no place for it.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * When it was sent, in milliseconds of any clock of the caller's that runs steadily. The smallest difference to the time
   * of arrival stands for the way; what a call takes longer, it has waited.
   */
  readonly sentAt?: number | undefined;
  /** What is known of earlier tries; absent: this is the first. Only on wires where both ends call. */
  readonly again?: EarlierTry | undefined;
}

/** A call is tried again, for the connection broke before its answer came: what the callee needs to carry it out once. */
export interface EarlierTry {
  /** Which call it is: `connection:number` of its first try, or as its caller has named it. */
  readonly call: string;
  /** The run of the host that got that try, where the caller knows it. */
  readonly incarnation: string | undefined;
  /** The journal in which that host keeps its `once` calls, where it has one. */
  readonly journal?: string | undefined;
  /** How long ago it was sent first, in milliseconds. */
  readonly ageMs: number;
  /** Does the caller hold that the call may be executed twice? */
  readonly idempotent?: boolean | undefined;
  /** There was no earlier try: the call is only named, so that it may be asked for later. */
  readonly isFirst?: boolean | undefined;
  /**
   * Of a call whose caller names it, `NAME:NUMBER`: nobody will ask for calls of the same NAME with this NUMBER or a lower one; 0 for none.
   * `undefined` for calls that are named by their connection.
   */
  readonly taken?: number | undefined;
}

/** A call in words; where no interface is named, by its method alone. */
export function callName({ interface: name, method }: { readonly interface: string; readonly method: string }): string {
  return name === "" ? method : `${name}.${method}`;
}

/** Bytes of all frames together. */
export function sizeOf(frames: Frames): number {
  let bytes = 0;
  for (const frame of frames) bytes += frame.byteLength;
  return bytes;
}

/** The answer of a method that succeeded. */
export interface ResultMessage {
  /** Tells the messages apart. */
  readonly kind: "result";
  /** Ties the answer to the call. */
  readonly id: CallId;
  /** The result in the wire's own shape. */
  readonly result: unknown;
  /** The session that is attached, for stateful interfaces. */
  readonly sessionId?: string | undefined;
  /** Absent and empty mean the same. */
  readonly extensions?: Extensions | undefined;
  /** Raw bytes beside the result. Empty is not the same as absent. */
  readonly attachment?: Uint8Array | undefined;
  /** The call that it answers, where it was served; does not travel. */
  readonly origin?: unknown;
}

/** The answer to a call that failed, wherever it failed. */
export interface ErrorMessage {
  /** Tells the messages apart. */
  readonly kind: "error";
  /** Ties the answer to the call. */
  readonly id: CallId;
  /** What happened. */
  readonly code: ErrorCode;
  /** The number on PyCOM's wire; a service's own numbers travel with code `UNKNOWN`. */
  readonly number: number;
  /** What the answering end knows of the execution. */
  readonly outcome: Outcome;
  /** Does the caller understand outcomes? If not, wires that have none of their own say only what others expect. */
  readonly tellOutcome?: boolean | undefined;
  /** Text, and whatever else the wire carries of the error. */
  readonly remote: RemoteErrorInfo;
  /** What people are told instead of the text that came, where that says too little; does not travel. */
  readonly text?: string | undefined;
  /** What was thrown, where the call was served, for protocols that know more of it; does not travel. */
  readonly thrown?: unknown;
  /** The session that is attached, for stateful interfaces. */
  readonly sessionId?: string | undefined;
  /** Absent and empty mean the same. */
  readonly extensions?: Extensions | undefined;
}

/** What an end says of itself, first of all, on wires where both ends call. */
export interface HelloMessage {
  /** Tells the messages apart. */
  readonly kind: "hello";
  /** Versions of the wire that it speaks, the lowest and the highest. */
  readonly versions: readonly [number, number];
  /** Random id of one run of one process. */
  readonly incarnation: string;
  /** Random id of the connection, by which its calls are known when they are tried again over another one. */
  readonly connection?: string | undefined;
  /** Largest message that it takes, in bytes. */
  readonly maxMessageBytes: number;
}

/** The caller gives a call up: its answer is of no use any more. */
export interface CancelMessage {
  /** Tells the messages apart. */
  readonly kind: "cancel";
  /** The call. */
  readonly id: CallId;
}

/** A question whether the other end's program is alive, and the answer to it. */
export interface PingMessage {
  /** Tells the messages apart. */
  readonly kind: "ping" | "pong";
  /** Comes back as it was sent. */
  readonly token: number;
}

/** The sender closes the connection, and says why. */
export interface GoodbyeMessage {
  /** Tells the messages apart. */
  readonly kind: "goodbye";
  /** What happened. */
  readonly code: ErrorCode;
  /** The same for people. */
  readonly text: string;
}

/** An item of a stream, from its sender. */
export interface ItemMessage {
  /** Tells the messages apart. */
  readonly kind: "item";
  /** The stream's number at its sending end. */
  readonly stream: number;
  /** In the wire's shape. */
  readonly value: unknown;
  /** Its size as it came, about; does not travel. */
  readonly bytes?: number | undefined;
}

/** The end of a stream, from its sender. */
export interface EndMessage {
  /** Tells the messages apart. */
  readonly kind: "end";
  /** The stream's number at its sending end. */
  readonly stream: number;
  /** Why it failed; absent: it ended in order. */
  readonly error?: Pick<ErrorMessage, "code" | "number" | "remote"> | undefined;
}

/** The receiver of a stream has room for more items. */
export interface CreditMessage {
  /** Tells the messages apart. */
  readonly kind: "credit";
  /** The stream's number at its sending end. */
  readonly stream: number;
  /** Items that were taken since it was said last. */
  readonly items: number;
}

/** The receiver of a stream wants no more of it. */
export interface StopMessage {
  /** Tells the messages apart. */
  readonly kind: "stop";
  /** The stream's number at its sending end. */
  readonly stream: number;
}

/** Something that was received as a reference is let go. */
export interface ReleaseMessage {
  /** Tells the messages apart. */
  readonly kind: "release";
  /** Its number at its owner. */
  readonly reference: number;
  /** How often it had been received. */
  readonly count: number;
}

/** What is said of streams. */
export type StreamMessage = ItemMessage | EndMessage | CreditMessage | StopMessage;

/** What ends tell each other besides calls and answers, on wires that have it. */
export type ControlMessage =
  | HelloMessage
  | CancelMessage
  | PingMessage
  | GoodbyeMessage
  | ReleaseMessage
  | StreamMessage;

/** What answers a call. */
export type AnswerMessage = ResultMessage | ErrorMessage;

/** Everything that crosses a link. */
export type Message = CallMessage | AnswerMessage | ControlMessage;
