import type { CallTarget } from "../../peer/named-call.js";
import type { ServiceRecord } from "../../peer/record.js";
import { randomText } from "../../util/random-text.js";
import type { RunJournal } from "../journal/run-journal.js";

/** Short names for who gets calls, so that not each line of a history has to say all that is known of them. */
export class CallTargets {
  readonly #journal: RunJournal;
  readonly #names = new WeakMap<ServiceRecord, string>();

  constructor(journal: RunJournal) {
    this.#journal = journal;
  }

  /** The name of one; what is written down after this can be understood. */
  nameOf({ record, incarnation }: CallTarget): string {
    const known = this.#names.get(record);
    if (known !== undefined) return known;
    const name = randomText(6);
    this.#names.set(record, name);
    const kept = incarnation === undefined ? record : { ...record, incarnation };
    // If it cannot be kept, nor can what is written after it.
    this.#journal.keepTarget(name, kept).catch(() => this.#names.delete(record));
    return name;
  }

  /** Who it is; `undefined` when that was not kept. */
  find(name: string): Promise<ServiceRecord | undefined> {
    return this.#journal.target(name);
  }
}
