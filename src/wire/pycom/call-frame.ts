/**
 * The first frame of a request, part of its return address:
 *
 * ```text
 * L<call id>,<milliseconds left>,<sender's clock in milliseconds>      such as L17,30000,482113
 * ```
 *
 * Any PyCOM server echoes it untouched. A Lamplighter host reads the deadline from it, and sees by it that the caller
 * understands outcomes. Here, rather than in the JSON, it costs next to nothing: libzmq's binding is twice as slow with
 * frames of more than 128 bytes, which a small call would otherwise exceed.
 */
export function callFrame(
  id: number,
  timeoutMs: number | undefined = Infinity,
  sentAt: number | undefined = 0,
): Uint8Array {
  const told = Number.isFinite(timeoutMs);
  return Buffer.from(told ? `L${id},${Math.ceil(timeoutMs)},${Math.round(sentAt)}` : `L${id}`, "latin1");
}

/** What a {@link callFrame} says. */
export interface CallFrame {
  /** The caller's number of the call. */
  readonly id: number;
  /** As in the message; absent when the caller did not say. */
  readonly timeoutMs: number | undefined;
  /** As in the message. */
  readonly sentAt: number | undefined;
}

/** What a {@link callFrame} says; `undefined` when the frame is none. Reads digits by hand: every message passes here. */
export function readCallFrame(frame: Uint8Array | undefined): CallFrame | undefined {
  if (frame?.[0] !== LETTER || frame.length > MAX_LENGTH) return undefined;
  const numbers = [0, 0, 0];
  let field = 0;
  let digits = 0;
  for (let index = 1; index < frame.length; index++) {
    const digit = (frame[index] ?? 0) - ZERO;
    if (digit >= 0 && digit <= 9) {
      numbers[field] = (numbers[field] ?? 0) * 10 + digit;
      digits++;
    } else if (frame[index] === COMMA && digits > 0 && field < 2) {
      field++;
      digits = 0;
    } else return undefined;
  }
  if (digits === 0 || field === 1) return undefined;
  const [id = 0, timeoutMs = 0, sentAt = 0] = numbers;
  return field === 2 ? { id, timeoutMs, sentAt } : { id, timeoutMs: undefined, sentAt: undefined };
}

const LETTER = "L".charCodeAt(0);
const ZERO = "0".charCodeAt(0);
const COMMA = ",".charCodeAt(0);
/** Three numbers of up to 15 digits. */
const MAX_LENGTH = 48;
