import { RpcError, rpcError } from "../../errors.js";
import { shared } from "../../util/shared.js";
import { joinSignals } from "../../util/signals.js";
import { untilAborted } from "../../util/sleep.js";
import { outsideOfCalls, servingCall } from "../call-context.js";
import { type CallPromise, rejected } from "../call-promise.js";

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
  control: ReferenceControl;
  /** What can be called of it. */
  readonly shape: ImportedShape;
  /** How often it was received since it was released last. */
  count = 0;
  /** When it was received first, in milliseconds since 1970. */
  readonly since: number = Date.now();
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

  /** Is it of no use any more, for its connection is gone or its owner does not know it? */
  isLost = false;

  /** This one, or what was obtained in its place last. */
  get latest(): Import {
    let latest = this.#next;
    while (latest && latest.#successor !== undefined) {
      // Those in between are of no use any more.
      this.#successor = latest.#successor;
      latest = this.#next;
    }
    return latest ?? this;
  }

  /** The connection is gone: of it nothing is kept but its name. */
  lost(): void {
    this.isLost = true;
    const { label, timeoutMs } = this.control;
    this.control = {
      label,
      timeoutMs,
      call: (_id, method) => rejected(goneError(label, method)),
      release: () => undefined,
    };
  }

  /** Lets go of it. Idempotent. */
  release(): void {
    if (this.#isReleased) return;
    const { latest } = this;
    this.#isReleased = true;
    this.#successor = undefined;
    this.reacquire = undefined;
    // What was obtained in its place may have been received by others as well.
    if (latest === this) this.control.release(this);
    else if (latest.count === 1) latest.release();
  }

  /** One line that says what this is and how it is. */
  describe(): string {
    const { id, control, isLost } = this.latest;
    const state = this.#isReleased ? "released" : isLost ? "lost" : "held";
    return `RemoteProxy<reference ${id} @ ${control.label} ${state}>`;
  }

  /** Something was obtained in its place, if it still wants any. */
  succeed(value: object): boolean {
    const next = importOf(value)?.latest;
    if (!next || next === this || next.isLost || this.#isReleased || !this.isLost || this.#successor) return false;
    this.#successor = value;
    return true;
  }

  get #next(): Import | undefined {
    return this.#successor && importOf(this.#successor);
  }

  /** Was it let go? */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** The latest; or this one, when that was released by somebody else who holds it: it can be obtained once more. */
  get live(): Import {
    const { latest } = this;
    if (latest === this || !latest.#isReleased) return latest;
    this.#successor = undefined;
    return this;
  }

  /**
   * What can be called now: this one, or what is obtained in its place if it is lost.
   *
   * @param method - that is to be called, for errors
   * @param deadlineAt - in milliseconds of `performance.now()`
   * @throws RpcError with code `REFERENCE_LOST`, or `TIMEOUT`, `not-sent`
   */
  async alive(method: string, deadlineAt: number): Promise<Import> {
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
      return await untilAborted(latest.#obtaining, joinSignals(stop.signal, signal));
    } finally {
      clearTimeout(timer);
    }
  }

  async #obtain(method: string): Promise<Import> {
    let obtained: object | undefined;
    try {
      obtained = await this.reacquire?.();
    } catch (error) {
      const { message } = RpcError.from(error);
      const what = `went with its connection to ${this.control.label}, and could not be obtained again: ${message}`;
      throw lostError(what, method, error);
    }
    if (this.#isReleased) {
      if (obtained) importOf(obtained)?.release();
      throw lostError("was released; obtain it again", method);
    }
    if (!this.#successor && !(obtained && this.succeed(obtained))) {
      throw lostError("could not be obtained again: what came is no other reference", method);
    }
    return this.latest;
  }
}

/** It is of no use any more. */
export function lostError(what: string, method: string, cause?: unknown): RpcError {
  return rpcError("REFERENCE_LOST", `The reference ${what}`, { method, cause });
}

/** It went with its connection. */
export function goneError(label: string, method: string): RpcError {
  return lostError(`went with its connection to ${label}; obtain it again`, method);
}

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
