import { RpcError, rpcError } from "../../errors.js";
import { shared } from "../../util/shared.js";
import { untilAborted } from "../../util/sleep.js";
import { outsideOfCalls, servingCall } from "../call-context.js";
import { CallPromise, rejected } from "../call-promise.js";
import { discardSources, holdsSources } from "../streams/source.js";
import { eachPlace, valueAt } from "./places.js";

/** How references of one connection speak to the other end. */
export interface ReferenceControl {
  /**
   * Calls a method of what the other end has exported, `""` for a function itself.
   *
   * @param deadlineAt - in milliseconds of `performance.now()`
   */
  call(id: number, method: string, args: readonly unknown[], deadlineAt: number): CallPromise<unknown>;
  /** Lets go of it. */
  release(reference: Import): void;
  /** The other end, for people. */
  readonly label: string;
  /** How long calls may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** What the owner of a reference says of it. */
export interface ImportedShape {
  /** Names of its methods; none for a function. */
  readonly methods: readonly string[];
  /** Those of them that may be executed twice without harm. */
  readonly idempotent: readonly string[];
}

/**
 * A reference that was received: what stands for something of the other end. It goes with its connection; one that came from
 * calls which may be executed twice is obtained again by the next call (docs/failures.md, "References").
 */
export class Import {
  /** Its number at the other end. */
  readonly id: number;
  /** The connection that it belongs to. */
  readonly control: ReferenceControl;
  /** What can be called of it. */
  readonly shape: ImportedShape;
  /** How often it was received since it was released last. */
  count = 0;
  /** When it was received first, in milliseconds since 1970. */
  readonly since: number = Date.now();
  /** Is the connection gone? */
  isLost = false;
  /** Obtains what stands in its place now, by the same way as this one was obtained; `undefined` where that cannot be done. */
  reacquire: (() => Promise<object>) | undefined;
  /** What was obtained in its place. */
  #successor: object | undefined;
  #obtaining: Promise<Import> | undefined;
  #isReleased = false;

  constructor(id: number, control: ReferenceControl, shape: ImportedShape) {
    this.id = id;
    this.control = control;
    this.shape = shape;
  }

  /** This one, or what was obtained in its place last. */
  get latest(): Import {
    const next = this.#successor && importOf(this.#successor);
    if (!next) return this;
    // Those in between are of no use any more.
    this.#successor = next.#successor ?? this.#successor;
    return next.latest;
  }

