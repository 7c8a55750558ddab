import type { ErrorCount } from "../../peer/stats/method-calls.js";
import type { ProcessStats } from "../../service/host-stats.js";

/**
 * How a service is doing, as far as that is known.
 *
 * - `answers`: it tells its statistics;
 * - `limited`: it answers, and tells no statistics, because it may not or cannot;
 * - `silent`: the nameserver knows it, and it does not answer;
 * - `gone`: the nameserver knew it;
 * - `unknown`: it was not asked yet, or cannot be asked, as PyCOM's own services cannot.
 */
export type Health = "answers" | "limited" | "silent" | "gone" | "unknown";

/** What a service did between two readings; `null` where that is not known. */
export interface ServicePoint {
  /** In milliseconds since 1970. */
  readonly at: number;
  /** Calls per second. */
  readonly calls: number | null;
  /** Answers per second that were errors. */
  readonly errors: number | null;
  /** Half of the calls took no longer, in milliseconds. */
  readonly p50Ms: number | null;
  /** 99 of 100 calls took no longer, in milliseconds. */
  readonly p99Ms: number | null;
}

/** Errors of one kind, lately. */
export interface ErrorRate extends ErrorCount {
  /** Over the last 10 seconds. */
  readonly perSecond: number;
}

/** What a method did lately: over the last 10 seconds, or since its host was started. */
export interface MethodRate {
  /** Dotted name; `""` for calls that are counted together. */
  readonly interface: string;
  /** Remote name, `(references)` or `(unknown)`. */
  readonly method: string;
  /** Calls since the host was started. */
  readonly calls: number;
  /** Calls that run now. */
  readonly running: number;
  /** Calls per second. */
  readonly perSecond: number;
  /** Errors per second. */
  readonly errorsPerSecond: number;
  /** Half of the calls took no longer, in milliseconds; `null` without calls. */
  readonly p50Ms: number | null;
  /** 99 of 100 calls took no longer, in milliseconds; `null` without calls. */
  readonly p99Ms: number | null;
}

/** A lease at the nameserver. */
export interface LeaseView {
  /** Its length in milliseconds. */
  readonly leaseMs: number;
  /** What was left of it at the last reading, in milliseconds; `null` where the nameserver's registry does not tell. */
  readonly leftMs: number | null;
}

/** One service. */
export interface ServiceView {
  /** Slash path, unique. */
  readonly service: string;
  /** Where PyCOM's peers reach it. */
  readonly address: string;
  /** Dotted names. */
  readonly interfaces: readonly string[];
  /** Random id of this run; `null` for PyCOM's services. */
  readonly incarnation: string | null;
  /** How it is doing. */
  readonly health: Health;
  /** Why that is so, where something is wrong; `null` otherwise. */
  readonly detail: string | null;
  /** When that began, in milliseconds since 1970. */
  readonly since: number;
  /** How long its last answer took, in milliseconds. */
  readonly answeredInMs: number | null;
  /** How often it was seen to be started anew. */
  readonly restarts: number;
  /** `null` where the nameserver does not tell. */
  readonly lease: LeaseView | null;
  /** Since it was started, in milliseconds. */
  readonly uptimeMs: number | null;
  /** Calls that run or wait. */
  readonly pending: number | null;
  /** Peers that are connected. */
  readonly peers: number | null;
  /** Its process. */
  readonly process: ProcessStats | null;
  /** Methods that were called, the busiest first. */
  readonly methods: readonly MethodRate[];
  /** Errors since it was started. */
  readonly errors: readonly ErrorRate[];
  /** The last ones, oldest first. */
  readonly points: readonly ServicePoint[];
  /** What others have added to its statistics; in an update absent when nothing has changed in it. */
  readonly sections?: Readonly<Record<string, unknown>>;
}

/** What is known of the nameserver. */
export interface NameserverView {
  /** Its address. */
  readonly address: string;
  /** Has it answered the last question? `null` before the first. */
  readonly isReachable: boolean | null;
  /** Why it has not. */
  readonly detail: string | null;
}

/** Everything that is known. */
export interface MonitorSnapshot {
  /** In milliseconds since 1970. */
  readonly at: number;
  /** Readings are so far apart, in milliseconds. */
  readonly intervalMs: number;
  /** Of the nameserver. */
  readonly nameserver: NameserverView;
  /** By name. */
  readonly services: readonly ServiceView[];
  /** Services that are too many to be watched. */
  readonly omitted: number;
}

/** What has changed: services with their new points only. */
export interface MonitorUpdate extends MonitorSnapshot {
  /** Services that are not shown any more. */
  readonly removed: readonly string[];
}
