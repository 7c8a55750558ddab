import { rpcError } from "../../errors.js";
import { currentCall, outsideOfCalls, type ServerCall } from "../../peer/call-context.js";
import { type Linked, LinkedList } from "../../util/linked-list.js";
import { listenToAbort } from "../../util/signals.js";
import { MAX_TIMER_MS } from "../../util/timers.js";
import { CONTROL_INTERFACE, RUN_EXTENSION } from "../control.js";
import type { Runs } from "../engine/runs.js";
import { runIdOf } from "./run-id.js";
import { resultOf, stillRunning } from "./run-result.js";

/** Why a wait for a run has ended before the run. */
type Ended = "late" | "closing" | "left";

/** One who waits for a run. */
interface Waiter extends Linked {
  end(why: Ended): void;
}

/** Waits for runs on behalf of callers: as long as they do themselves, and as long as the service is there. */
export class TaskCalls {
  readonly #runs: () => Runs;
  readonly #service: string;
  readonly #waiters = new LinkedList<Waiter>();
  #isClosing = false;

  /**
   * @param runs - of the service
   * @param service - its service path, for people
   */
  constructor(runs: () => Runs, service: string) {
    this.#runs = runs;
    this.#service = service;
  }

  /** Callers that wait now. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Carries out the call of a task that is being served: begins its run, or finds the one that an earlier try has begun, and waits for the result.
   *
   * @throws RpcError, `executed`, with what the run failed with, or with `TIMEOUT` shortly before the caller gives up: the run goes on
   */
  async call(task: string, input: unknown): Promise<unknown> {
    const call = currentCall();
    const id = runIdOf(call);
    call.responseExtensions[RUN_EXTENSION] = id;
    await outsideOfCalls(() => this.#runs().start(task, input, { id }));
    return await this.wait(call, id, Infinity);
  }

  /**
   * Waits for a run while a call is being served.
   *
   * @param timeoutMs - not longer than this, nor than the call may take
   */
  async wait(call: ServerCall, id: string, timeoutMs: number): Promise<unknown> {
    const startedAt = performance.now();
    const giveUp = new AbortController();
    let ended: Ended | undefined;
    const waiter: Waiter = {
      end: (why) => {
        ended ??= why;
        giveUp.abort(rpcError("CANCELLED", "Nobody waits any more", { outcome: "executed" }));
      },
    };
    if (this.#isClosing) waiter.end("closing");
    const left = (): void => {
      waiter.end("left");
    };
    const { signal } = call;
    if (signal.aborted) left();
    else listenToAbort(signal, left);
    const patienceMs = Math.min(timeoutMs, patienceOf(call), MAX_TIMER_MS);
    const timer = setTimeout(() => {
      waiter.end("late");
    }, patienceMs);
    this.#waiters.add(waiter);
    try {
      return await outsideOfCalls(() => resultOf(this.#runs(), id, giveUp.signal));
    } catch (error) {
      if (!giveUp.signal.aborted) throw error;
      if (ended === "closing") throw this.#closing(id);
      if (ended === "left") throw signal.reason as Error;
      throw await outsideOfCalls(() => this.#late(id, performance.now() - startedAt));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", left);
      this.#waiters.delete(waiter);
    }
  }

  /** Nobody waits here any more: callers who can are to try again, at whoever goes on with their runs. */
  close(): void {
    this.#isClosing = true;
    for (const waiter of this.#waiters) waiter.end("closing");
  }

  async #late(id: string, waitedMs: number): Promise<Error> {
    return stillRunning(await this.#runs().status(id), waitedMs, this.#pollBy(id));
  }

  /** `unknown`, because only then it is tried again; by the same name, and so it is the same run. */
  #closing(id: string): Error {
    return rpcError(
      "UNAVAILABLE",
      `The workflow service ${this.#service} is being stopped; run ${id} goes on when it is started again. ${this.#pollBy(id)}`,
      { outcome: "unknown" },
    );
  }

  #pollBy(id: string): string {
    return `Ask ${CONTROL_INTERFACE} of ${this.#service} for it: wait or status with ${JSON.stringify({ run: id })}`;
  }
}

/** How long a caller can wait, in milliseconds, so that it still hears what there is to say. */
function patienceOf(call: ServerCall): number {
  const { remainingMs } = call;
  if (remainingMs !== Infinity) return remainingMs - Math.min(500, Math.max(10, remainingMs / 20));
  return call.origin.attachments.wire === "pycom" ? PYCOM_PATIENCE_MS : Infinity;
}

/** Clients of PyCOM give up after 5,000 ms, and do not say so. */
const PYCOM_PATIENCE_MS = 4_500;
