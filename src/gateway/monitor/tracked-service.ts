import type { ServiceRecord } from "../../peer/record.js";
import { Interval, type Reading } from "./interval.js";
import type { Counters, ToldStats } from "./told-stats.js";
import type { ErrorRate, Health, LeaseView, MethodRate, ServicePoint, ServiceView } from "./view.js";

/** One service, over all its runs: what it told, what follows from that, and what it did lately. */
export class TrackedService {
  /** What the nameserver knows, or knew. */
  record: ServiceRecord;
  /** At the nameserver. */
  lease: LeaseView | null = null;
  /** Settles when it was asked; `undefined` while nobody asks. */
  asking: Promise<void> | undefined;
  /** How many more times to ask whether it lives, before it is asked for statistics again. */
  statOnly = 0;
  readonly #maxPoints: number;
  readonly #points: ServicePoint[] = [];
  /** Of this run, oldest first: the last one, and before it one for every few seconds. */
  readonly #readings: Reading[] = [];
  #newPoints = 0;
  #health: Health = "unknown";
  #detail: string | null = null;
  #since = Date.now();
  #answeredInMs: number | null = null;
  #restarts = 0;
  #methods: readonly MethodRate[] = [];
  #errors: readonly ErrorRate[] = [];
  #sections = "{}";
  #leases: ReadonlyMap<string, LeaseView> = new Map();
  #hasNewSections = true;
  #isResumed = false;

  /** @param maxPoints - so many are kept */
  constructor(record: ServiceRecord, maxPoints: number) {
    this.record = record;
    this.#maxPoints = maxPoints;
  }

  /** How it is doing. */
  get health(): Health {
    return this.#health;
  }

  /** Since when, in milliseconds since 1970. */
  get since(): number {
    return this.#since;
  }

  /** What it told last; `undefined` when that was another run, or nothing. */
  get stats(): Counters | undefined {
    return this.#readings.at(-1)?.stats;
  }

  /** What it knows of the leases of others, if it is a nameserver. */
  get leases(): ReadonlyMap<string, LeaseView> {
    return this.#leases;
  }

  /** The nameserver knows it, perhaps anew. */
  registered(record: ServiceRecord): void {
    const isRestarted = record.incarnation !== this.record.incarnation;
    this.record = record;
    if (isRestarted) this.#forgetRun();
    if (isRestarted || this.#health === "gone") this.#become("unknown", null);
  }

  /** It was not asked for a while: what it did meanwhile is not what it does now. */
  resumed(): void {
    this.#readings.splice(0, this.#readings.length - 1);
    this.#isResumed = true;
  }

  /** The nameserver knows it no more. */
  removed(): void {
    this.lease = null;
    this.#become("gone", null);
  }

  /** It has told its statistics. */
  answered(stats: ToldStats, tookMs: number): void {
    // Whatever the nameserver says, another run may be behind the address by now.
    if (stats.incarnation !== this.record.incarnation) return;
    const { sections, leases, ...counters } = stats;
    const later: Reading = { at: performance.now(), stats: counters };
    const last = this.#isResumed ? undefined : this.#readings.at(-1);
    if (this.#isResumed) this.#readings.length = 0;
    this.#isResumed = false;
    this.#hasNewSections ||= this.#sections !== sections;
    this.#sections = sections;
    this.#leases = leases;
    this.#answeredInMs = tookMs;
    this.#become("answers", null);
    const isYoung = stats.uptimeMs < LATELY_MS;
    this.#addPoint(last || isYoung ? new Interval(last, later).point(Date.now()) : nothingAt(Date.now()));
    const [previous, newest] = this.#readings.slice(-2);
    if (previous && newest && newest.at - previous.at < SPACING_MS) this.#readings.pop();
    this.#readings.push(later);
    while ((this.#readings[1]?.at ?? Infinity) <= later.at - LATELY_MS) this.#readings.shift();
    const [first] = this.#readings;
    const lately = new Interval(isYoung || first === later ? undefined : first, later);
    this.#methods = lately.methods(MAX_METHODS);
    this.#errors = lately.errors();
  }

  /** It has answered, and tells no statistics. */
  isAlive(detail: string, tookMs: number): void {
    this.#answeredInMs = tookMs;
    this.#become("limited", detail);
    this.#addPoint(nothingAt(Date.now()));
  }

  /** It has not answered. */
  isSilent(detail: string): void {
    this.#answeredInMs = null;
    this.#become("silent", detail);
    this.#addPoint(nothingAt(Date.now()));
  }

  /** It cannot be asked. */
  isUnknown(detail: string): void {
    this.#become("unknown", detail);
  }

  /**
   * As it is now.
   *
   * @param points - how many of the last; `undefined`: those since this was asked last, and sections only if they have changed
   *   since
   */
  view(points?: number): ServiceView {
    const count = points ?? this.#newPoints;
    const { record, stats } = this;
    const hasSections = points !== undefined || this.#hasNewSections;
    if (points === undefined) {
      this.#newPoints = 0;
      this.#hasNewSections = false;
    }
    return {
      service: record.service,
      address: record.address,
      interfaces: record.interfaces,
      incarnation: record.incarnation ?? null,
      health: this.#health,
      detail: this.#detail,
      since: this.#since,
      answeredInMs: this.#answeredInMs,
      restarts: this.#restarts,
      lease: this.lease,
      uptimeMs: stats?.uptimeMs ?? null,
      pending: stats?.pending ?? null,
      peers: stats?.peers ?? null,
      process: stats?.process ?? null,
      methods: this.#methods,
      errors: this.#errors,
      points: count === 0 ? [] : this.#points.slice(-count),
      ...(hasSections && { sections: JSON.parse(this.#sections) as Record<string, unknown> }),
    };
  }

  #forgetRun(): void {
    this.#restarts++;
    this.#readings.length = 0;
    this.#methods = [];
    this.#errors = [];
    this.#answeredInMs = null;
    this.#sections = "{}";
    this.#hasNewSections = true;
    this.statOnly = 0;
  }

  #become(health: Health, detail: string | null): void {
    if (health !== this.#health) this.#since = Date.now();
    this.#health = health;
    this.#detail = detail;
  }

  #addPoint(point: ServicePoint): void {
    this.#points.push(point);
    if (this.#points.length > this.#maxPoints) this.#points.shift();
    this.#newPoints = Math.min(this.#newPoints + 1, this.#points.length);
  }
}

function nothingAt(at: number): ServicePoint {
  return { at, calls: null, errors: null, p50Ms: null, p99Ms: null };
}

/** Rates of methods are those of so many milliseconds. */
const LATELY_MS = 10_000;
/** Of readings that are closer together only the last is kept. */
const SPACING_MS = 2_000;
/** So many methods of a service are shown. */
const MAX_METHODS = 100;
