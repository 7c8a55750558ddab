import { type RpcError, rpcError } from "../errors.js";
import type { MethodContract } from "../peer/contract.js";
import { joinSignals } from "../util/signals.js";
import type { EarlierTry } from "../wire/message.js";
import type { Instance, ReadyInstance } from "./instance.js";
import { mayRetry } from "./retry-policy.js";

/** A try whose connection broke before its answer came. The service may know what became of it. */
export interface LostTry {
  /** Names the call, over all its tries. */
  readonly call: string;
  /** The instance that got it. */
  readonly instance: Instance;
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
}

/** What is needed to ask for the running try; `undefined` when its peer would not know what is meant. */
export function lostTry(run: TriedCall, now: number): LostTry | undefined {
  const { instance, ready, contract, id, sentAt, failures } = run;
  // The first try gives the call its name.
  if (run.lost) return { ...run.lost, lostAt: now, failures };
  const identity = ready?.channel.identity;
  const host = ready?.contract?.host;
  const incarnation = identity?.incarnation ?? host?.incarnation;
  if (!instance || !identity || incarnation === undefined || run.isOneShot) return undefined;
  const journal = contract?.once ? host?.journal : undefined;
  return { call: `${identity.name}:${id}`, instance, incarnation, journal, sentAt, lostAt: now, failures };
}

/** What goes with another try of a call. */
export function describeEarlier(lost: LostTry, now: number, idempotent: boolean): EarlierTry {
  const { call, incarnation, journal, sentAt } = lost;
  return { call, incarnation, journal, ageMs: now - sentAt, idempotent };
}

/**
 * Another try of a call that may have been executed is sent only where that is known.
 *
 * @returns why not, `not-sent`
 */
export function refuseElsewhere(
  run: TriedCall,
  instance: Instance,
  { channel, contract }: ReadyInstance,
): RpcError | undefined {
  const { lost } = run;
  if (!lost || run.idempotent) return undefined;
  // The run of an address may have changed; the peer itself looks at that.
  const isKnown =
    instance === lost.instance || (lost.journal !== undefined && contract?.host?.journal === lost.journal);
  if (isKnown && channel.identity) return undefined;
  return rpcError("UNAVAILABLE", `${channel.address} does not know what became of the first try`, {
    service: channel.address,
  });
}

/** Where another try has to go; `undefined`: wherever the interface is provided. */
export function boundInstance({ lost, idempotent }: TriedCall): Instance | undefined {
  return idempotent || lost?.journal !== undefined ? undefined : lost?.instance;
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
  if (failure.code !== "UNAVAILABLE") return false;
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
