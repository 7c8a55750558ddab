import { HOST_INTERFACE, NAMESERVER_INTERFACE } from "../../peer/record.js";
import type { ErrorCount, MethodStats } from "../../peer/stats/method-calls.js";
import { quantileOf } from "../../util/histogram.js";
import type { Counters } from "./told-stats.js";
import type { ErrorRate, MethodRate, ServicePoint } from "./view.js";

/** What a host has told, and when. */
export interface Reading {
  /** In milliseconds of `performance.now()`. */
  readonly at: number;
  /** The counters. */
  readonly stats: Counters;
}

/** What a host did between two readings of one run. */
export class Interval {
  readonly #later: Reading;
  readonly #earlier: ReadonlyMap<string, MethodStats>;
  readonly #seconds: number;

  /** @param earlier - `undefined`: from the start of the host on */
  constructor(earlier: Reading | undefined, later: Reading) {
    this.#later = later;
    this.#earlier = new Map(earlier?.stats.methods.map((method) => [nameOf(method), method]));
    const ms = earlier ? later.at - earlier.at : later.stats.uptimeMs;
    this.#seconds = Math.max(ms, 1) / 1000;
  }

  /** Everything together. */
  point(at: number): ServicePoint {
    const methods = this.#methods();
    const counts = methods.filter((method) => !isPatient(method)).map((method) => this.#counts(method));
    const all = Array.from({ length: Math.max(0, ...counts.map(({ length }) => length)) }, (_, index) =>
      sum(counts.map((one) => one[index] ?? 0)),
    );
    return {
      at,
      calls: this.#rate(sum(methods.map((method) => method.calls - (this.#before(method)?.calls ?? 0)))),
      errors: this.#rate(sum(methods.map((method) => this.#errors(method)))),
      p50Ms: quantileOf(all, 0.5) ?? null,
      p99Ms: quantileOf(all, 0.99) ?? null,
    };
  }

  /** By method, the busiest first. */
  methods(most: number): MethodRate[] {
    const rates = this.#methods().map((method): MethodRate => {
      const counts = this.#counts(method);
      return {
        interface: method.interface,
        method: method.method,
        calls: method.calls,
        running: method.running,
        perSecond: this.#rate(method.calls - (this.#before(method)?.calls ?? 0)),
        errorsPerSecond: this.#rate(this.#errors(method)),
        p50Ms: quantileOf(counts, 0.5) ?? null,
        p99Ms: quantileOf(counts, 0.99) ?? null,
      };
    });
    return rates.sort((a, b) => b.perSecond - a.perSecond || b.calls - a.calls).slice(0, most);
  }

  /** By code and outcome, over all methods. */
  errors(): ErrorRate[] {
    const kinds = new Map<string, ErrorRate>();
    for (const method of this.#methods()) {
      const before = this.#before(method)?.errors;
      for (const { code, outcome, count } of method.errors) {
        const kind = `${code} ${outcome}`;
        const known = kinds.get(kind);
        const lately = count - (before?.find((one) => one.code === code && one.outcome === outcome)?.count ?? 0);
        kinds.set(kind, {
          code,
          outcome,
          count: count + (known?.count ?? 0),
          perSecond: this.#rate(lately) + (known?.perSecond ?? 0),
        });
      }
    }
    return [...kinds.values()].sort((a, b) => b.count - a.count);
  }

  /** What asks and is asked here is no work of the service. */
  #methods(): MethodStats[] {
    return this.#later.stats.methods.filter((method) => method.interface !== HOST_INTERFACE);
  }

  #before(method: MethodStats): MethodStats | undefined {
    return this.#earlier.get(nameOf(method));
  }

  #errors(method: MethodStats): number {
    return countOf(method.errors) - countOf(this.#before(method)?.errors ?? []);
  }

  #counts(method: MethodStats): number[] {
    const before = this.#before(method)?.latency.counts;
    return method.latency.counts.map((count, index) => Math.max(0, count - (before?.[index] ?? 0)));
  }

  #rate(count: number): number {
    return Math.max(0, count) / this.#seconds;
  }
}

/** Methods of nameservers that wait until there is something to tell: their time says nothing of how quick they are. */
function isPatient(method: MethodStats): boolean {
  return method.interface === NAMESERVER_INTERFACE && (method.method === "find" || method.method === "watch");
}

function nameOf(method: MethodStats): string {
  return `${method.interface} ${method.method}`;
}

function countOf(errors: readonly ErrorCount[]): number {
  return sum(errors.map(({ count }) => count));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
