import { types } from "node:util";
import { ProtocolError } from "../../errors.js";
import { Writer } from "../messagepack/writer.js";
import { decodeBody } from "./decode-value.js";
import { TranslationTable } from "./translation-table.js";

/** What an end that was challenged answers (docs/pseud-wire.md, section 5). */
export interface Login {
  /** Name of the user. */
  readonly login: Uint8Array;
  /** May be empty. */
  readonly password: Uint8Array;
}

/** The body of a HELLO. Both are octets: a Python server that has octets refuses texts. */
export function encodeLogin({ login, password }: Login): Buffer {
  const writer = new Writer();
  writer.array(2);
  writer.binary(login);
  writer.binary(password);
  return writer.take();
}

/**
 * What a HELLO says. Texts are taken as their UTF-8.
 *
 * @throws ProtocolError for octets that are no login
 */
export function decodeLogin(body: Uint8Array): Login {
  const items = decodeBody(body, NO_TYPES);
  const [login, password] = Array.isArray(items) && items.length === 2 ? items.map(octetsIn) : [];
  if (login && password) return { login, password };
  throw new ProtocolError("A HELLO is not made of login and password");
}

function octetsIn(value: unknown): Uint8Array | undefined {
  if (typeof value === "string") return Buffer.from(value);
  return types.isUint8Array(value) ? value : undefined;
}

/** Octets need none. */
const NO_TYPES = new TranslationTable();
