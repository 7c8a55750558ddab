import type { Client } from "../client/client.js";
import { ConfigurationError, type RpcError } from "../errors.js";
import type { Gap } from "./gap.js";
import type { Position, Wanted } from "./publisher-link.js";
import { isTopic, MAX_BUFFER, OVERFLOW_POLICIES, type OverflowPolicy } from "./subscription-request.js";

/** Options of {@link subscriber}. */
export interface SubscriberOptions {
  /** Finds the publishers; default the client of {@link configure}. */
  readonly client?: Client | undefined;
  /** Of what topics to take values: prefixes, of which one has to match. Default all. */
  readonly topics?: string | readonly string[] | undefined;
  /** Values that may wait to be taken; default 1,000. */
  readonly buffer?: number | undefined;
  /** Bytes that may wait to be taken; default 64 MiB. */
  readonly bufferBytes?: number | undefined;
  /**
   * What becomes of values for which there is no room: `drop-oldest` (default) and `drop-newest` tell of them by `gap`, `disconnect` ends
   * the subscription with an error, `block` lets publishers wait.
   */
  readonly policy?: OverflowPolicy | undefined;
  /** Values of the past to begin with, of each publisher at most so many, as far as it keeps them. Default none. */
  readonly replay?: number | undefined;
  /** Begin with the last value of each topic, where publishers keep it. Default true. */
  readonly retained?: boolean | undefined;
  /**
   * Where one has stopped before, by publisher ({@link Published}): what was published since is sent first, as far as it is kept, and what
   * is not is told as a gap. Default: begin now.
   */
  readonly resume?: readonly Position[] | undefined;
  /** Only publishers of this service. */
  readonly service?: string | undefined;
  /** Only publishers that carry all these tags. */
  readonly tags?: readonly string[] | undefined;
  /** The only publisher, by its address; no nameserver is asked. */
  readonly address?: string | undefined;
  /** The public key that the publisher at {@link SubscriberOptions.address} has to have, in Z85. */
  readonly serverKey?: string | undefined;
  /** How long `ready` waits for a publisher, in milliseconds; default 30,000. The subscriber itself waits for ever. */
  readonly timeoutMs?: number | undefined;
  /** Ends the subscriber. */
  readonly signal?: AbortSignal | undefined;
}

/** Events of a subscriber. */
export interface SubscriberEvents {
  /** Values are missing, or may be. */
  gap: [gap: Gap];
  /** A publisher has acknowledged the subscription, for the first time or again. */
  joined: [service: string];
  /** The connection to a publisher, or the publisher, is gone; the subscriber looks for it again. */
  lost: [service: string, reason: RpcError];
}

/** A value, and what is known of it. */
export interface Published<T> {
  /** What was published. */
  readonly value: T;
  /** What it was published under; empty for none. */
  readonly topic: string;
  /** The publisher's number of it, from 1 on in each run of the publisher. */
  readonly sequence: number;
  /** Service path of the publisher. */
  readonly service: string;
  /** The run of the publisher. */
  readonly incarnation: string | undefined;
}

/**
 * What the options come to.
 *
 * @throws ConfigurationError for one that makes no sense
 */
export function readWanted(name: string, options: SubscriberOptions): Wanted {
  const { topics = [""], buffer = 1_000, policy = "drop-oldest", replay = 0, retained = true } = options;
  const prefixes = typeof topics === "string" ? [topics] : topics;
  if (prefixes.length === 0 || !prefixes.every(isTopic)) {
    throw new ConfigurationError("The option topics is a prefix, or several");
  }
  if (!OVERFLOW_POLICIES.includes(policy)) {
    throw new ConfigurationError(
      `The option policy is one of ${OVERFLOW_POLICIES.join(", ")}, got ${JSON.stringify(policy)}`,
    );
  }
  for (const [option, value, least] of [
    ["buffer", buffer, 1],
    ["replay", replay, 0],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least && value <= MAX_BUFFER) continue;
    throw new ConfigurationError(
      `The option ${option} is a whole number from ${least} to ${MAX_BUFFER}, got ${String(value)}`,
    );
  }
  return { interface: name, topics: prefixes, policy, buffer, replay, retained };
}
