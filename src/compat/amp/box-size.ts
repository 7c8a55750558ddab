import type { AttachmentLimits } from "../../peer/call-origin.js";
import type { Box } from "../../wire/amp/index.js";

/** Octets that a box takes on the way. */
export function boxBytes(box: Box): number {
  let bytes = 2;
  for (const [key, value] of box) bytes += key.length + value.byteLength + 4;
  return bytes;
}

/** AMP has no place for attachments, so they are whole wherever they come from. */
export function attachmentsOf(maxMessageBytes: number): AttachmentLimits {
  return { wire: "amp", canStream: false, maxMessageBytes };
}
