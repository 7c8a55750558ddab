import { type RpcError, rpcError } from "../errors.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { ServerCall } from "./call-context.js";
import type { Channel } from "./channel.js";
import type { Dispatcher } from "./dispatcher.js";
import { type PendingCall, PendingCalls } from "./pending-calls.js";

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

/** Calls to hosts of the same process: the same rules, nothing is serialised. */
export class LocalChannel implements Channel {
  readonly address: string = LOCAL_ADDRESS;
  readonly #wheel: DeadlineWheel;
  readonly #pending: PendingCalls;
  readonly #serving = new Map<number, ServerCall>();
  #closed: RpcError | undefined;

  constructor(wheel: DeadlineWheel) {
    this.#wheel = wheel;
    this.#pending = new PendingCalls(wheel, (call) => {
      this.#serving
        .get(call.id)
        ?.abort(rpcError("CANCELLED", "The caller has given the call up", { outcome: "executed" }));
      this.#serving.delete(call.id);
    });
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

  get calls(): number {
    return this.#pending.lastId;
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
    const id = this.#pending.nextId();
    call.id = id;
    call.sentAt = this.#wheel.now();
    this.#pending.add(call);
    const now = performance.now();
    const running = dispatcher.dispatch(
      {
        kind: "call",
        id,
        interface: call.interface,
        method: call.method,
        args: call.args,
        sessionId: call.sessionId,
        extensions: call.extensions && { ...call.extensions },
        attachment: call.attachment,
        timeoutMs: call.deadlineAt - call.sentAt,
        sentAt: now,
      },
      (answer) => {
        this.#serving.delete(id);
        this.#pending.settle(id, answer);
      },
      now,
    );
    if (running) this.#serving.set(id, running);
  }

  close(reason?: RpcError): void {
    if (this.#closed) return;
    this.#closed = reason ?? rpcError("CLOSED", "The client was closed");
    this.#pending.giveUpAll("closed", this.#closed);
  }
}
