import type { RpcError } from "../../errors.js";
import type { Linked } from "../../util/linked-list.js";
import type { AmpDialect, AskMessage } from "../../wire/amp/index.js";
import type { BoxResponder, ResponderContext } from "./locator.js";
import type { AmpPeer } from "./peer.js";

/** A request of the other end that runs. */
export class RunningAsk implements ResponderContext, Linked {
  previous?: this | undefined;
  next?: this | undefined;
  /** Was it answered, or given up? */
  isOver = false;
  /** Octets of its box, once it is known to run for a while. */
  bytes = 0;
  readonly ask: AskMessage;
  readonly responder: BoxResponder;
  readonly peer: AmpPeer;
  readonly dialect: AmpDialect;
  #controller: AbortController | undefined;
  #ended: RpcError | undefined;

  constructor(ask: AskMessage, responder: BoxResponder, peer: AmpPeer, dialect: AmpDialect) {
    this.ask = ask;
    this.responder = responder;
    this.peer = peer;
    this.dialect = dialect;
  }

  get command(): string {
    return this.ask.command;
  }

  get isAsked(): boolean {
    return this.ask.tag !== undefined;
  }

  /** Made for whoever looks at it: most do not. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#ended) this.#controller.abort(this.#ended);
    }
    return this.#controller.signal;
  }

  /** Nobody waits for its answer any more. */
  abort(reason: RpcError): void {
    this.#ended = reason;
    this.#controller?.abort(reason);
  }
}
