import type { ExposedInterface, ExposedMethod } from "../exposed/exposed-interface.js";
import { MethodCalls, type MethodStats } from "./method-calls.js";

/**
 * Counts the calls of a dispatcher by method. Only what is declared is counted by its name; whatever callers make up is counted
 * together, so that they cannot fill the memory with names.
 */
export class CallStats {
  readonly #interfaces = new Map<string, Map<string, MethodCalls>>();
  #byMethod = new Map<ExposedMethod, MethodCalls>();
  readonly #references = new MethodCalls("", "(references)");
  readonly #unknown = new MethodCalls("", "(unknown)");
  /** Calls of one method often follow each other. */
  #last: ExposedMethod | undefined;
  #lastCalls: MethodCalls = this.#unknown;
  #timedAt = -Infinity;
  #turn = 0;

  /** An interface is there from now on, perhaps in the place of another of its name: methods that both have go on counting. */
  exposed(interfaces: Iterable<ExposedInterface>): void {
    this.#byMethod = new Map();
    this.#last = undefined;
    for (const { name, methods } of interfaces) {
      const before = this.#interfaces.get(name);
      const counted = new Map<string, MethodCalls>();
      for (const [method, exposed] of methods.entries()) {
        const calls = before?.get(method) ?? new MethodCalls(name, method);
        counted.set(method, calls);
        this.#byMethod.set(exposed, calls);
      }
      this.#interfaces.set(name, counted);
    }
  }

  /**
   * Where the calls of a method are counted.
   *
   * @param isReference - is it one of an object or function that was given to its caller?
   */
  of(method: ExposedMethod | undefined, isReference: boolean): MethodCalls {
    if (method !== undefined && method === this.#last) return this.#lastCalls;
    const calls = method && this.#byMethod.get(method);
    if (!calls) return isReference ? this.#references : this.#unknown;
    this.#last = method;
    this.#lastCalls = calls;
    return calls;
  }

  /**
   * Is a call to be timed? Looking at the clock costs: of calls that come alone all are, of those that come in bulk some.
   *
   * @param arrivedAt - in milliseconds of `performance.now()`
   */
  isTimed(arrivedAt: number): boolean {
    if (arrivedAt - this.#timedAt < TIMED_EACH_MS && (++this.#turn & 31) !== 0) return false;
    this.#timedAt = arrivedAt;
    return true;
  }

  /** Methods that were called, as they are now. */
  read(): MethodStats[] {
    const counted = [...this.#interfaces.values()].flatMap((methods) => [...methods.values()]);
    return [...counted, this.#references, this.#unknown].filter(({ isUsed }) => isUsed).map((calls) => calls.read());
  }
}

/** Within this time one call is timed, and of the others every 32nd. */
const TIMED_EACH_MS = 0.2;
