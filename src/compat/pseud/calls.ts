import { type RpcError, rpcError } from "../../errors.js";
import { servingCall } from "../../peer/call-context.js";
import { CallPromise } from "../../peer/call-promise.js";
import { reviveRegistered } from "../../peer/error-classes.js";
import type { CallOptions } from "../../peer/invoker.js";
import { hasRunOut, PromiseCall } from "../../peer/promise-call.js";
import type { DeadlineWheel } from "../../util/deadline-wheel.js";
import { joinSignals } from "../../util/signals.js";
import { untilAborted } from "../../util/sleep.js";
import { MAX_TIMER_MS } from "../../util/timers.js";
import type { PseudPeer } from "./pseud-peer.js";
import type { Roster } from "./roster.js";

/** What {@link Calls} needs of its endpoint. */
export interface CallsContext {
  /** Who is there. */
  readonly roster: Roster;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Deadline, in milliseconds. */
  readonly timeoutMs: number;
  /** Why nothing can be called; `undefined` when it can. */
  readonly objection: () => RpcError | undefined;
  /** Why nobody will be there; `undefined` while there is hope. */
  readonly refusal: () => RpcError | undefined;
  /** Why connections could not be made, for people; empty where all were. */
  readonly failures: () => string;
}

/** Who is called. */
export interface Addressee {
  /** The name that the roster knows it by. */
  readonly name: string;
  /** How long to wait for somebody of that name, in milliseconds; absent: until the deadline. */
  readonly waitMs?: number | undefined;
}

/** Calls of peers, each one try: who is not there is waited for, and what was sent is never sent again. */
export class Calls {
  readonly #context: CallsContext;

  constructor(context: CallsContext) {
    this.#context = context;
  }

  /**
   * Calls a job of a peer; arguments in order, keywords may stand last.
   *
   * @param addressee - `undefined`: nobody, which fails
   */
  call(
    addressee: Addressee | undefined,
    method: string,
    args: readonly unknown[],
    options: CallOptions = {},
  ): CallPromise<unknown> {
    return new CallPromise((resolve, reject) => {
      this.#call(addressee, method, args, options).then(resolve, (error: unknown) => {
        reject(reviveRegistered(error));
      });
    });
  }

  async #call(
    addressee: Addressee | undefined,
    method: string,
    args: readonly unknown[],
    options: CallOptions,
  ): Promise<unknown> {
    const { wheel, objection } = this.#context;
    const parent = servingCall();
    const timeoutMs = options.timeoutMs ?? this.#context.timeoutMs;
    const deadlineAt = Math.min(wheel.now() + timeoutMs, parent?.deadlineAt ?? Infinity);
    const signal = joinSignals(parent?.signal, options.signal);
    const problem = objection();
    if (problem) throw problem;
    if (!addressee) {
      const text = `${method} was called on a server, which has many peers: server.sendTo(user).${method}(…)`;
      throw rpcError("CONFIGURATION", text, { method, outcome: "not-sent" });
    }
    const peer = this.#ready(addressee) ?? (await this.#wait(addressee, method, deadlineAt, signal));
    return await new Promise((resolve, reject) => {
      const now = (): number => wheel.now();
      const call = new PromiseCall(
        { address: peer.id, now },
        { interface: "", method, args, isPositional: true, deadlineAt, signal, attachment: options.attachment },
        (message) => {
          resolve(message.result);
        },
        reject,
      );
      if (signal?.aborted) call.failed(this.#cancelled(method, signal));
      else {
        peer.call(call);
        // Pseud answers every call; whoever does not want to know does not wait.
        if (options.oneWay) resolve(undefined);
      }
    });
  }

  /** Whoever is to be called, if it can be now. */
  #ready({ name }: Addressee): PseudPeer | undefined {
    const peer = this.#context.roster.find(name);
    return peer?.settled ? undefined : peer;
  }

  async #wait(
    addressee: Addressee,
    method: string,
    deadlineAt: number,
    signal: AbortSignal | undefined,
  ): Promise<PseudPeer> {
    const { roster, wheel, objection, refusal } = this.#context;
    const { name, waitMs = Infinity } = addressee;
    const leftMs = Math.max(0, deadlineAt - wheel.now());
    const giveUp = new AbortController();
    const timer = setTimeout(
      () => {
        giveUp.abort();
      },
      Math.min(leftMs, roster.has(name) ? Infinity : waitMs, MAX_TIMER_MS),
    );
    const ends = joinSignals(giveUp.signal, signal);
    try {
      for (;;) {
        const found = await roster.waitFor(() => roster.find(name) ?? objection() ?? refusal(), ends);
        if (found === undefined) {
          throw signal?.aborted ? this.#cancelled(method, signal) : this.#absent(addressee, method, leftMs);
        }
        if (found instanceof Error) throw found;
        if (!found.settled) return found;
        // It logs in; whether that works is seen when the call is sent.
        await untilAborted(found.settled, ends).catch(() => undefined);
        if (ends.aborted) {
          throw signal?.aborted ? this.#cancelled(method, signal) : notLoggedIn(found, method, leftMs);
        }
      }
    } finally {
      clearTimeout(timer);
      giveUp.abort();
    }
  }

  #absent({ name, waitMs }: Addressee, method: string, leftMs: number): RpcError {
    const options = { method, service: name, outcome: "not-sent" } as const;
    if (waitMs !== undefined && waitMs < leftMs) {
      const text = `${method} was not sent: nobody known as ${JSON.stringify(name)} is connected`;
      return rpcError("SERVICE_NOT_FOUND", text, options);
    }
    const who = name === "" ? "no server was connected" : `${name} was not connected`;
    const others = Array.from(this.#context.roster.peers, ({ routingId }) => routingId).filter((id) => id !== "");
    const why = this.#context.failures() || (others.length > 0 ? `who is there calls itself ${others.join(", ")}` : "");
    const text = `${method} was not sent within ${Math.round(leftMs)} ms: ${who}${why === "" ? "" : ` (${why})`}`;
    return rpcError("TIMEOUT", text, options);
  }

  #cancelled(method: string, signal: AbortSignal): RpcError {
    const options = { method, outcome: "not-sent", cause: signal.reason as unknown } as const;
    if (hasRunOut(signal.reason)) {
      return rpcError(
        "TIMEOUT",
        `${method} was not sent: the deadline of the call that it was made for passed`,
        options,
      );
    }
    return rpcError("CANCELLED", `${method} was cancelled before it was sent`, options);
  }
}

function notLoggedIn({ id }: PseudPeer, method: string, leftMs: number): RpcError {
  const text = `${method} was not sent within ${Math.round(leftMs)} ms: ${id} has not answered the log-in`;
  return rpcError("TIMEOUT", text, { method, service: id, outcome: "not-sent" });
}
