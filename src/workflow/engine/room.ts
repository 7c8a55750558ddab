import type { RpcError } from "../../errors.js";
import type { Logger } from "../../util/log.js";
import { Suspended } from "./failure.js";

/** Whether there is room for what runs write down. While there is none they wait here, and try again from time to time. */
export class Room {
  readonly #log: Logger;
  readonly #pauseMs: number;
  #lack: string | undefined;
  #pause: Promise<void> | undefined;
  #endPause: (() => void) | undefined;
  #isClosed = false;

  /** @param pauseMs - between two tries */
  constructor(log: Logger, pauseMs = 1_000) {
    this.#log = log;
    this.#pauseMs = pauseMs;
  }

  /** Why nothing goes on; `undefined`: there is room. */
  get lack(): string | undefined {
    return this.#lack;
  }

  /** Something was written. */
  found(): void {
    if (this.#lack === undefined) return;
    this.#lack = undefined;
    this.#log.info("The journal can be written again: runs go on");
  }

  /**
   * Something could not be written. Settles when it is to be tried again.
   *
   * @throws Suspended when the service is closed meanwhile
   */
  async lacking(error: RpcError): Promise<void> {
    if (this.#lack === undefined) this.#log.error(`Runs wait: ${error.message}`);
    this.#lack = error.message;
    this.#pause ??= new Promise((resolve) => {
      const timer = setTimeout(() => this.#endPause?.(), this.#pauseMs);
      this.#endPause = () => {
        clearTimeout(timer);
        this.#pause = undefined;
        this.#endPause = undefined;
        resolve();
      };
    });
    if (this.#isClosed) this.#endPause?.();
    else await this.#pause;
    if (this.#isClosed) throw new Suspended();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#endPause?.();
  }
}
