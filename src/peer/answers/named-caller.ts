import type { Linked } from "../../util/linked-list.js";
import { NumberTable } from "../../util/number-table.js";
import type { NamedExecution } from "./named-execution.js";

/** What a host knows of the calls of one NAME (docs/lamp-wire.md, section 7). */
export class NamedCaller implements Linked {
  previous: this | undefined = undefined;
  next: this | undefined = undefined;
  /** The secret that its calls are named by. */
  readonly name: string;
  /** Calls that are being carried out, or were and may be asked for. */
  readonly calls: NumberTable<NamedExecution> = new NumberTable<NamedExecution>();
  /** How many of them are being carried out. */
  running = 0;
  /** When it was looked at last, in milliseconds of the host's clock. */
  touchedAt = 0;
  /** Was anything heard of it, or answered to it, since then? */
  isActive = false;
  /** Nobody asks for calls up to this number. */
  taken = 0;
  /** Of calls up to this number nothing is known but what stands in {@link NamedCaller.calls}. */
  forgotten = 0;

  constructor(name: string) {
    this.name = name;
  }
}
