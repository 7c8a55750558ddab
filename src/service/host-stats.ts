import { performance } from "node:perf_hooks";
import { ConfigurationError } from "../errors.js";
import type { CallStats } from "../peer/stats/call-stats.js";
import type { MethodStats } from "../peer/stats/method-calls.js";
import { DURATION_BOUNDS_MS } from "../util/histogram.js";
import type { Logger } from "../util/log.js";
import { thrownText } from "../util/thrown-text.js";

/** How the process of a host is doing. */
export interface ProcessStats {
  /** Since its start, in milliseconds. */
  readonly uptimeMs: number;
  /** Memory that the system has given it, in bytes. */
  readonly residentBytes: number;
  /** Memory that JavaScript objects take, in bytes. */
  readonly heapUsedBytes: number;
  /** Time of a processor that it has used since its start, in milliseconds. */
  readonly cpuMs: number;
  /** Time that its event loop has worked since its start, in milliseconds; the rest of the time it has waited. */
  readonly loopActiveMs: number;
  /** How long the event loop took to come around just now, in milliseconds: what is heard waits so long. */
  readonly loopDelayMs: number;
}

/** What a host tells of itself: {@link ServiceHost.stats}. Counters begin with its incarnation; rates are differences. */
export interface HostStats {
  /** Service path. */
  readonly service: string;
  /** Random id of this run. */
  readonly incarnation: string;
  /** Since the host was made, in milliseconds. */
  readonly uptimeMs: number;
  /** Calls that run or wait now. */
  readonly pending: number;
  /** Peers that are connected now and have said something. */
  readonly peers: number;
  /** Its process. */
  readonly process: ProcessStats;
  /** Upper bounds of the classes of latencies, in milliseconds. */
  readonly boundsMs: readonly number[];
  /** Methods that were called. */
  readonly methods: readonly MethodStats[];
  /** What others tell, by the names that they have taken: {@link ServiceHost.addStats}. */
  readonly sections: Readonly<Record<string, unknown>>;
}

/** What {@link StatsDesk} tells of its host. */
export interface StatsSource {
  /** See {@link HostStats}. */
  readonly service: string;
  /** See {@link HostStats}. */
  readonly incarnation: string;
  /** See {@link HostStats}. */
  readonly pending: number;
  /** See {@link HostStats}. */
  readonly peers: number;
}

/** Puts together what a host tells of itself. Costs nothing while nobody asks. */
export class StatsDesk {
  readonly #calls: CallStats;
  readonly #source: () => StatsSource;
  readonly #log: Logger;
  readonly #sections = new Map<string, () => unknown>();
  readonly #madeAt = performance.now();

  constructor(calls: CallStats, source: () => StatsSource, log: Logger) {
    this.#calls = calls;
    this.#source = source;
    this.#log = log;
  }

  /**
   * See {@link ServiceHost.addStats}.
   *
   * @throws ConfigurationError when the name is taken
   */
  add(name: string, read: () => unknown): () => void {
    if (this.#sections.has(name)) throw new ConfigurationError(`The statistics have a section ${name} already`);
    this.#sections.set(name, read);
    return () => {
      if (this.#sections.get(name) === read) this.#sections.delete(name);
    };
  }

  /** Everything, as it is now. */
  async read(): Promise<HostStats> {
    const askedAt = performance.now();
    await new Promise(setImmediate);
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      ...this.#source(),
      uptimeMs: performance.now() - this.#madeAt,
      process: {
        uptimeMs: process.uptime() * 1000,
        residentBytes: rss,
        heapUsedBytes: heapUsed,
        cpuMs: (user + system) / 1000,
        loopActiveMs: performance.eventLoopUtilization().active,
        loopDelayMs: performance.now() - askedAt,
      },
      boundsMs: DURATION_BOUNDS_MS,
      methods: this.#calls.read(),
      sections: await this.#readSections(),
    };
  }

  /** One section that cannot be read is no reason to keep the others from the reader. */
  async #readSections(): Promise<Record<string, unknown>> {
    const sections: [string, unknown][] = [];
    for (const [name, read] of this.#sections) {
      try {
        sections.push([name, await read()]);
      } catch (error) {
        this.#log.error(`The statistics ${name} cannot be read: ${thrownText(error)}`);
      }
    }
    return Object.fromEntries(sections);
  }
}
