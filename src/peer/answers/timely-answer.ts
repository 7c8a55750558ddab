import { rpcError } from "../../errors.js";
import { MAX_TIMER_MS } from "../../util/timers.js";
import type { AnswerMessage, CallMessage } from "../../wire/message.js";
import type { CallOrigin } from "../call-origin.js";
import { DelegatedOrigin } from "../delegated-origin.js";
import { failureAnswer } from "../failures.js";
import { discardSources } from "../streams/source.js";

/**
 * Where a call has come from whose caller breaks at a late answer: a method that takes too long is answered for with
 * `TIMEOUT`, and what it answers later is nobody's. Pseud's callers are such.
 */
export class TimelyAnswer extends DelegatedOrigin {
  readonly #call: CallMessage;
  readonly #latestAt: number;
  readonly #tooLateAt: number;
  readonly #onLate: (text: string) => void;
  #isAnswered = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param arrivedAt - when its time began to run, in milliseconds of `performance.now()`
   * @param latestMs - how long it may take to be answered, in milliseconds
   * @param onLate - told of answers that are not sent
   */
  constructor(
    end: CallOrigin,
    call: CallMessage,
    { arrivedAt, latestMs }: { readonly arrivedAt: number; readonly latestMs: number },
    onLate: (text: string) => void,
  ) {
    super(end);
    this.#call = call;
    this.#latestAt = arrivedAt + latestMs;
    this.#tooLateAt = this.#latestAt + Math.max(LEAST_GRACE_MS, latestMs * GRACE);
    this.#onLate = onLate;
  }

  /** To be called when the call was dispatched: most are answered by then, and need no timer. */
  watch(): void {
    const leftMs = this.#latestAt - performance.now();
    // A caller that waits for weeks is not hurried.
    if (this.#isAnswered || leftMs > MAX_TIMER_MS) return;
    this.#timer = setTimeout(() => {
      const text = `${this.#call.method} took longer than the service lets a call of pseud take (a Server's option jobTimeoutMs)`;
      // It may run, or wait until others have ended.
      this.respond({ ...failureAnswer(this.#call, rpcError("TIMEOUT", text)), outcome: "unknown" });
      // Timers of Node.js fire up to a millisecond early, and what is not begun by then is not to be begun any more.
    }, leftMs + 1);
    // The connection keeps the process alive; without one nobody waits.
    this.#timer.unref();
  }

  respond(answer: AnswerMessage): void {
    if (this.#isAnswered) {
      if (answer.kind === "result") discardSources(answer.result);
      return;
    }
    if (performance.now() > this.#tooLateAt) {
      this.#onLate(`${this.#call.method} was not answered: its caller, who waits no more, would break at the answer`);
      if (answer.kind === "result") discardSources(answer.result);
    } else {
      // A result that cannot travel is followed by an error: only what was sent counts.
      this.end.respond(answer);
    }
    this.#isAnswered = true;
    clearTimeout(this.#timer);
  }
}

/** So much more of its time may pass until a caller must not be answered at all: the method kept the whole process waiting. */
const GRACE = 0.1;
const LEAST_GRACE_MS = 100;
