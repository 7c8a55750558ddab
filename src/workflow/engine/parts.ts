import type { Logger } from "../../util/log.js";
import type { Clock } from "../clock.js";
import type { CodeFunction } from "../code-function.js";
import type { RunJournal } from "../journal/run-journal.js";
import type { StepCaller } from "./step-caller.js";

/** What an engine works with. */
export interface EngineParts {
  /** Opened and closed by somebody else. */
  readonly journal: RunJournal;
  /** Calls services. */
  readonly caller: StepCaller;
  /** Functions for `code` steps, by name. */
  readonly code: ReadonlyMap<string, CodeFunction>;
  /**
   * The next value that is published under the name of an interface.
   *
   * @throws RpcError when that cannot be found out; the signal's reason
   */
  readonly published: (interfaceName: string, topic: string | undefined, signal: AbortSignal) => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Chance, from 0 to 1. */
  readonly random: () => number;
}
