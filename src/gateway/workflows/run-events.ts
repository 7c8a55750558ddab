import type { IncomingMessage, ServerResponse } from "node:http";
import { sleep } from "../../util/sleep.js";
import type { ControlCall } from "../../workflow/client/control-call.js";
import { EventStream } from "../event-stream.js";
import { toJson } from "../json-values.js";
import type { OpenStreams } from "../open-streams.js";
import { problemOf } from "../problem.js";

/** What is followed. */
export interface FollowedRuns {
  readonly control: ControlCall;
  /** A run; absent: all. */
  readonly run: string | undefined;
  /** Asked at the beginning, and after something has happened: what is sent then as the event `changed`. */
  readonly look: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * Answers with server-sent events: `changed` with what can be seen, at the beginning and whenever something happens, but not more often than a
 * reader can see; `away` with a problem while the service does not answer. Goes on until the reader leaves.
 *
 * @throws RpcError `OVERLOADED` when there are too many
 */
export function sendRunEvents(
  request: IncomingMessage,
  response: ServerResponse,
  followed: FollowedRuns,
  streams: OpenStreams,
): void {
  streams.add(response);
  const left = new AbortController();
  const stream = new EventStream(request, response, { maxQueuedBytes: MAX_QUEUED_BYTES });
  void stream.closed.then(() => {
    left.abort();
  });
  void follow(stream, followed, left.signal);
}

/** Never rejects. */
async function follow(stream: EventStream, followed: FollowedRuns, signal: AbortSignal): Promise<void> {
  let last = "";
  const isOver = (): boolean => signal.aborted;
  const tell = (text: string): void => {
    if (text !== last) stream.send({ event: "changed", data: text });
    last = text;
  };
  while (!isOver()) {
    try {
      await followOnce(stream, followed, tell, signal);
    } catch (error) {
      if (isOver()) return;
      last = "";
      stream.send({ event: "away", data: toJson(problemOf(error)) });
    }
    // A run that has ended may be retried: it is looked at again, now and then.
    await sleep(PAUSE_MS, signal);
  }
}

async function followOnce(
  stream: EventStream,
  { control, run, look }: FollowedRuns,
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  signal.addEventListener("abort", end);
  let hasChanged = true;
  let wake: () => void = () => undefined;
  let failure: { readonly error: unknown } | undefined;
  const items = (await control("progress", { run }, { signal: over.signal }))[Symbol.asyncIterator]();
  const reading = (async () => {
    try {
      for (let step = await items.next(); step.done !== true; step = await items.next()) {
        hasChanged = true;
        wake();
      }
    } catch (error) {
      failure = { error };
    } finally {
      end();
      wake();
    }
  })();
  try {
    while (!signal.aborted && (hasChanged || !over.signal.aborted)) {
      if (hasChanged) {
        hasChanged = false;
        tell(JSON.stringify(await look(signal)));
        await stream.drained();
        await sleep(TOGETHER_MS, over.signal);
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    end();
    wake();
    signal.removeEventListener("abort", end);
    await items.return?.();
    await reading;
  }
  if (failure && !signal.aborted) throw failure.error;
}

/** What happens within so many milliseconds is shown together. */
const TOGETHER_MS = 150;
/** Before a service that does not answer, or a run that has ended, is asked again. */
const PAUSE_MS = 1_500;
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
