import { rpcError } from "../errors.js";
import { instanceKey, type ServiceQuery, type ServiceRecord } from "../peer/record.js";
import { WAIT_ADVICE } from "../util/advice.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import { sleep, untilAborted } from "../util/sleep.js";
import type { NameserverClient } from "./nameserver-client.js";

/** What the nameserver said, and when. */
interface Known {
  records: readonly ServiceRecord[];
  at: number;
}

/**
 * Finds providers, and remembers them: what is a second old needs no question, and when the nameserver is lost, clients go
 * on with what they know.
 */
export class Resolver {
  readonly #nameserver: NameserverClient;
  readonly #wheel: DeadlineWheel;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<readonly ServiceRecord[]>>();
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(nameserver: NameserverClient, wheel: DeadlineWheel) {
    this.#nameserver = nameserver;
    this.#wheel = wheel;
  }

  /**
   * Providers that match, from memory when that is fresh.
   *
   * @param fresh - ask, whatever is remembered
   * @throws UnavailableError, `not-sent`, when no nameserver can be reached and nothing is remembered
   * @throws ServiceNotFoundError, `not-sent`, when there is no provider
   */
  async find(query: ServiceQuery, fresh: boolean, signal: AbortSignal): Promise<readonly ServiceRecord[]> {
    const key = keyOf(query);
    const known = this.#known.get(key);
    if (known && !fresh && known.records.length > 0 && this.#wheel.now() - known.at < FRESH_MS) return known.records;
    let records: readonly ServiceRecord[];
    try {
      records = await untilAborted(this.#ask(key, query), signal);
    } catch (error) {
      if (signal.aborted || !known || known.records.length === 0) throw error;
      records = known.records;
    }
    if (records.length === 0) throw notFound(query, this.#nameserver.address);
    return records;
  }

  /** A provider turned out to be gone: what is remembered is worth a question again, and serves only if there is no answer. */
  doubt(query: ServiceQuery): void {
    const known = this.#known.get(keyOf(query));
    if (known) known.at = -Infinity;
  }

  /** What is remembered of a query, however old. */
  known(query: ServiceQuery): readonly ServiceRecord[] {
    return this.#known.get(keyOf(query))?.records ?? [];
  }

  /**
   * A pause before another try, which ends early when the nameserver tells of a provider that is not in `exclude`. Calls
   * that wait for the same share one question.
   */
  async pause(query: ServiceQuery, exclude: ReadonlySet<string>, pauseMs: number, signal: AbortSignal): Promise<void> {
    if (pauseMs < WORTH_ASKING_MS || !this.#nameserver.canWait()) {
      await sleep(pauseMs, signal);
      return;
    }
    const key = `${keyOf(query)} ${[...exclude].join(" ")}`;
    let waiting = this.#waiting.get(key);
    if (!waiting) {
      waiting = this.#wait(query, exclude, pauseMs).finally(() => this.#waiting.delete(key));
      this.#waiting.set(key, waiting);
    }
    const pausing = new AbortController();
    const stop = (): void => {
      pausing.abort();
    };
    signal.addEventListener("abort", stop, { once: true });
    await Promise.race([waiting, sleep(pauseMs, pausing.signal)]);
    signal.removeEventListener("abort", stop);
    stop();
  }

  async #wait(query: ServiceQuery, exclude: ReadonlySet<string>, waitMs: number): Promise<void> {
    const startedAt = this.#wheel.now();
    try {
      const records = await this.#nameserver.find(query, { waitMs, exclude: [...exclude] });
      this.#remember(keyOf(query), records);
      if (records.some((record) => !exclude.has(instanceKey(record)))) return;
    } catch {
      // The nameserver is in trouble itself: the pause is only a pause.
    }
    const leftMs = waitMs - (this.#wheel.now() - startedAt);
    if (leftMs > 0) await sleep(leftMs);
  }

  async #ask(key: string, query: ServiceQuery): Promise<readonly ServiceRecord[]> {
    let asking = this.#asking.get(key);
    if (!asking) {
      asking = this.#nameserver
        .find(query)
        .then((records) => this.#remember(key, records))
        .finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  #remember(key: string, records: readonly ServiceRecord[]): readonly ServiceRecord[] {
    if (this.#known.size >= MAX_KNOWN && !this.#known.has(key)) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(key, { records, at: this.#wheel.now() });
    return records;
  }
}

/** How long an answer of the nameserver needs no repetition, in milliseconds. */
const FRESH_MS = 1_000;
/** Queries that are remembered. */
const MAX_KNOWN = 10_000;
/** A shorter pause is not worth a question. */
const WORTH_ASKING_MS = 5;

function keyOf(query: ServiceQuery): string {
  return JSON.stringify([query.interface, query.service ?? null, query.tags ?? null]);
}

function notFound(query: ServiceQuery, nameserver: string): Error {
  const parts = [
    `interface ${query.interface}`,
    ...(query.service === undefined ? [] : [`service ${query.service}`]),
    ...(query.tags && query.tags.length > 0 ? [`tags ${query.tags.join(", ")}`] : []),
  ];
  return rpcError(
    "SERVICE_NOT_FOUND",
    `The nameserver ${nameserver} knows no provider of ${parts.join(", ")}. Is the service running? ` +
      `"lamplighter list" shows what is registered${WAIT_ADVICE}`,
    { interface: query.interface, service: query.service },
  );
}
