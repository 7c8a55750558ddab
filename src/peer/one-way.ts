import type { CallOrigin } from "./call-origin.js";
import type { Dynamic, Remote } from "./remote.js";

/** Where a call has come from whose caller wants no answer. */
export class OneWay implements CallOrigin {
  readonly connection: object;
  readonly label: string | undefined;
  /** Nobody tries it again. */
  readonly connectionName = undefined;
  readonly #end: CallOrigin;

  constructor(end: CallOrigin) {
    this.connection = end.connection;
    this.label = end.label;
    this.#end = end;
  }

  respond(): void {
    // Nobody waits for it. What failed is in the log, where the dispatcher puts it.
  }

  peer(interfaceName?: string): Remote<Dynamic> {
    return this.#end.peer(interfaceName);
  }
}
