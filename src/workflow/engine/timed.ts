import { StepFailed } from "./failure.js";
import type { Frame, RunContext } from "./frame.js";
import { Stop } from "./stop.js";

/**
 * Lets something take so much time, and stops it then.
 *
 * @param since - when it began, in milliseconds since 1970; that may have been in an earlier process
 * @param body - gets the frame that is stopped, and the reason that it is stopped with
 */
export async function timed<T>(
  { parts }: RunContext,
  frame: Frame,
  { path, since, timeoutMs }: { readonly path: string; readonly since: number; readonly timeoutMs: number | undefined },
  body: (inner: Frame, late: StepFailed | undefined) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return body(frame, undefined);
  const stop = new Stop(frame.stop);
  const message = `${path} took longer than ${timeoutMs} ms`;
  const late = new StepFailed({ code: "TIMEOUT", message, outcome: "executed", step: path });
  const letGo = parts.clock.at(since + timeoutMs, () => {
    stop.stop(late);
  });
  try {
    return await body({ ...frame, stop }, late);
  } finally {
    letGo();
  }
}
