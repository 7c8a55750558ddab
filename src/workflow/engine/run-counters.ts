import type { HistoryEvent } from "../run.js";

/** How often something has happened in runs since the process began; rates are differences. */
export class RunCounters {
  /** Steps that began, and tries of calls. */
  started = 0;
  /** Steps that ended with a result. */
  done = 0;
  /** Steps that failed, and tries that did. */
  failed = 0;
  /** Questions that were asked. */
  asked = 0;
  /** Runs that ended, however they did. */
  ended = 0;

  /** As JSON can hold it. */
  read(): Readonly<Record<string, number>> {
    const { started, done, failed, asked, ended } = this;
    return { started, done, failed, asked, ended };
  }

  /** Something has happened. */
  note({ kind }: HistoryEvent): void {
    if (kind === "started" || kind === "done" || kind === "failed" || kind === "asked" || kind === "ended")
      this[kind]++;
  }
}
