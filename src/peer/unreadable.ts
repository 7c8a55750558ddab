import { RpcError } from "../errors.js";

/** What a call fails with whose arguments could not be read or written: getters throw anything, and nothing was sent by then. */
export function unreadable(error: unknown): RpcError {
  return RpcError.from(error, "BAD_REQUEST", { outcome: "not-sent" });
}
