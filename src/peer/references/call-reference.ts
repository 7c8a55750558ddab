import { RpcError } from "../../errors.js";
import { servingCall } from "../call-context.js";
import { CallPromise, rejected } from "../call-promise.js";
import { discardSources, holdsSources } from "../streams/source.js";
import { goneError, type Import, importOf, lostError } from "./import.js";
import { copyPlain } from "./places.js";
import { remember, reviveReferences } from "./reacquire.js";

/**
 * Calls a method of something of the other end, `""` for a function itself. One that is lost is obtained again first, where
 * that can be done; all of it has to be done within the connection's time for calls.
 */
export function callReference(reference: Import, method: string, args: readonly unknown[]): CallPromise<unknown> {
  if (reference.isReleased) return refuse(lostError("was released; obtain it again", method), args);
  const { live } = reference;
  const { control } = live;
  const deadlineAt = Math.min(performance.now() + control.timeoutMs, servingCall()?.deadlineAt ?? Infinity);
  if (live.reacquire) {
    return new CallPromise((resolve, reject) => {
      persist(live, method, args, deadlineAt).then(resolve, reject);
    });
  }
  if (live.isReleased) return refuse(lostError("was released; obtain it again", method), args);
  return live.isLost ? refuse(goneError(control.label, method), args) : control.call(live.id, method, args, deadlineAt);
}

/** References in the result of a call of one can be obtained again as well, if the call may be made again. */
export function rememberCall(reference: Import, method: string, args: readonly unknown[], result: unknown): void {
  const { reacquire } = reference;
  if (!reacquire || !reference.shape.idempotent.includes(method) || holdsSources(args)) return;
  const kept = copyPlain(args) as readonly unknown[];
  remember(result, kept, async () => {
    if (!reference.isReleased && !reference.latest.isReleased) return await callReference(reference, method, kept);
    // Whoever holds what it gave may have let go of this one long since.
    const fresh = importOf(await reacquire());
    return fresh && (await callReference(fresh, method, kept));
  });
}

/** Calls it, obtaining it again as often as that is right. */
async function persist(
  reference: Import,
  method: string,
  args: readonly unknown[],
  deadlineAt: number,
): Promise<unknown> {
  const isOneShot = holdsSources(args);
  let doubt: RpcError | undefined;
  for (let tries = 1; ; tries++) {
    let live: Import;
    try {
      live = await reference.alive(method, deadlineAt);
      await reviveReferences(args);
    } catch (error) {
      if (isOneShot) discardSources(args);
      // That it may have been executed is the news.
      throw doubt ?? error;
    }
    try {
      const result = await live.control.call(live.id, method, args, deadlineAt);
      rememberCall(live, method, args, result);
      return result;
    } catch (error) {
      const isFinal = isOneShot || tries === MAX_TRIES || !RpcError.isRpcError(error);
      if (isFinal || !mayRepeat(error, live, method)) throw error;
      if (error.outcome === "unknown") doubt = error;
      live.isLost = true;
    }
  }
}

/** Another try is right when the call was not executed because the reference is lost, or when it may be executed twice. */
function mayRepeat({ code, outcome }: RpcError, { shape }: Import, method: string): boolean {
  if (code !== "UNAVAILABLE" && code !== "DRAINING" && code !== "REFERENCE_LOST") return false;
  return outcome === "unknown" ? shape.idempotent.includes(method) : outcome !== "executed";
}

/** A call that is not made: nobody will read the streams among its arguments. */
function refuse(error: RpcError, args: readonly unknown[]): CallPromise<never> {
  discardSources(args);
  return rejected(error);
}

/** Tries of one call over successors of one reference: services do not restart more often than this in its time. */
const MAX_TRIES = 3;
