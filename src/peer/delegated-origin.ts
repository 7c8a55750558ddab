import type { PeerIdentity } from "../transport/index.js";
import type { AnswerMessage } from "../wire/message.js";
import type { AttachmentLimits, CallOrigin } from "./call-origin.js";
import type { CallerLoad } from "./caller-load.js";
import type { Dynamic, Remote } from "./remote.js";

/** A call that has come over a connection like any other, and whose answer is a matter of its own. */
export abstract class DelegatedOrigin implements CallOrigin {
  readonly connection: object;
  readonly label: string | undefined;
  /** Where it has come from. */
  protected readonly end: CallOrigin;

  constructor(end: CallOrigin) {
    this.connection = end.connection;
    this.label = end.label;
    this.end = end;
  }

  /** Nobody tries it again. */
  get connectionName(): string | undefined {
    return undefined;
  }

  get identity(): PeerIdentity | undefined {
    return this.end.identity;
  }

  get load(): CallerLoad | undefined {
    return this.end.load;
  }

  get attachments(): AttachmentLimits {
    return this.end.attachments;
  }

  abstract respond(answer: AnswerMessage): void;

  peer(interfaceName?: string): Remote<Dynamic> {
    return this.end.peer(interfaceName);
  }
}
