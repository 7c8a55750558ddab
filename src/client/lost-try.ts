import { type RpcError, rpcError } from "../errors.js";
import type { MethodContract } from "../peer/contract.js";
import type { EarlierNamedTry } from "../peer/named-call.js";
import { joinSignals } from "../util/signals.js";
import type { EarlierTry } from "../wire/message.js";
import type { Instance, ReadyInstance } from "./instance.js";
import { mayRetry } from "./retry-policy.js";

/** A try whose connection broke before its answer came. The service may know what became of it. */
export interface LostTry {
  /** Names the call, over all its tries. */
  readonly call: string;
  /** The instance that got it; `undefined` for a try of an earlier process, while it is not found. */
  readonly instance: Instance | undefined;
  /** The run of that instance. */
  readonly incarnation: string;
  /** Where that instance writes down the calls of the method; `undefined`: nowhere. */
  readonly journal: string | undefined;
  /** When it was sent, in milliseconds of the wheel's clock. */
  readonly sentAt: number;
  /** When a connection was found broken last, in milliseconds of the wheel's clock. */
  readonly lostAt: number;
  /** Tries that had failed by then. */
  readonly failures: number;
  /** Of a call whose caller names it: no call of that name up to this number will be asked for. */
  readonly taken: number | undefined;
}

/** What is looked at of a call that is tried. */
export interface TriedCall {
  /** What is known of a try whose connection broke. */
  readonly lost: LostTry | undefined;
  /** Is it known to do no harm when it is executed twice? */
  readonly idempotent: boolean;
  /** Tries that failed. */
  readonly failures: number;
  /** The instance that the running try went to. */
  readonly instance: Instance | undefined;
  /** How that is reached. */
  readonly ready: ReadyInstance | undefined;
  /** What it says of the method. */
  readonly contract: MethodContract | undefined;
  /** Number of the running try on its channel. */
  readonly id: number;
  /** When it was sent, in milliseconds of the wheel's clock. */
  readonly sentAt: number;
  /** Can its arguments be sent only once? */
  readonly isOneShot: boolean;
  /** What the running try says of itself. */
  readonly again: EarlierTry | undefined;
}

/** The run that is reached there; `undefined` when it cannot be asked later what became of a call. */
export function incarnationOf({ channel, contract }: ReadyInstance): string | undefined {
  const { identity } = channel;
  return identity && (identity.incarnation ?? contract?.host?.incarnation);
}

/** What is known of a try that an earlier process made. */
export function earlierTry({ call, incarnation, journal, ageMs }: EarlierNamedTry, now: number): LostTry {
  return { call, instance: undefined, incarnation, journal, sentAt: now - ageMs, lostAt: now, failures: 0, taken: 0 };
}

/** What is needed to ask for the running try; `undefined` when its peer would not know what is meant. */
export function lostTry(run: TriedCall, now: number): LostTry | undefined {
  const { instance, ready, contract, id, sentAt, failures, again } = run;
  // The first try gives the call its name.
  if (run.lost) return { ...run.lost, lostAt: now, failures };
  const identity = ready?.channel.identity;
  const incarnation = ready && incarnationOf(ready);
  if (!instance || !identity || incarnation === undefined || run.isOneShot) return undefined;
  const journal = contract?.once ? ready.contract?.host?.journal : undefined;
  const call = again?.call ?? `${identity.name}:${id}`;
  return { call, instance, incarnation, journal, sentAt, lostAt: now, failures, taken: again?.taken };
}

/** What goes with another try of a call. */
export function describeEarlier(lost: LostTry, now: number, idempotent: boolean): EarlierTry {
  const { call, incarnation, journal, sentAt, taken } = lost;
  return { call, incarnation, journal, ageMs: now - sentAt, idempotent, taken };
}

/**
 * Another try of a call that may have been executed is sent only where that is known.
 *
 * @returns why not, `not-sent`
 */
export function refuseElsewhere(run: TriedCall, instance: Instance, ready: ReadyInstance): RpcError | undefined {
  const { lost } = run;
  if (!lost || run.idempotent) return undefined;
  const { channel, contract } = ready;
  // The run of an address may have changed; the peer itself looks at that.
  const isIt = lost.instance ? instance === lost.instance : incarnationOf(ready) === lost.incarnation;
  const isKnown = isIt || (lost.journal !== undefined && contract?.host?.journal === lost.journal);
  if (isKnown && channel.identity) return undefined;
  return rpcError("UNAVAILABLE", `${channel.address} does not know what became of the first try`, {
    service: channel.address,
  });
}

/** Where another try has to go; `undefined`: wherever the interface is provided. */
export function boundInstance(run: TriedCall): Instance | undefined {
  return isToAsk(run) ? run.lost?.instance : undefined;
}

/** Is the next try to go to one run alone, to ask there what became of an earlier one? */
export function isToAsk({ lost, idempotent }: TriedCall): boolean {
  return lost !== undefined && !idempotent && lost.journal === undefined;
}

/**
 * May the peer be asked what became of a call whose connection broke? When it cannot be reached, and has no journal that
 * would survive it, it is most likely gone, and waiting would only delay the bad news.
 */
export function mayAsk(run: TriedCall, failure: RpcError, now: number): boolean {
  const { lost } = run;
  if (!lost) return false;
  const isRefused = failure.outcome === "not-sent" || failure.outcome === "not-executed";
  if (lost.journal !== undefined && isRefused) return mayRetry(failure, false);
  if (failure.remote) return false;
  // A nameserver that was started anew as well, say with its machine, may not know all services yet.
  const isUnseen = failure.code === "SERVICE_NOT_FOUND" && !lost.instance;
  if (failure.code !== "UNAVAILABLE" && !isUnseen) return false;
  return lost.journal !== undefined || (run.failures - lost.failures <= MAX_ASKED && now - lost.lostAt < ASK_MS);
}

/** Connects to an instance that is to be asked; not for long, for a peer that says nothing is most likely stopped. */
export async function reach(
  address: string,
  guard: AbortSignal,
  prepare: (signal: AbortSignal) => Promise<ReadyInstance>,
): Promise<ReadyInstance> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => {
    giveUp.abort(rpcError("UNAVAILABLE", `${address} could not be reached within ${ASK_MS} ms`, { service: address }));
  }, ASK_MS);
  try {
    return await prepare(joinSignals(guard, giveUp.signal));
  } finally {
    clearTimeout(timer);
  }
}

/** Tries to reach a peer that is to be asked, after the one that was lost. */
const MAX_ASKED = 4;
/** Time for them, in milliseconds. */
const ASK_MS = 2_000;
