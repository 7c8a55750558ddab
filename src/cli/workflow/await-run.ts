import { RpcError } from "../../errors.js";
import type { Logger } from "../../util/log.js";
import { sleep } from "../../util/sleep.js";
import type { ControlCall } from "../../workflow/client/control-call.js";
import { ENDED_STATES, type RunInfo } from "../../workflow/run.js";
import { CommandError, EXIT } from "../exit.js";
import { questionLines } from "./draw-run.js";
import { plain } from "./paint.js";

/** Which run is waited for, and how. */
export interface AwaitedRun {
  readonly service: string;
  readonly run: string;
  /** The service has answered before: it is waited for when it is not there. */
  readonly isKnown: boolean;
  /** In milliseconds; `undefined`: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** Ends the waiting, not the run. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Waits for the result of a run, through restarts of its service, and says when it asks something.
 *
 * @throws what the run failed with; CommandError when the run goes on and nobody waits any more
 */
export async function awaitRun(control: ControlCall, awaited: AwaitedRun): Promise<unknown> {
  const { run, timeoutMs, signal, log } = awaited;
  const until = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  const told = new Set<string>();
  let { isKnown } = awaited;
  let isAway = false;
  let hasEnded = false;
  let sliceMs = FIRST_SLICE_MS;
  const isStopped = (): boolean => signal.aborted;
  for (;;) {
    const leftMs = until - performance.now();
    if (isStopped() || leftMs <= 0) throw goesOn(awaited);
    const waitMs = Math.ceil(Math.min(leftMs, sliceMs));
    // A service that has answered before is waited for here, so that it can be told.
    const options = { ...(isKnown && { retry: false, waitForMs: 0 }), signal };
    try {
      return await control("wait", { run, timeoutMs: waitMs }, { ...options, timeoutMs: waitMs + MARGIN_MS });
    } catch (error) {
      if (isStopped()) throw goesOn(awaited);
      // A run may have failed with what looks like a failure of this very call.
      if (!RpcError.isRpcError(error) || hasEnded || !(error.code === "TIMEOUT" || isFarAway(error))) throw error;
      try {
        const info = await control("status", { run }, { ...options, timeoutMs: MARGIN_MS });
        isKnown = true;
        isAway = false;
        sliceMs = Math.min(MAX_SLICE_MS, sliceMs * 2);
        hasEnded = ENDED_STATES.includes(info.state);
        tell(info, awaited, told);
      } catch (failure) {
        if (isStopped()) throw goesOn(awaited);
        if (!isKnown || !RpcError.isRpcError(failure) || !isFarAway(failure)) throw failure;
        if (!isAway) log.warn(`${awaited.service} does not answer, and is waited for: ${failure.message}`);
        isAway = true;
        await sleep(PAUSE_MS, signal);
      }
    }
  }
}

/** Is it about the way to the service, which may come back? */
export function isFarAway({ code, outcome }: RpcError): boolean {
  return outcome === "unknown" || AWAY.has(code);
}

function tell(info: RunInfo, { service, log }: AwaitedRun, told: Set<string>): void {
  for (const question of info.questions) {
    const key = `${question.step} ${question.since}`;
    if (told.has(key)) continue;
    told.add(key);
    log.warn(`the run asks\n${questionLines(question, info, service, Date.now(), plain).join("\n")}`);
  }
}

function goesOn({ service, run }: AwaitedRun): CommandError {
  return new CommandError(`The run ${run} goes on, and is waited for no longer`, EXIT.unanswered, {
    hint: `"lamplighter workflow show ${service} ${run}" shows how it is doing, "… wait ${service} ${run}" waits again.`,
  });
}

const AWAY: ReadonlySet<string> = new Set([
  "UNAVAILABLE",
  "SERVICE_NOT_FOUND",
  "TIMEOUT",
  "DRAINING",
  "OVERLOADED",
  "CLOSED",
]);
/** After so long it is looked at what a run is waiting for; each time after twice as long. */
const FIRST_SLICE_MS = 250;
const MAX_SLICE_MS = 4_000;
/** For the answer itself. */
const MARGIN_MS = 5_000;
const PAUSE_MS = 500;
