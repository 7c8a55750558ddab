import { RpcError } from "../../errors.js";
import { failureOf } from "../../peer/failures.js";
import { ToldFailure } from "../../peer/once/told-failure.js";

/**
 * An error to throw from a method, so that callers are told its own outcome: of what this service refuses they are to know that nothing was
 * done, also when the method had begun. Anything else comes back as it is.
 */
export function told(error: unknown): unknown {
  if (!RpcError.isRpcError(error)) return error;
  const outcome = error.outcome === "not-sent" ? "not-executed" : error.outcome;
  return new ToldFailure({ ...failureOf(error), outcome });
}
