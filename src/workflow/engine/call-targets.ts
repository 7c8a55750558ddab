import { RpcError } from "../../errors.js";
import type { CallTarget } from "../../peer/named-call.js";
import type { ServiceRecord } from "../../peer/record.js";
import { randomText } from "../../util/random-text.js";
import type { RunJournal } from "../journal/run-journal.js";
import type { Room } from "./room.js";

/** Short names for who gets calls, so that not each line of a history has to say all that is known of them. */
export class CallTargets {
  readonly #journal: RunJournal;
  readonly #room: Room;
  readonly #names = new WeakMap<ServiceRecord, string>();
  /** Names that are being written down. */
  readonly #keeping = new Map<string, Promise<void>>();

  constructor(journal: RunJournal, room: Room) {
    this.#journal = journal;
    this.#room = room;
  }

  /** The name of one; {@link CallTargets.kept} tells when it is understood also in a later process. */
  nameOf({ record, incarnation }: CallTarget): string {
    const known = this.#names.get(record);
    if (known !== undefined) return known;
    const name = randomText(6);
    this.#names.set(record, name);
    const kept = incarnation === undefined ? record : { ...record, incarnation };
    const keeping = this.#keep(name, kept).finally(() => this.#keeping.delete(name));
    this.#keeping.set(name, keeping);
    keeping.catch(() => this.#names.delete(record));
    return name;
  }

  /** Settles when a name is written down; `undefined`: it is. @throws Suspended when the service is closed before it could be */
  kept(name: string): Promise<void> | undefined {
    return this.#keeping.get(name);
  }

  /** Waits until there is room, as runs do. */
  async #keep(name: string, record: ServiceRecord): Promise<void> {
    for (;;) {
      try {
        await this.#journal.keepTarget(name, record);
        return;
      } catch (error) {
        if (!RpcError.isRpcError(error) || error.code !== "UNAVAILABLE") throw error;
        await this.#room.lacking(error);
      }
    }
  }

  /** Who it is; `undefined` when that was not kept. */
  find(name: string): Promise<ServiceRecord | undefined> {
    return this.#journal.target(name);
  }
}
