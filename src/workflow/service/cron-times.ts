import { Cron } from "croner";
import { BadRequestError } from "../../errors.js";

/** The times that a line of cron stands for, in a time zone. All times are milliseconds since 1970, in whole seconds. */
export class CronTimes {
  readonly #cron: Cron;

  /**
   * @param timezone - as of the IANA; default `UTC`
   * @throws BadRequestError when either makes no sense
   */
  constructor(cron: string, timezone: string | undefined) {
    try {
      this.#cron = new Cron(cron, { timezone: timezone ?? "UTC", paused: true, mode: "5-or-6-parts" });
      // It looks at the time zone only when it is needed.
      this.#cron.nextRun();
    } catch (error) {
      const where = `The schedule ${JSON.stringify(cron)} in the time zone ${JSON.stringify(timezone ?? "UTC")}`;
      throw new BadRequestError(`${where} makes no sense: ${(error as Error).message}`, { cause: error });
    }
  }

  /** The first time after this one; `null`: there is none. */
  after(time: number): number | null {
    return this.#cron.nextRun(new Date(time))?.getTime() ?? null;
  }

  /** The last time that is not after this one; `null`: there is none. */
  upTo(time: number): number | null {
    return this.#cron.previousRuns(1, new Date(Math.floor(time / 1_000) * 1_000 + 1_000))[0]?.getTime() ?? null;
  }
}
