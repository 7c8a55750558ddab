import { RpcError, rpcError } from "../../errors.js";

/** What failed: the file is damaged, the storage does not take it, or only what was given is wrong. */
export type FailureKind = "damaged" | "storage" | "given";

/** What an error of SQLite, or of reading what stands in it, says of the journal. */
export function failureKind(error: unknown): FailureKind {
  if (RpcError.isRpcError(error)) return error.code === "PROTOCOL" ? "damaged" : "given";
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== "string") return "storage";
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return "damaged";
  return /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH)/.test(code) ? "given" : "storage";
}

/** The journal takes nothing at present. */
export function cannotWrite(file: string, error: unknown): Error {
  if (RpcError.isRpcError(error)) return error;
  const { message } = error as Error;
  if (failureKind(error) === "given") {
    const text = `The journal ${file} does not take this: ${message}`;
    return rpcError("BAD_REQUEST", text, { outcome: "not-executed", cause: error });
  }
  const text = `The journal ${file} cannot be written: ${message}; runs go on when there is room`;
  return rpcError("UNAVAILABLE", text, { outcome: "not-executed", cause: error });
}

/** The journal cannot be read at present. */
export function cannotRead(file: string, error: unknown): Error {
  const text = `The journal ${file} cannot be read: ${(error as Error).message}`;
  return rpcError("UNAVAILABLE", text, { outcome: "not-executed", cause: error });
}

/** The journal turned out to be damaged while it was in use. */
export function isDamaged(file: string, error: unknown): Error {
  const text = `The journal ${file} is damaged: ${(error as Error).message}. Start the workflow service again: it checks the file then, and sets it aside`;
  return rpcError("UNAVAILABLE", text, { outcome: "not-executed", cause: error });
}

/** The journal was closed. */
export function isClosed(file: string): Error {
  return rpcError("CLOSED", `The journal ${file} is closed`);
}

/** There is no run of this number any more, or never was. */
export function noSuchRun(file: string, key: number): Error {
  return rpcError("BAD_REQUEST", `The journal ${file} has no run ${key}`, { outcome: "not-executed" });
}

/** A line of a history that cannot stand there. */
export function noSuchLine(file: string, key: number, number: number): Error {
  const text = `The journal ${file} has no run ${key}, or a line ${number} of it already, or one behind that`;
  return rpcError("BAD_REQUEST", text, { outcome: "not-executed" });
}
