import { RpcError } from "../../errors.js";
import { Gap } from "../../pubsub/gap.js";
import { Subscriber } from "../../pubsub/subscriber.js";
import type { OverflowPolicy } from "../../pubsub/subscription-request.js";
import { type ClientFlags, createClient } from "../client.js";
import { CommandError, EXIT, statusOfError, usageError } from "../exit.js";
import { interrupted } from "../interrupted.js";
import { jsonLine } from "../json.js";
import { createLogger } from "../log.js";
import { printLine } from "../print-line.js";
import { timeoutSetting } from "../settings.js";

/** Flags of `lamplighter subscribe`. */
export interface SubscribeFlags extends ClientFlags {
  readonly connect?: string;
  readonly service?: string;
  readonly topic?: readonly string[];
  readonly count?: string;
  readonly replay?: string;
  readonly buffer?: string;
  readonly policy?: string;
  readonly full?: boolean;
  readonly timeout?: string;
}

/** `lamplighter subscribe INTERFACE` */
export async function subscribeCommand(interfaceName: string, flags: SubscribeFlags): Promise<void> {
  const count = flags.count === undefined ? Infinity : wholeNumber(flags.count, "--count");
  const log = createLogger(flags);
  const signal = interrupted();
  await using client = createClient(flags);
  await using subscriber = new Subscriber(interfaceName, {
    client,
    signal,
    address: flags.connect,
    service: flags.service,
    topics: flags.topic,
    policy: (flags.policy ?? "drop-oldest") as OverflowPolicy,
    ...(flags.buffer !== undefined && { buffer: wholeNumber(flags.buffer, "--buffer") }),
    ...(flags.replay !== undefined && { replay: wholeNumber(flags.replay, "--replay") }),
    ...(flags.timeout !== undefined && { timeoutMs: timeoutSetting(flags.timeout) }),
  });
  subscriber
    .on("joined", (service) => {
      log.info(`subscribed to ${interfaceName} of ${service}`);
    })
    .on("lost", (service, reason) => {
      log.warn(`${service} is lost: ${reason.message}`);
    })
    .on("gap", ({ reason, missed, service }) => {
      log.warn(`gap: ${missed ?? "an unknown number of"} values of ${service} are missing (${reason})`);
    });
  if (flags.timeout === undefined) tellOfWaiting(subscriber, interfaceName, log);
  else await ready(subscriber, signal);
  if (count > 0) await printAll(subscriber, count, flags.full === true);
}

async function printAll(subscriber: Subscriber, count: number, isFull: boolean): Promise<void> {
  let printed = 0;
  for await (const one of subscriber.publications()) {
    if (one instanceof Gap) {
      const { reason, missed, service, incarnation } = one;
      if (isFull) await print({ gap: { reason, missed, service, incarnation } });
      continue;
    }
    await print(isFull ? one : one.value);
    if (++printed >= count) break;
  }
}

/** Without a deadline it waits for ever, and says so. */
function tellOfWaiting(subscriber: Subscriber, name: string, log: ReturnType<typeof createLogger>): void {
  const timer = setTimeout(() => {
    log.warn(`no publisher of ${name} was reached yet; "lamplighter list" shows what is there, or why nothing is`);
  }, TELL_MS).unref();
  const clear = (): void => {
    clearTimeout(timer);
  };
  subscriber.ready.then(clear, clear);
}

async function ready(subscriber: Subscriber, signal: AbortSignal): Promise<void> {
  try {
    await subscriber.ready;
  } catch (error) {
    if (signal.aborted) return;
    throw RpcError.isRpcError(error) && (error.code === "SERVICE_NOT_FOUND" || error.code === "UNAVAILABLE")
      ? new CommandError(error.message, EXIT.unreachable, { cause: error })
      : new CommandError((error as Error).message, statusOfError(error), { cause: error });
  }
}

function print(value: unknown): Promise<void> {
  return printLine(jsonLine(value).text);
}

function wholeNumber(text: string, what: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw usageError(`${what} wants a whole number, got ${text}`);
}

/** Time without a publisher after which that is told, in milliseconds. */
const TELL_MS = 3_000;
