import { rpcError } from "../../errors.js";
import { Ring } from "../../util/ring.js";
import type { RunProgress } from "../control.js";

/** Somebody who follows one run, or all of them. What they have not taken yet waits, in limited numbers. */
export class RunWatch {
  readonly #waiting = new Ring<RunProgress>();
  #wake: (() => void) | undefined;
  #isOver = false;
  #isOverrun = false;

  /** Something has happened. */
  push(progress: RunProgress): void {
    if (this.#isOver) return;
    if (this.#waiting.size >= MAX_WAITING) {
      this.#isOverrun = true;
      this.end();
    } else {
      this.#waiting.push(progress);
      this.#wake?.();
    }
  }

  /** Nothing more will happen. */
  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** @throws RpcError with code OVERLOADED when too much has waited to be taken */
  async *[Symbol.asyncIterator](): AsyncGenerator<RunProgress, undefined> {
    for (;;) {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) yield next;
      if (this.#isOverrun) {
        throw rpcError("OVERLOADED", `More than ${MAX_WAITING} events of runs waited to be taken`, {
          outcome: "executed",
        });
      }
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

const MAX_WAITING = 10_000;
