import type { AnswerMessage } from "../wire/message.js";
import type { Dynamic, Remote } from "./remote.js";

/** Where a call that is being served has come from, and where its answer goes. */
export interface CallOrigin {
  /** The connection that it came over, to tell callers apart. */
  readonly connection: object;
  /** The caller, as `host.peers` lists it; `undefined` for calls inside of a process. */
  readonly label: string | undefined;
  /**
   * What the caller has called the connection: together with the number of a call that names the call for good. `undefined`
   * where the caller cannot tell of a call that it has tried it before.
   */
  readonly connectionName: string | undefined;
  /** Takes the answer. */
  respond(answer: AnswerMessage): void;
  /**
   * A proxy of what the caller exposes.
   *
   * @param interfaceName - one interface of it; default: whichever has the method
   * @throws RpcError with code `CONFIGURATION` when the caller cannot be called, for its wire has no such thing
   */
  peer(interfaceName?: string): Remote<Dynamic>;
}
