import { readFileSync } from "node:fs";
import { RpcError } from "../errors.js";
import type { Protocol } from "../peer/protocol.js";
import { usageError } from "./exit.js";
import { loadModule } from "./load-module.js";
import { messageOf } from "./message.js";

/** Flags of `lamplighter call --wire amp`. */
export interface AmpFlags {
  /** `--command`: a file and what of it is the definition of the command, `math.js#Sum`. */
  readonly command?: string;
  /** `--tls-ca`: a file of certificates. */
  readonly tlsCa?: string;
}

/**
 * What a command of AMP is called by.
 *
 * @param name - of the command
 * @throws CommandError with status 2 for a definition or certificates that cannot be read, and a definition of another command
 */
export async function ampProtocol(name: string, { command, tlsCa }: AmpFlags): Promise<Protocol> {
  const { amp, commandOf } = await import("../compat/amp/index.js");
  const options = tlsCa === undefined ? {} : { tls: { ca: readCertificates(tlsCa) } };
  if (command === undefined) return amp({}, options);
  const definition = await loadDefinition(command);
  let known: ReturnType<typeof commandOf>;
  try {
    known = commandOf(definition as never);
  } catch (error) {
    throw usageError(`--command ${command}: ${messageOf(error)}`, error);
  }
  if (known.name === name) return amp({ [name]: known }, options);
  throw usageError(`--command ${command} is the definition of ${known.name}, and ${name} is to be called`);
}

/**
 * Values for AMP of a text in JSON: whole numbers of any size, octets as `{ "base64": … }`, times as `{ "dateTime": … }`.
 *
 * @throws SyntaxError for what is no JSON; RpcError for what is no time
 */
export async function parseAmpJson(text: string): Promise<unknown> {
  const { AmpDateTime } = await import("../compat/amp/index.js");
  // Whether a number is exact can be seen in the text only.
  const marked = text.replace(TOKEN, (token) => {
    const isLarge = /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));
    return isLarge ? JSON.stringify({ [INTEGER]: token }) : token;
  });
  return JSON.parse(marked, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const [member, ...others] = Object.entries<unknown>(value as Readonly<Record<string, unknown>>);
    if (others.length > 0 || typeof member?.[1] !== "string") return value;
    const [name, told] = member;
    if (name === INTEGER) return BigInt(told);
    if (name === "dateTime") return AmpDateTime.parse(told);
    return name === "base64" ? new Uint8Array(Buffer.from(told, "base64")) : value;
  }) as unknown;
}

/** What is known of a failed call, where a command declares its error: that itself says nothing of the call. */
export function callErrorOf(error: unknown): unknown {
  if (RpcError.isRpcError(error) || !(error instanceof Error)) return error;
  return RpcError.isRpcError(error.cause) ? error.cause : error;
}

async function loadDefinition(flag: string): Promise<unknown> {
  const at = flag.lastIndexOf("#");
  const file = flag.slice(0, at);
  const name = flag.slice(at + 1);
  if (at < 1 || name === "") throw usageError(`--command wants FILE#EXPORT, such as math.js#Sum, got ${flag}`);
  const exports = await loadModule(file);
  if (Object.hasOwn(exports, name)) return exports[name];
  throw usageError(`--command: ${file} exports no ${name} (it exports ${Object.keys(exports).join(", ")})`);
}

function readCertificates(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw usageError(`--tls-ca ${file} cannot be read: ${messageOf(error)}`, error);
  }
}

/** Texts, which are left as they are, and numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** No name that anybody would give to a value. */
const INTEGER = "\0integer";
