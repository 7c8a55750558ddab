import { createHash, timingSafeEqual } from "node:crypto";

/** Are two secrets the same? Takes as long wherever they differ, and whatever their lengths. */
export function isSameSecret(given: string | Uint8Array, expected: string | Uint8Array): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(secret: string | Uint8Array): Buffer {
  return createHash("sha256").update(secret).digest();
}
