import { randomFillSync } from "node:crypto";

/**
 * Random octets as text of base64url; nobody can guess it. Octets are obtained many at a time, for to ask for a few costs as much as to
 * ask for some thousand.
 *
 * @param bytes - a multiple of three makes the shortest text
 */
export function randomText(bytes: number): string {
  if (at + bytes > POOL.length) {
    randomFillSync(POOL);
    at = 0;
  }
  at += bytes;
  const text = POOL.toString("base64url", at - bytes, at);
  // What was given away is not to be found here.
  POOL.fill(0, at - bytes, at);
  return text;
}

const POOL = Buffer.alloc(6_144);
let at = POOL.length;
