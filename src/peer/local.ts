import { type RpcError, rpcError } from "../errors.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { AnswerMessage } from "../wire/message.js";
import { ServerCall } from "./call-context.js";
import type { AttachmentLimits, CallOrigin } from "./call-origin.js";
import type { Channel } from "./channel.js";
import type { Dispatcher } from "./dispatcher.js";
import { callMessage, type PendingCall, PendingCalls } from "./pending-calls.js";
import type { HeldReference } from "./references/held-reference.js";
import { discardSources, holdsSources } from "./streams/source.js";

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
  readonly attachments: AttachmentLimits = NO_LIMITS;
  readonly #wheel: DeadlineWheel;
  readonly #pending: PendingCalls;
  /** Stands for this channel at dispatchers. */
  readonly #origin: CallOrigin;
  #closed: RpcError | undefined;

  constructor(wheel: DeadlineWheel) {
    this.#wheel = wheel;
    this.#pending = new PendingCalls(wheel, (call) => {
      const reason = rpcError("CANCELLED", "The caller has given the call up", { outcome: "executed" });
      findDispatcher(call.interface)?.cancel(this, call.id, reason);
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
    // What the service changes in the extensions must not show through to the caller.
    const extensions = call.extensions && { ...call.extensions };
    dispatcher.dispatch({ ...callMessage(call), extensions }, this.#origin, performance.now());
  }

  #respond(answer: AnswerMessage): void {
    const isWanted = typeof answer.id === "number" && this.#pending.settle(answer.id, answer);
    if (answer.kind === "error") return;
    if (!isWanted) discardSources(answer.result);
    // Streams of the answer may go on from those of the arguments, for as long as their reader likes.
    else if (answer.origin instanceof ServerCall && answer.origin.onOver && holdsSources(answer.result)) {
      answer.origin.outlive();
    }
  }

  canFollow(): boolean {
    return false;
  }

  close(reason?: RpcError): void {
    if (this.#closed) return;
    this.#closed = reason ?? rpcError("CLOSED", "The client was closed");
    this.#pending.giveUpAll("closed", this.#closed);
  }
}
