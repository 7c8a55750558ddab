import type { PeerIdentity } from "../transport/index.js";
import type { AnswerMessage } from "../wire/message.js";
import type { CallerLoad } from "./caller-load.js";
import type { Dynamic, Remote } from "./remote.js";
import { MAX_CHUNK_BYTES } from "./streams/byte-stream.js";

/** How attachments travel on a connection. */
export interface AttachmentLimits {
  /** The wire's name, for errors. */
  readonly wire: string;
  /** Can they travel as streams? If not, they are whole. */
  readonly canStream: boolean;
  /** Largest message, in bytes. */
  readonly maxMessageBytes: number;
}

/**
 * Do so many bytes go whole, in the message of the call or answer that they belong to? Where streams travel, only what leaves
 * room for the rest of that message does.
 */
export function goesWhole(bytes: number, { canStream, maxMessageBytes }: AttachmentLimits): boolean {
  return !canStream || bytes <= maxMessageBytes / 2;
}

/** Largest chunk of a stream of bytes that is sent there: it has to fit into a message. */
export function maxChunkBytes({ maxMessageBytes }: AttachmentLimits): number {
  return Math.max(1, Math.min(MAX_CHUNK_BYTES, Math.floor(maxMessageBytes / 2)));
}

/** Where a call that is being served has come from, and where its answer goes. */
export interface CallOrigin {
  /** The connection that it came over, to tell callers apart. */
  readonly connection: object;
  /** The caller, as `host.peers` lists it; `undefined` for calls inside of a process. */
  readonly label: string | undefined;
  /** Who the caller is, as far as the link has proven it; absent: it has proven nothing. */
  readonly identity?: PeerIdentity | undefined;
  /**
   * What the caller has called the connection: together with the number of a call that names the call for good. `undefined`
   * where the caller cannot tell of a call that it has tried it before.
   */
  readonly connectionName: string | undefined;
  /** What the connection has under way; absent: it is not limited. @internal */
  readonly load?: CallerLoad | undefined;
  /** How attachments of calls and answers travel there. */
  readonly attachments: AttachmentLimits;
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
