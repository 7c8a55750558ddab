import { BadRequestError } from "../errors.js";

/** What becomes of items for which there is no room. */
export type OverflowPolicy = "drop-oldest" | "drop-newest" | "disconnect" | "block";

/** Each {@link OverflowPolicy}. */
export const OVERFLOW_POLICIES: readonly OverflowPolicy[] = ["drop-oldest", "drop-newest", "disconnect", "block"];

/** What a subscriber asks a publication for (docs/pubsub-wire.md, section 2). */
export interface SubscriptionRequest {
  /** Prefixes of topics; the empty one is all. */
  readonly topics: readonly string[];
  /** What becomes of items for which there is no room. */
  readonly policy: OverflowPolicy;
  /** Items for which the subscriber has room. */
  readonly buffer: number;
  /** For how many of them there is room now. */
  readonly room: number;
  /** Items of the past that it wants first, at most. */
  readonly replay: number;
  /** Does it want the last value of each topic, where they are kept? */
  readonly retained: boolean;
  /** What it has seen last: what came afterwards in the same run is sent again, as far as it is kept. */
  readonly after: { readonly incarnation: string; readonly sequence: number } | undefined;
}

/**
 * Reads what came over the wire.
 *
 * @throws BadRequestError with the name of the wrong argument
 */
export function readRequest(told: Readonly<Record<string, unknown>>): SubscriptionRequest {
  const { topics, policy, buffer, room, replay, retained, after } = told;
  if (!Array.isArray(topics) || topics.length === 0 || topics.length > MAX_PREFIXES || !topics.every(isTopic)) {
    throw new BadRequestError(
      `args.topics must be 1 to ${MAX_PREFIXES} texts of at most ${MAX_TOPIC_CHARS} characters`,
    );
  }
  if (topics.reduce((sum, { length }) => sum + length, 0) > MAX_PREFIX_CHARS) {
    throw new BadRequestError(`args.topics must not have more than ${MAX_PREFIX_CHARS} characters together`);
  }
  if (!OVERFLOW_POLICIES.includes(policy as OverflowPolicy)) {
    throw new BadRequestError(`args.policy must be one of ${OVERFLOW_POLICIES.join(", ")}`);
  }
  const items = count(buffer, "buffer", 1);
  return {
    topics,
    policy: policy as OverflowPolicy,
    buffer: items,
    room: count(room ?? items, "room", 0, items),
    replay: count(replay ?? 0, "replay", 0),
    retained: retained === true,
    after: after === undefined || after === null ? undefined : readAfter(after as Record<string, unknown>),
  };
}

function readAfter({ incarnation, sequence }: Readonly<Record<string, unknown>>): SubscriptionRequest["after"] {
  if (typeof incarnation !== "string") throw new BadRequestError("args.after.incarnation must be a text");
  return { incarnation, sequence: count(sequence, "after.sequence", 0, Number.MAX_SAFE_INTEGER) };
}

/** Can something be published under it? */
export function isTopic(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TOPIC_CHARS;
}

function count(value: unknown, name: string, least: number, most = MAX_BUFFER): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw new BadRequestError(`args.${name} must be a whole number from ${least} to ${most}`);
}

/** Prefixes of one subscription. */
const MAX_PREFIXES = 1_000;
/** Characters of all prefixes of one subscription. */
const MAX_PREFIX_CHARS = 65_536;
/** Longest topic. */
export const MAX_TOPIC_CHARS = 1_000;
/** Largest buffer, in items. */
export const MAX_BUFFER = 10_000_000;
