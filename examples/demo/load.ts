import { Client, RpcError } from "lamplighter";
import type { Checker } from "./checker.js";

/** The providers' interface, as the client sees it. */
interface Work {
  get(id: string): string;
  put(id: string): string;
}

/** Figures since the last {@link Load.takeFigures}. */
export interface Figures {
  calls: number;
  failed: number;
  repeated: number;
  /** Longest time without a success, in milliseconds. */
  longestGapMs: number;
}

/** A client that calls as fast as it can: three idempotent calls to one that is not. */
export class Load {
  readonly #client: Client;
  readonly #work;
  readonly #checker: Checker;
  readonly #inFlight: number;
  #workers: Promise<unknown> | undefined;
  #running = false;
  #next = 0;
  #lastSuccess = 0;
  #figures = emptyFigures();

  constructor(nameserver: string, checker: Checker, inFlight = 64) {
    this.#checker = checker;
    this.#inFlight = inFlight;
    this.#client = new Client({
      nameserver,
      balance: "round-robin",
      waitForMs: 10_000,
      onEvent: (event) => {
        if (event.type === "retry") this.#figures.repeated++;
      },
    });
    this.#work = this.#client.locate<Work>("demo.work");
  }

  /** Calls made in all. */
  get calls(): number {
    return this.#next;
  }

  /** Begins to call. */
  start(): void {
    this.#running = true;
    this.#lastSuccess = performance.now();
    this.#workers = Promise.all(Array.from({ length: this.#inFlight }, () => this.#run()));
  }

  /** Ends; settles when every call has settled. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#workers;
  }

  /** What has happened since this was asked last. */
  takeFigures(): Figures {
    this.#observeGap(performance.now());
    const figures = this.#figures;
    this.#figures = emptyFigures();
    return figures;
  }

  /** Closes the client. */
  close(): Promise<void> {
    return this.#client.close();
  }

  async #run(): Promise<void> {
    while (this.#running) await this.#call(this.#next++);
  }

  async #call(number: number): Promise<void> {
    const idempotent = number % 4 !== 0;
    const method = idempotent ? "get" : "put";
    const id = `${method}-${number}`;
    this.#figures.calls++;
    try {
      await this.#work[method](id);
      const now = performance.now();
      this.#observeGap(now);
      this.#lastSuccess = now;
      this.#checker.tell(id, { idempotent, outcome: "success" });
    } catch (error) {
      this.#figures.failed++;
      if (!RpcError.isRpcError(error)) throw error;
      this.#checker.tell(id, { idempotent, outcome: error.outcome, message: `${error.code} ${error.message}` });
    }
  }

  #observeGap(now: number): void {
    this.#figures.longestGapMs = Math.max(this.#figures.longestGapMs, now - this.#lastSuccess);
  }
}

function emptyFigures(): Figures {
  return { calls: 0, failed: 0, repeated: 0, longestGapMs: 0 };
}