  /** Calls it. */
  call(method: string, args: readonly unknown[]): CallPromise<unknown> {
    const { latest } = this;
    if (this.#isReleased || latest.#isReleased) return refuse(lost("was released; obtain it again", method), args);
    const deadlineAt = Math.min(performance.now() + this.control.timeoutMs, servingCall()?.deadlineAt ?? Infinity);
    if (latest.reacquire) {
      return new CallPromise((resolve, reject) => {
        latest.#persist(method, args, deadlineAt).then(resolve, reject);
      });
    }
    if (!latest.isLost) return latest.control.call(latest.id, method, args, deadlineAt);
    return refuse(lost(`went with its connection to ${latest.control.label}; obtain it again`, method), args);
  }

  /** References in the result of a call of this one can be obtained again as well, if the call may be made again. */
  rememberResult(method: string, args: readonly unknown[], result: unknown): void {
    const { reacquire } = this;
    if (!reacquire || !this.shape.idempotent.includes(method)) return;
    remember(result, async () => {
      if (!this.#isReleased && !this.latest.#isReleased) return await this.call(method, args);
      // Whoever holds what it gave may have let go of this one long since.
      return await importOf(await reacquire())?.call(method, args);
    });
  }

  /** Lets go of it. Idempotent. */
  release(): void {
    if (this.#isReleased) return;
    const { latest } = this;
    this.#isReleased = true;
    this.#successor = undefined;
    if (latest !== this) latest.release();
    else if (!this.isLost) this.control.release(this);
  }

  /** One line that says what this is and how it is. */
  describe(): string {
    const { id, control, isLost } = this.latest;
    const state = this.#isReleased ? "released" : isLost ? "lost" : "held";
    return `RemoteProxy<reference ${id} @ ${control.label} ${state}>`;
  }

  /** Calls it, obtaining it again as often as that is right. */
  async #persist(method: string, args: readonly unknown[], deadlineAt: number): Promise<unknown> {
    const isOneShot = holdsSources(args);
    let doubt: RpcError | undefined;
    for (let tries = 1; ; tries++) {
      const live = await this.#alive(method, deadlineAt).catch((error: unknown) => {
        if (isOneShot) discardSources(args);
        // That it may have been executed is the news.
        throw doubt ?? error;
      });
      try {
        const result = await live.control.call(live.id, method, args, deadlineAt);
        live.rememberResult(method, args, result);
        return result;
      } catch (error) {
        const isFinal = isOneShot || tries === MAX_TRIES || !RpcError.isRpcError(error);
        if (isFinal || !live.#mayRepeat(error, method)) throw error;
        if (error.outcome === "unknown") doubt = error;
        live.isLost = true;
      }
    }
  }

  /** What can be called now, in the place of this one if that is lost. */
  async #alive(method: string, deadlineAt: number): Promise<Import> {
    const { latest } = this;
    if (!latest.isLost) return latest;
    // Several callers may wait for it: it is part of none of the calls that they make it in.
    latest.#obtaining ??= outsideOfCalls(() => latest.#obtain(method)).finally(() => {
      latest.#obtaining = undefined;
    });
    const signal = servingCall()?.signal;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const text = `The reference went with its connection to ${latest.control.label}, and was not obtained again in time`;
      stop.abort(rpcError("TIMEOUT", text, { method }));
    }, deadlineAt - performance.now());
    try {
      return await untilAborted(latest.#obtaining, signal ? AbortSignal.any([stop.signal, signal]) : stop.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #obtain(method: string): Promise<Import> {
    let successor: object | undefined;
    try {
      successor = await this.reacquire?.();
    } catch (error) {
      const { message } = RpcError.from(error);
      const what = `went with its connection to ${this.control.label}, and could not be obtained again: ${message}`;
      throw lost(what, method, error);
    }
    const reference = successor && importOf(successor);
    if (!reference) throw lost("could not be obtained again", method);
    if (this.#isReleased) {
      reference.release();
      throw lost("was released; obtain it again", method);
    }
    this.#successor = successor;
    return reference.latest;
  }

  /** Another try is right when the call was not executed because this is lost, or when it may be executed twice. */
  #mayRepeat({ code, outcome }: RpcError, method: string): boolean {
    if (code !== "UNAVAILABLE" && code !== "DRAINING" && code !== "REFERENCE_LOST") return false;
    if (outcome === "unknown") return this.shape.idempotent.includes(method);
    return outcome !== "executed";
  }
}

function lost(what: string, method: string, cause?: unknown): RpcError {
  return rpcError("REFERENCE_LOST", `The reference ${what}`, { method, cause });
}

/** Tries of one call over successors of one reference: services do not restart more often than this in its time. */
const MAX_TRIES = 3;

/** The reference behind each function or proxy that stands for one. */
const imports = shared("references", () => new WeakMap<object, Import>());

/** From now on a function or proxy stands for a reference. */
export function standsFor(value: object, reference: Import): void {
  imports.set(value, reference);
}

/** The reference that a value stands for. */
export function importOf(value: object): Import | undefined {
  return imports.get(value);
}

/**
 * Notes how references were obtained, so that they can be obtained again the same way when they are lost: in the same place
 * of the result of the same call. References are looked for in objects and arrays, at any depth.
 *
 * @param result - what a call that may be executed twice was answered with
 * @param again - makes that call once more
 */
export function remember(result: unknown, again: () => Promise<unknown>): void {
  eachPlace(result, (value, place) => {
    const reference = importOf(value);
    if (!reference) return false;
    reference.reacquire ??= async () => {
      const found = valueAt(await again(), place);
      const isReference =
        found !== null && (typeof found === "object" || typeof found === "function") && importOf(found);
      if (isReference) return found;
      const where = place.length === 0 ? "The result" : `What stands at ${place.join(".")} of the result`;
      throw rpcError("REFERENCE_LOST", `${where} is no reference any more`, { outcome: "executed" });
    };
    return true;
  });
}

/** A call that is not made: nobody will read the streams among its arguments. */
function refuse(error: RpcError, args: readonly unknown[]): CallPromise<never> {
  discardSources(args);
  return rejected(error);
}
