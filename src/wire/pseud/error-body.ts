import { type ErrorCode, ProtocolError } from "../../errors.js";
import type { ErrorMessage } from "../message.js";
import { Writer } from "../messagepack/writer.js";
import { decodeBody, textIn } from "./decode-value.js";
import type { ErrorItems } from "./error-items.js";
import { readToldLine } from "./error-names.js";
import { TranslationTable } from "./translation-table.js";

/** The octets of an error. It can always be written: half of a surrogate pair becomes U+FFFD. */
export function encodeErrorBody({ name, message, traceback }: ErrorItems): Buffer {
  const writer = new Writer();
  writer.array(3);
  writer.text(name);
  writer.text(message);
  writer.text(traceback);
  return writer.take();
}

/**
 * What an error says that came as the answer to a call.
 *
 * Python runs a job before it answers with an error, with one exception: a name that it does not find comes back as the message,
 * and then nothing was run. A job that itself met with such an error says more than the name.
 *
 * @param wasCalled - is this the name that was called?
 * @throws ProtocolError for octets that are no error
 */
export function decodeErrorBody(
  octets: Uint8Array,
  wasCalled: (name: string) => boolean = () => false,
): Pick<ErrorMessage, "code" | "number" | "outcome" | "remote" | "text"> {
  const items = decodeBody(octets, NO_TYPES);
  const texts: readonly (string | undefined)[] = Array.isArray(items) ? items.map(textIn) : [];
  const [name, message, traceback] = texts;
  if (name === undefined || message === undefined || traceback === undefined || texts.length !== 3) {
    throw new ProtocolError("An error is not made of three texts");
  }
  const stack = traceback === "" ? {} : { stack: traceback };
  const remote = { name, message: message === "" ? name : message, ...stack };
  const { code, number } = KNOWN.get(name) ?? { code: "UNKNOWN", number: 1 };
  if (code === "METHOD_NOT_FOUND" && wasCalled(message)) {
    // The name alone would be little to read.
    const text = `There is no job ${JSON.stringify(message)} for this caller`;
    return { code, number, outcome: "not-executed", remote, text };
  }
  const told = readToldLine(traceback);
  return { code: told?.code ?? code, number, outcome: told?.outcome ?? "executed", remote };
}

/** Texts need none. */
const NO_TYPES = new TranslationTable();

/** Classes that mean one of our codes, wherever they were raised; others are the job's own. */
const KNOWN: ReadonlyMap<string, { readonly code: ErrorCode; readonly number: number }> = new Map([
  ["ServiceNotFoundError", { code: "METHOD_NOT_FOUND", number: 2 }],
  ["UnauthorizedError", { code: "ACCESS_DENIED", number: 5 }],
  ["TimeoutError", { code: "TIMEOUT", number: 1 }],
]);
