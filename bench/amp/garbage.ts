import { randomBytes } from "node:crypto";

const BOX_OF_NOTHING = Buffer.from("0003666f6f0003626172" + "0000", "hex");
const HALF_BOX = Buffer.from("00085f636f6d6d616e64000353756d000161", "hex");

/** What breaks the protocol, whatever comes behind it: who sends it is to be closed. */
export const BROKEN: Readonly<Record<string, () => Buffer>> = {
  "random octets": () => Buffer.concat([Buffer.of(1 + Math.floor(Math.random() * 255)), randomBytes(1000)]),
  HTTP: () => Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  "an over-long key": () => Buffer.concat([Buffer.of(1, 0), Buffer.alloc(256, "k")]),
  "an empty box": () => Buffer.alloc(2),
  "a box without a kind": () => BOX_OF_NOTHING,
  "an answer that was not asked": () => Buffer.from("00075f616e737765720003666666" + "0000", "hex"),
  "an error without a code": () => Buffer.from("00065f6572726f72000131" + "0000", "hex"),
};

/** What may become a box one day, so that nobody is closed for it. */
export const UNFINISHED: Readonly<Record<string, () => Buffer>> = {
  "half a box": () => HALF_BOX,
  "half a box, of 64 KiB": () => Buffer.concat([HALF_BOX, Buffer.of(0xff, 0xff), Buffer.alloc(65_000)]),
  "a single octet": () => Buffer.alloc(1),
  "many pairs": () => Buffer.concat(Array.from({ length: 5_000 }, (_, n) => pair(n))),
};

function pair(n: number): Buffer {
  const key = `k${n}`;
  return Buffer.concat([Buffer.of(0, key.length), Buffer.from(key), Buffer.of(0, 1, 0)]);
}
