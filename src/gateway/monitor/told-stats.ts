import type { ErrorCode, Outcome } from "../../errors.js";
import { NAMESERVER_INTERFACE } from "../../peer/record.js";
import type { ErrorCount, MethodStats } from "../../peer/stats/method-calls.js";
import type { HostStats } from "../../service/host-stats.js";
import type { LeaseView } from "./view.js";

/** What a host has told of itself, and its sections as text. */
export interface ToldStats extends Counters {
  /** As JSON, to tell whether they have changed; without what follows. */
  readonly sections: string;
  /** Of a nameserver: leases by service. */
  readonly leases: ReadonlyMap<string, LeaseView>;
}

/** What a host counts. */
export type Counters = Omit<HostStats, "sections" | "boundsMs" | "service">;

/**
 * Reads what a host has answered. Nothing of it is believed: what is of the wrong kind counts as absent, what is too much is
 * left out.
 */
export function readStats(value: unknown): ToldStats {
  const told = membersOf(value);
  const itself = membersOf(told.process);
  const { [NAMESERVER_INTERFACE]: nameserver, ...sections } = membersOf(told.sections);
  return {
    incarnation: textOf(told.incarnation),
    uptimeMs: numberOf(told.uptimeMs),
    pending: numberOf(told.pending),
    peers: numberOf(told.peers),
    process: {
      uptimeMs: numberOf(itself.uptimeMs),
      residentBytes: numberOf(itself.residentBytes),
      heapUsedBytes: numberOf(itself.heapUsedBytes),
      cpuMs: numberOf(itself.cpuMs),
      loopActiveMs: numberOf(itself.loopActiveMs),
      loopDelayMs: numberOf(itself.loopDelayMs),
    },
    methods: listOf(told.methods, MAX_METHODS).map(readMethod),
    sections: sectionsOf(sections),
    leases: new Map(listOf(membersOf(nameserver).leases, MAX_LEASES).map(readLease)),
  };
}

function readMethod(value: unknown): MethodStats {
  const told = membersOf(value);
  const latency = membersOf(told.latency);
  return {
    interface: textOf(told.interface),
    method: textOf(told.method),
    calls: numberOf(told.calls),
    running: numberOf(told.running),
    errors: listOf(told.errors, MAX_KINDS).map(readError),
    latency: {
      timed: numberOf(latency.timed),
      totalMs: numberOf(latency.totalMs),
      counts: listOf(latency.counts, MAX_CLASSES).map(numberOf),
    },
  };
}

function readLease(value: unknown): [string, LeaseView] {
  const { service, leaseMs, leftMs } = membersOf(value);
  return [textOf(service), { leaseMs: numberOf(leaseMs), leftMs: leftMs === null ? null : numberOf(leftMs) }];
}

function readError(value: unknown): ErrorCount {
  const { code, outcome, count } = membersOf(value);
  // They are shown, and nothing depends on them: a later version may know more of them.
  return { code: textOf(code) as ErrorCode, outcome: textOf(outcome) as Outcome, count: numberOf(count) };
}

/** Members of an object; none of anything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** The first so many items of a list; none of anything else. */
export function listOf(value: unknown, most: number): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, most) : [];
}

/** A text that is not too long. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_NAME_CHARS) : "";
}

/** A number that is one; 0 for anything else. */
export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

function sectionsOf(sections: object): string {
  try {
    const text = JSON.stringify(sections);
    return text.length <= MAX_SECTION_CHARS ? text : '{"omitted":"too much to be shown"}';
  } catch {
    return '{"omitted":"not to be read"}';
  }
}

const MAX_METHODS = 1_000;
const MAX_LEASES = 100_000;
const MAX_KINDS = 64;
const MAX_CLASSES = 64;
const MAX_NAME_CHARS = 300;
const MAX_SECTION_CHARS = 1024 * 1024;
