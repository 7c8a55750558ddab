import { ProtocolError, type RpcError, rpcError } from "../../errors.js";
import type { PeerIdentity } from "../security.js";
import type { Command, Metadata } from "./command.js";

/** What a handshake brings to light. */
export interface HandshakeResult {
  /** What the peer says of itself: `socket-type`, `identity`. */
  readonly metadata: Metadata;
  /** Who it is. */
  readonly identity: PeerIdentity;
}

/** A step of a handshake. */
export interface Step {
  /** Body of the command to send now. */
  readonly send?: Buffer | undefined;
  /** Set by the last step. */
  readonly done?: HandshakeResult | undefined;
}

/** Flags and body of one frame. */
export interface SealedFrame {
  /** As in {@link FrameParser}. */
  readonly flags: number;
  /** The octets. */
  readonly body: Buffer;
}

/** The security of one connection: its handshake, and what becomes of frames afterwards. */
export interface Mechanism {
  /** As the greeting names it. */
  readonly name: "NULL" | "PLAIN" | "CURVE";
  /** The command that opens the handshake, for the end that begins. */
  begin(): Buffer | undefined;
  /**
   * Takes the peer's next command.
   *
   * @throws ProtocolError when it is out of order or malformed
   * @throws RpcError with code `ACCESS_DENIED` when either end refuses the other
   */
  receive(command: Command): Step | Promise<Step>;
  /** Encrypts a frame; absent: frames travel as they are. */
  readonly seal?: ((flags: number, body: Uint8Array) => Buffer) | undefined;
  /**
   * Decrypts a frame.
   *
   * @throws ProtocolError when it is not the peer's
   */
  readonly open?: ((body: Buffer) => SealedFrame) | undefined;
}

/** A command that has no place here. */
export function unexpected(command: Command, mechanism: string): Error {
  if (command.name === "ERROR") return refusal(command);
  return new ProtocolError(`The peer sent ${JSON.stringify(command.name)} out of order in its ${mechanism} handshake`);
}

/** What the peer's ERROR command means for the end that gets it: a status code of ZAP (RFC 27), or a text. */
function refusal({ body }: Command): RpcError {
  const reason = body.toString("latin1", 1, 1 + Math.min(body[0] ?? 0, 255)).replace(/[^\x20-\x7e]/g, ".");
  if (reason === "300" || reason === "500") {
    return rpcError("UNAVAILABLE", `The peer cannot check credentials now (status ${reason})`);
  }
  return rpcError("ACCESS_DENIED", `The peer refused the credentials${reason === "" ? "" : ` (status ${reason})`}`);
}

/** The peer's credentials are refused; it is told the status code, and nothing else. */
export class Refused extends Error {
  /** `400`: not admitted; `500`: the check failed. */
  readonly status: "400" | "500";

  constructor(status: "400" | "500", message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/**
 * Asks whether a peer may come in.
 *
 * @throws Refused when it may not, or when the check itself fails
 */
export async function admit(ask: () => string | undefined | Promise<string | undefined>, who: string): Promise<string> {
  let user: string | undefined;
  try {
    user = await ask();
  } catch (error) {
    throw new Refused("500", `The check of ${who} failed: ${(error as Error).message}`, error);
  }
  if (user === undefined) throw new Refused("400", `${who} was not admitted`);
  return user;
}
