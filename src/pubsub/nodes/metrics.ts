import { RpcError, rpcError } from "../../errors.js";
import { shared } from "../../util/shared.js";

/** A figure that is kept. nodeset, after RRDtool. */
export interface MetricType {
  /** Takes a new value; what it makes of it is the type's business. */
  update(value?: number): void;
  /** The figure now. */
  get(): number;
}

/** Counts: `update()` adds one, `update(n)` adds `n`, which nodeset ignores. */
export class Counter implements MetricType {
  #value: number;

  /** Begins with `value`; default 0. */
  constructor(value = 0) {
    this.#value = value;
  }

  /** Adds `value`; default 1. */
  update(value = 1): void {
    this.#value += value;
  }

  /** What was counted. */
  get(): number {
    return this.#value;
  }

  /** A counter that is so much further. */
  plus(value: number): Counter {
    return new Counter(this.#value + value);
  }

  /**
   * Counters do not go back.
   *
   * @throws RpcError with code `BAD_REQUEST`, always
   */
  minus(value: number): never {
    throw notPermitted(value);
  }

  /** As a number. */
  valueOf(): number {
    return this.#value;
  }
}

/** Counts as a {@link Counter} does; whoever draws it takes the differences. */
export class Derive extends Counter {}

/** Counts as a {@link Counter} does, and begins anew each time it is read. */
export class Absolute extends Counter {
  #read = 0;

  /** What was counted since it was read last. */
  override get(): number {
    const value = super.get() - this.#read;
    this.#read += value;
    return value;
  }

  override valueOf(): number {
    return super.get() - this.#read;
  }
}

/** The value of a moment. */
export class Gauge implements MetricType {
  #value: number;

  /** Begins with `value`; default 0. */
  constructor(value = 0) {
    this.#value = value;
  }

  /** Takes the value; default 0. */
  update(value = 0): void {
    this.#value = value;
  }

  /** The value that came last. */
  get(): number {
    return this.#value;
  }

  /** A gauge that shows so much more. */
  plus(value: number): Gauge {
    return new Gauge(this.#value + value);
  }

  /** A gauge that shows so much less. */
  minus(value: number): Gauge {
    return new Gauge(this.#value - value);
  }

  /** As a number. */
  valueOf(): number {
    return this.#value;
  }
}

/** A figure with a name. It enters itself into the {@link Store}, where a later one of the same name takes its place. */
export class Metric<T extends MetricType = MetricType> {
  /** Its name. */
  readonly name: string;
  /** The figure. */
  readonly type: T;

  /** Enters itself; `type` is such as `new Counter()`. */
  constructor(name: string, type: T) {
    this.name = name;
    this.type = type;
    metrics.set(name, this);
  }

  /** See {@link MetricType.update}. */
  update(value?: number): void {
    if (value === undefined) this.type.update();
    else this.type.update(value);
  }

  /** See {@link MetricType.get}. */
  get(): number {
    return this.type.get();
  }
}

const metrics = shared("metrics", () => new Map<string, Metric>());

/** All metrics of the process, by name. */
export const Store: {
  /** @throws RpcError with code `BAD_REQUEST` for an unknown name */
  get(name: string): Metric;
  /** Forgets a metric; `false` when there is none of that name. */
  delete(name: string): boolean;
  /** All of them. */
  list(): readonly Metric[];
} = {
  get(name) {
    const found = metrics.get(name);
    if (found) return found;
    throw new RpcError("BAD_REQUEST", `There is no metric named ${JSON.stringify(name)}`);
  },
  delete: (name) => metrics.delete(name),
  list: () => [...metrics.values()],
};

function notPermitted(value: number): RpcError {
  return rpcError("BAD_REQUEST", `Not permitted: a counter does not go back by ${value}`);
}
