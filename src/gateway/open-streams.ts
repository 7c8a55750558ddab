import type { ServerResponse } from "node:http";
import { rpcError } from "../errors.js";

/** Answers without end that are open, all together bounded, and ended with the gateway. */
export class OpenStreams {
  readonly #max: number;
  readonly #open = new Set<ServerResponse>();
  #isClosed = false;

  /** @param max - that may be open at a time */
  constructor(max: number) {
    this.#max = max;
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Counts an answer until it is over.
   *
   * @throws RpcError `OVERLOADED` when there are too many, `DRAINING` when the gateway closes
   */
  add(response: ServerResponse): void {
    if (this.#isClosed) throw rpcError("DRAINING", "The gateway is closing", { outcome: "not-executed" });
    if (this.#open.size >= this.#max) {
      throw rpcError("OVERLOADED", `The gateway has ${this.#max} streams open, which is its limit`);
    }
    if (response.destroyed) return;
    this.#open.add(response);
    response.once("close", () => {
      this.#open.delete(response);
    });
  }

  /** Ends them all; no more are taken. */
  close(): void {
    this.#isClosed = true;
    for (const response of this.#open) {
      // What has not begun has nothing that could be ended in order.
      if (response.headersSent) response.end();
      else response.destroy();
    }
  }
}
