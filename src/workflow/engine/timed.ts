import { StepFailed } from "./failure.js";
import type { Frame, RunContext } from "./frame.js";
import { Stop } from "./stop.js";

/**
 * Lets something take so much time, and stops it then.
 *
 * @param since - when it began, in milliseconds since 1970; that may have been in an earlier process
 * @param body - gets the frame that is stopped, the reason that it is stopped with, and what stops it at once when its time was over before it
 *   was taken up again
 */
export async function timed<T>(
  { parts }: RunContext,
  frame: Frame,
  { path, since, timeoutMs }: { readonly path: string; readonly since: number; readonly timeoutMs: number | undefined },
  body: (inner: Frame, late: StepFailed | undefined, stopIfLate: () => void) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return body(frame, undefined, () => undefined);
  const stop = new Stop(frame.stop);
  const message = `${path} took longer than ${timeoutMs} ms`;
  const late = new StepFailed({ code: "TIMEOUT", message, outcome: "executed", step: path });
  const letGo = parts.clock.at(since + timeoutMs, () => {
    stop.stop(late);
  });
  try {
    return await body({ ...frame, stop }, late, () => {
      if (parts.clock.now() >= since + timeoutMs) stop.stop(late);
    });
  } finally {
    letGo();
  }
}
