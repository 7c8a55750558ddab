import { type RpcError, rpcError } from "../errors.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { AnswerMessage } from "../wire/message.js";
import { ServerCall } from "./call-context.js";
import type { AttachmentLimits, CallOrigin } from "./call-origin.js";
import type { Channel } from "./channel.js";
import type { Dispatcher } from "./dispatcher.js";
import { callMessage, type PendingCall, PendingCalls } from "./pending-calls.js";
import type { HeldReference } from "./references/held-reference.js";
import { discardSources, discardUnusedSources, holdsSources } from "./streams/source.js";
import { watchSources } from "./streams/watch-sources.js";

/** The address that stands for this process. PyCOM: `"local"` (docs/pycom-wire.md, section 16.1). */
export const LOCAL_ADDRESS = "local";

/** Dispatchers of the hosts that run in this process. */
const dispatchers = new Set<Dispatcher>();

/** Makes a host's interfaces callable in this process, until the returned function is called. */
export function offerLocally(dispatcher: Dispatcher): () => void {
  dispatchers.add(dispatcher);
  return () => {
    dispatchers.delete(dispatcher);
  };
}

/** Does any host of this process provide the interface? */
export function isOfferedLocally(interfaceName: string): boolean {
  return findDispatcher(interfaceName) !== undefined;
}

function findDispatcher(interfaceName: string): Dispatcher | undefined {
  for (const dispatcher of dispatchers) if (dispatcher.interfaces.has(interfaceName)) return dispatcher;
  return undefined;
}

/** What is not sent has no size. */
const NO_LIMITS: AttachmentLimits = { wire: LOCAL_ADDRESS, canStream: true, maxMessageBytes: Infinity };

/** Calls to hosts of the same process: the same rules, nothing is serialised. */
export class LocalChannel implements Channel {
  readonly address: string = LOCAL_ADDRESS;
  /** Nothing can break. */
  readonly identity = undefined;
  readonly takesKeywords = false;
  readonly attachments: AttachmentLimits = NO_LIMITS;
  readonly #wheel: DeadlineWheel;
  readonly #pending: PendingCalls;
  /** Stands for this channel at dispatchers. */
  readonly #origin: CallOrigin;
  /** Calls whose arguments hold streams, and that are not over, by their number. */
  readonly #streaming = new Map<number, PendingCall>();
  #closed: RpcError | undefined;

  constructor(wheel: DeadlineWheel) {
    this.#wheel = wheel;
    this.#pending = new PendingCalls(wheel, (call) => {
      this.#giveUp(call, "The caller has given the call up");
    });
    this.#origin = {
      connection: this,
      label: undefined,
      connectionName: undefined,
      attachments: NO_LIMITS,
      respond: (answer) => {
        this.#respond(answer);
      },
      peer: () => {
        throw rpcError(
          "CONFIGURATION",
          "The caller is in this process and exposes nothing; hand it over as an argument",
        );
      },
    };
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  get closedReason(): RpcError | undefined {
    return this.#closed;
  }

  get pending(): number {
    return this.#pending.size;
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  get calls(): number {
    return this.#pending.lastId;
  }

  /** Functions and objects are handed over as they are. */
  references(): Iterable<HeldReference> {
    return [];
  }

  now(): number {
    return this.#wheel.now();
  }

  whenOpen(): Promise<void> {
    return this.#closed ? Promise.reject(this.#closed) : Promise.resolve();
  }

  send(call: PendingCall): void {
    const dispatcher = findDispatcher(call.interface);
    if (!dispatcher || this.#closed) {
      call.failed(this.#closed ?? rpcError("SERVICE_NOT_FOUND", `No host of this process provides ${call.interface}`));
      return;
    }
    call.id = this.#pending.nextId();
    call.timeoutMs = call.deadlineAt - call.sentAt;
    if (call.isOneWay) call.answered({ kind: "result", id: call.id, result: undefined });
    else this.#pending.add(call);
    if (holdsSources(call.args)) {
      call.isOneShot = true;
      this.#streaming.set(call.id, call);
    }
    // What the service changes in the extensions must not show through to the caller.
    const extensions = call.extensions && { ...call.extensions };
    dispatcher.dispatch({ ...callMessage(call), extensions }, this.#origin, performance.now());
  }

  #respond(answer: AnswerMessage): void {
    if (typeof answer.id !== "number") return;
    const streaming = this.#streaming.get(answer.id);
    if (answer.kind === "error") {
      this.#streaming.delete(answer.id);
      if (streaming) discardSources(streaming.args);
      this.#pending.settle(answer.id, answer);
      return;
    }
    const { id, origin: call, result } = answer;
    const over = (): void => {
      if (this.#streaming.delete(id)) discardUnusedSources(streaming?.args);
      if (call instanceof ServerCall) call.over();
    };
    // Streams of the answer may go on from those of the arguments, for as long as their reader likes.
    const isWatched = this.#pending.has(id) && (streaming !== undefined || hasMore(call)) && holdsSources(result);
    if (!isWatched) {
      if (!this.#pending.settle(id, answer)) discardSources(result);
      over();
      return;
    }
    if (call instanceof ServerCall) call.outlive();
    this.#pending.settle(id, { ...answer, result: watchSources(result, over) });
  }

  /** Nobody waits for the answer any more. */
  #giveUp(call: PendingCall, text: string): void {
    findDispatcher(call.interface)?.cancel(this, call.id, rpcError("CANCELLED", text, { outcome: "executed" }));
    if (this.#streaming.delete(call.id)) discardSources(call.args);
  }

  canFollow(): boolean {
    return false;
  }

  close(reason?: RpcError): void {
    if (this.#closed) return;
    this.#closed = reason ?? rpcError("CLOSED", "The client was closed");
    this.#pending.giveUpAll("closed", this.#closed);
    for (const call of [...this.#streaming.values()]) this.#giveUp(call, "The caller is gone");
  }
}

/** Is anything of the call to be ended after its answer? */
function hasMore(call: unknown): boolean {
  return call instanceof ServerCall && call.onOver !== undefined;
}
