import { listenToAbort } from "../../util/signals.js";
import type { RunProgress } from "../control.js";
import { ENDED_STATES, type HistoryEntry, type RunInfo } from "../run.js";
import { RunWatch } from "./run-watch.js";

/** What has happened in a run by now. */
export interface RunPast {
  readonly run: RunInfo;
  readonly entries: readonly HistoryEntry[];
}

/** Those who follow runs, one of them or all. */
export class Followers {
  readonly #watches = new Map<RunWatch, string | undefined>();
  #isClosed = false;

  /** Something has happened in a run. @param info - made only when somebody is there to be told */
  tell(run: string, entry: HistoryEntry | undefined, info: () => RunInfo): void {
    if (this.#watches.size === 0) return;
    const told = info();
    for (const [watch, followed] of this.#watches) {
      if (followed !== undefined && followed !== run) continue;
      watch.push({ run: told, ...(entry && { entry }) });
      if (followed !== undefined && ENDED_STATES.includes(told.state)) watch.end();
    }
  }

  /**
   * What happens, until the run ends, the signal fires, or nobody is told any more.
   *
   * @param run - default all, from now on
   * @param past - what has happened in it by now
   * @throws RpcError as of `past`; with code `OVERLOADED` when too much has waited to be taken
   */
  async *follow(
    run: string | undefined,
    past: (run: string) => Promise<RunPast>,
    signal: AbortSignal,
  ): AsyncGenerator<RunProgress, undefined> {
    const watch = new RunWatch();
    // What happens while the past is read is not lost.
    this.#watches.set(watch, run);
    const end = (): void => {
      watch.end();
    };
    listenToAbort(signal, end);
    try {
      if (signal.aborted || this.#isClosed) return undefined;
      let told = 0;
      if (run !== undefined) {
        const { run: info, entries } = await past(run);
        for (const entry of entries) yield { run: info, entry };
        told = entries.at(-1)?.number ?? 0;
        if (ENDED_STATES.includes(info.state)) {
          yield { run: info };
          watch.end();
        }
      }
      for await (const progress of watch) {
        if (!progress.entry || progress.entry.number > told) yield progress;
      }
      return undefined;
    } finally {
      signal.removeEventListener("abort", end);
      this.#watches.delete(watch);
    }
  }

  /** Nobody is told any more. */
  close(): void {
    this.#isClosed = true;
    for (const watch of this.#watches.keys()) watch.end();
  }
}
