import { setTimeout as pause } from "node:timers/promises";
import { type BalanceStrategy, Client, type Component, type Outcome, RpcError } from "lamplighter";
import { type PlannedCall, patient } from "./calls.js";
import type { Checker } from "./checker.js";

/** Figures since the last {@link Load.takeFigures}. */
export interface Figures {
  calls: number;
  failed: number;
  repeated: number;
  /** Longest time without a success, in milliseconds. */
  longestGapMs: number;
  /** Failed calls by what was told of them. */
  readonly outcomes: Record<Outcome, number>;
}

/** Options of {@link Load}. */
export interface LoadOptions {
  /** Calls under way at the same time; default 64. */
  readonly inFlight?: number;
  /** How calls are spread over the providers; default: the client's own, one provider for as long as it lasts. */
  readonly balance?: BalanceStrategy | undefined;
  /** Tells the calls of several loads apart; default none. */
  readonly label?: string;
  /** What to call; default {@link patient}. */
  readonly plan?: (number: number) => PlannedCall;
}

/** Deadline of each call, in milliseconds. */
const DEADLINE_MS = 10_000;
/** What may pass beyond the deadline on a busy machine before a call counts as hanging, in milliseconds. */
const GRACE_MS = 2_000;

/** Pause of one worker after a failure, in milliseconds: a client that does not try again would fail in a tight loop. */
const AFTER_FAILURE_MS = 10;

/** A client that calls as fast as it can. */
export class Load {
  readonly #client: Client;
  readonly #work: Component;
  readonly #plan: (number: number) => PlannedCall;
  readonly #checker: Checker;
  readonly #inFlight: number;
  readonly #label: string;
  /** Calls under way, and when they were begun. */
  readonly #pending = new Map<string, number>();
  #workers: Promise<unknown> | undefined;
  #running = false;
  #next = 0;
  #lastSuccess = 0;
  #figures = emptyFigures();

  constructor(nameserver: string, checker: Checker, options: LoadOptions = {}) {
    this.#checker = checker;
    this.#inFlight = options.inFlight ?? 64;
    this.#label = options.label ?? "";
    this.#plan = options.plan ?? patient;
    this.#client = new Client({
      nameserver,
      balance: options.balance,
      timeoutMs: DEADLINE_MS,
      waitForMs: DEADLINE_MS,
      onEvent: (event) => {
        if (event.type === "retry") this.#figures.repeated++;
      },
    });
    this.#work = this.#client.component("demo.work");
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

  /**
   * Ends; settles when every call has settled, or the deadline of each is over. Those that have not settled by then hang, and
   * the checker is told.
   *
   * @returns whether all have settled
   */
  async stop(): Promise<boolean> {
    this.#running = false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DEADLINE_MS + GRACE_MS);
    });
    await Promise.race([this.#workers, late]);
    clearTimeout(timer);
    for (const [id, begunAt] of this.#pending) this.#checker.hang(id, performance.now() - begunAt);
    this.#observeGap(performance.now());
    return this.#pending.size === 0;
  }

  /** What has happened since this was asked last. */
  takeFigures(): Figures {
    if (this.#running) this.#observeGap(performance.now());
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
    const { method, idempotent, options, done } = this.#plan(number);
    const id = `${method}${this.#label}-${number}`;
    const begunAt = performance.now();
    this.#figures.calls++;
    this.#pending.set(id, begunAt);
    let failed = false;
    try {
      const answer: unknown = await this.#work.invoke(method, { id }, options);
      const now = performance.now();
      this.#observeGap(now);
      this.#lastSuccess = now;
      if (answer === id) this.#checker.tell(id, { idempotent, outcome: "success" });
      else this.#checker.report(`${id} got the answer of another call: ${JSON.stringify(answer)}`);
    } catch (error) {
      this.#figures.failed++;
      if (RpcError.isRpcError(error)) {
        this.#figures.outcomes[error.outcome]++;
        this.#checker.tell(id, { idempotent, outcome: error.outcome, message: `${error.code} ${error.message}` });
      } else {
        this.#checker.report(`${id} failed with what is no RpcError: ${String(error)}`);
      }
      failed = true;
    }
    done();
    this.#pending.delete(id);
    const tookMs = performance.now() - begunAt;
    if (tookMs > DEADLINE_MS + GRACE_MS) this.#checker.hang(id, tookMs);
    if (failed) await pause(AFTER_FAILURE_MS);
  }

  #observeGap(now: number): void {
    this.#figures.longestGapMs = Math.max(this.#figures.longestGapMs, now - this.#lastSuccess);
  }
}

function emptyFigures(): Figures {
  const outcomes = { "not-sent": 0, "not-executed": 0, executed: 0, unknown: 0 };
  return { calls: 0, failed: 0, repeated: 0, longestGapMs: 0, outcomes };
}
