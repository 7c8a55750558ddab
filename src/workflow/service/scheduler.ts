import { BadRequestError, RpcError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import type { Logger } from "../../util/log.js";
import type { Clock } from "../clock.js";
import type { ScheduleInfo } from "../control.js";
import type { ScheduleDefinition } from "../definition/definition.js";
import type { RunJournal, StoredSchedule } from "../journal/run-journal.js";
import { CronTimes } from "./cron-times.js";

/** What a {@link Scheduler} needs. */
export interface SchedulerParts {
  /** Keeps how far each schedule has come, and those that stand in no file. */
  readonly journal: Pick<RunJournal, "schedules" | "setSchedule">;
  /** Begins a run, unless one of this id is there. */
  readonly start: (task: string, input: unknown, id: string) => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A schedule that is followed. */
interface Followed {
  readonly name: string;
  readonly definition: ScheduleDefinition;
  readonly source: "file" | undefined;
  readonly times: CronTimes;
  /** See {@link StoredSchedule}. */
  readonly since: number;
  lastAt: number | undefined;
  /** When a run is begun next; `null`: never. */
  nextAt: number | null;
  /** Gives up the time that is waited for; `undefined` while a run is being begun, and when it is followed no more. */
  stop: (() => void) | undefined;
  isOver: boolean;
}

/**
 * Begins runs by the clock. A run is named after its schedule and its time, so that no time begins two, however often the service is killed and
 * started again, and wherever the clock is put.
 */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #followed = new Map<string, Followed>();
  /** Those of the file, also where others stand in their place. */
  #file: ReadonlyMap<string, ScheduleDefinition> = new Map();
  #isClosed = false;
  /** Where the clock was when it was looked at last. */
  #seenAt = 0;
  #looking: NodeJS.Timeout | undefined;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
  }

  /** What is followed. */
  get definitions(): ReadonlyMap<string, ScheduleDefinition> {
    return new Map([...this.#followed].map(([name, { definition }]) => [name, definition]));
  }

  /**
   * Takes up what the journal and the file say: what was added at run time goes before what the file says under the same name.
   *
   * @param file - schedules of the file, which make sense
   */
  async open(file: ReadonlyMap<string, ScheduleDefinition>): Promise<void> {
    const { journal, log } = this.#parts;
    this.#file = file;
    const now = this.#parts.clock.now();
    const stored = new Map((await journal.schedules()).map((one) => [one.name, one]));
    for (const one of stored.values()) {
      if (one.source !== undefined && !file.has(one.name)) await journal.setSchedule(one.name, undefined);
      if (one.source !== undefined) continue;
      try {
        this.#follow(one.name, definitionOf(one), undefined, { since: one.since ?? now, lastAt: one.lastAt });
      } catch (error) {
        log.error(`The schedule ${one.name} is left out: ${(error as Error).message}`);
      }
    }
    for (const [name, definition] of file) {
      const known = stored.get(name);
      if (known?.source === "removed" || this.#followed.has(name)) continue;
      const isSame = known?.cron === definition.cron && known.timezone === definition.timezone;
      const followed = this.#follow(name, definition, "file", {
        since: isSame ? (known.since ?? now) : now,
        lastAt: known?.lastAt,
      });
      if (!isSame) await this.#keep(followed);
    }
  }

  /** Begins to follow: first makes up for what was missed, where that is wanted. */
  begin(): void {
    this.#looking = setInterval(() => {
      this.recheck();
    }, LOOK_MS);
    this.recheck();
    for (const followed of this.#followed.values()) this.#begin(followed);
  }

  /** Looks whether the clock was put back: what was far away then may be near. Done by itself once a minute. */
  recheck(): void {
    const now = this.#parts.clock.now();
    const wasPutBack = now < this.#seenAt;
    this.#seenAt = now;
    if (!wasPutBack) return;
    for (const followed of this.#followed.values()) {
      if (!followed.stop) continue;
      followed.stop();
      followed.nextAt = followed.times.after(now);
      this.#arm(followed);
    }
  }

  /** All schedules, by name. */
  list(): ScheduleInfo[] {
    const names = [...this.#followed.keys()].sort();
    return names.flatMap((name) => this.#followed.get(name) ?? []).map(infoOf);
  }

  /**
   * Adds or replaces one, from now on.
   *
   * @throws BadRequestError when it makes no sense; nothing has changed then
   */
  async set(name: string, definition: ScheduleDefinition): Promise<ScheduleInfo> {
    const since = this.#parts.clock.now();
    const lastAt = this.#followed.get(name)?.lastAt;
    // Throws before anything has changed.
    new CronTimes(definition.cron, definition.timezone);
    await this.#parts.journal.setSchedule(name, { ...definition, name, since, lastAt });
    this.#forget(name);
    const followed = this.#follow(name, definition, undefined, { since, lastAt });
    this.#arm(followed);
    return infoOf(followed);
  }

  /**
   * Removes one. Of one that was added in place of the file's, that of the file is followed again.
   *
   * @throws BadRequestError when there is none
   */
  async remove(name: string): Promise<void> {
    const found = this.#followed.get(name);
    if (!found) {
      const hint = didYouMean(name, this.#followed.keys());
      throw new BadRequestError(`There is no schedule ${JSON.stringify(name)}${hint}`, { outcome: "not-executed" });
    }
    const since = this.#parts.clock.now();
    const inFile = this.#file.get(name);
    const stored = inFile && { ...inFile, name, since, lastAt: found.lastAt };
    const source = found.source === "file" ? "removed" : "file";
    await this.#parts.journal.setSchedule(name, stored && { ...stored, source });
    this.#forget(name);
    if (inFile && source === "file") this.#arm(this.#follow(name, inFile, "file", { since, lastAt: found.lastAt }));
  }

  /** Names of the schedules that begin runs of a task. */
  needing(task: string): string[] {
    return [...this.#followed.values()].filter(({ definition }) => definition.task === task).map(({ name }) => name);
  }

  /** Begins nothing any more. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#looking);
    for (const name of [...this.#followed.keys()]) this.#forget(name);
  }

  #follow(
    name: string,
    definition: ScheduleDefinition,
    source: "file" | undefined,
    known: { readonly since: number; readonly lastAt: number | undefined },
  ): Followed {
    const times = new CronTimes(definition.cron, definition.timezone);
    const now = this.#parts.clock.now();
    const nextAt = times.after(now);
    const followed = { name, definition, source, times, ...known, nextAt, stop: undefined, isOver: false };
    this.#followed.set(name, followed);
    return followed;
  }

  #forget(name: string): void {
    const followed = this.#followed.get(name);
    if (!followed) return;
    followed.isOver = true;
    followed.stop?.();
    this.#followed.delete(name);
  }

  #begin(followed: Followed): void {
    const { definition, times, since, lastAt = -Infinity } = followed;
    const missed = times.upTo(this.#parts.clock.now());
    if (missed === null || missed <= Math.max(since, lastAt)) this.#arm(followed);
    else if (definition.missed === "last") void this.#start(followed, missed);
    else {
      this.#skipped(followed, missed);
      this.#arm(followed);
    }
  }

  #arm(followed: Followed): void {
    const { nextAt } = followed;
    if (followed.isOver || this.#isClosed || nextAt === null) return;
    followed.stop = this.#parts.clock.at(nextAt, () => {
      this.#look(followed, nextAt);
    });
  }

  #look(followed: Followed, nextAt: number): void {
    const now = this.#parts.clock.now();
    this.#seenAt = Math.max(this.#seenAt, now);
    followed.stop = undefined;
    const due = followed.times.upTo(now) ?? nextAt;
    followed.nextAt = followed.times.after(now);
    if (now - due <= LATE_MS || followed.definition.missed === "last") void this.#start(followed, due);
    else {
      this.#skipped(followed, due);
      this.#arm(followed);
    }
  }

  #skipped({ name }: Followed, time: number): void {
    this.#parts.log.info(`The schedule ${name} has missed ${isoOf(time)}, and skips it`);
  }

  async #start(followed: Followed, time: number): Promise<void> {
    const { name, definition } = followed;
    const { start, clock, log } = this.#parts;
    try {
      await start(definition.task, definition.input ?? null, `schedule:${name}:${isoOf(time)}`);
      if (followed.isOver) return;
      followed.lastAt = Math.max(time, followed.lastAt ?? 0);
      await this.#keep(followed);
    } catch (error) {
      if (followed.isOver) return;
      const { message } = error as Error;
      if (RpcError.isRpcError(error) && error.code === "UNAVAILABLE") {
        log.warn(`The schedule ${name} tries again to begin the run of ${isoOf(time)}: ${message}`);
        followed.stop = clock.at(clock.now() + AGAIN_MS, () => {
          followed.stop = undefined;
          void this.#start(followed, time);
        });
        return;
      }
      log.error(`The schedule ${name} cannot begin the run of ${isoOf(time)}: ${message}`);
    }
    this.#arm(followed);
  }

  #keep({ name, definition, source, since, lastAt }: Followed): Promise<void> {
    return this.#parts.journal.setSchedule(name, { ...definition, name, since, lastAt, source });
  }
}

function definitionOf({
  name: _name,
  lastAt: _lastAt,
  since: _since,
  source: _source,
  ...definition
}: StoredSchedule): ScheduleDefinition {
  return definition;
}

function infoOf({ name, definition, nextAt, lastAt }: Followed): ScheduleInfo {
  return { ...definition, name, nextAt, lastAt: lastAt ?? null };
}

/** As it stands in the ids of runs. */
function isoOf(time: number): string {
  return new Date(time).toISOString().replace(".000Z", "Z");
}

/** Who comes later than this, in milliseconds, was not there. */
const LATE_MS = 60_000;
/** How often it is looked whether the clock was put back, in milliseconds. */
const LOOK_MS = 60_000;
/** After how long what could not be written is tried again, in milliseconds. */
const AGAIN_MS = 5_000;
