import { BadRequestError } from "../../errors.js";

/** What dispatchers provide. */
export const DISPATCHER_INTERFACE = "lamplighter.dispatcher";
/** What nodes provide to their dispatcher, over the connection that they have made. */
export const NODE_INTERFACE = "lamplighter.node";
/** What nodes provide to each other, at addresses of their own. */
export const STREAM_INTERFACE = "lamplighter.node.stream";

/** An event on its way: in order of the arguments of the methods that carry it. */
export interface Delivery {
  /** The address under which it was published, as it was written. */
  readonly uri: string;
  /** The run of the publishing node. */
  readonly publisher: string;
  /** Which of its events of this address and mode it is, from 1 on. */
  readonly number: number;
  /** Does it go to all who match? If not, to one of them in turn. */
  readonly isForAll: boolean;
  /** The attributes of the message, packed. */
  readonly body: readonly Uint8Array[];
}

/** Events as arguments of calls. */
export type DeliveryArguments = readonly [
  uri: string,
  publisher: string,
  number: number,
  isForAll: boolean,
  body: readonly Uint8Array[],
];

/** What a node says first over a connection. */
export interface Greeting {
  /** For people. */
  readonly name: string;
  /** Random id of its run. */
  readonly incarnation: string;
  /** Where streams reach it; absent: nowhere. */
  readonly address?: string | undefined;
  /** The public key that it has there, in Z85. */
  readonly key?: string | undefined;
}

/** What a dispatcher answers. */
export interface GreetingAnswer {
  /** Random id of its run. */
  readonly incarnation: string;
  /** Its label; `null` for none. */
  readonly label: string | null;
  /** After so many milliseconds without a sign of life the other end is taken for dead. */
  readonly limitMs: number;
}

/** A subscription as it is sent: the event's address, the node's name, and its number on the connection. */
export type SubscriptionEntry = readonly [uri: string, name: string, member: number];

/** Events that a node was not given, for too many waited: of one address and publisher. */
export type LostEntry = readonly [
  member: number,
  uri: string,
  publisher: string,
  isForAll: boolean,
  number: number,
  count: number,
];

/** A node that streams can reach. */
export interface StreamPeer {
  /** Its name. */
  readonly name: string;
  /** Where. */
  readonly address: string;
  /** Its number there. */
  readonly member: number;
  /** The public key that it has, in Z85. */
  readonly key?: string | undefined;
}

/** Can it be a name or an address? Dispatchers keep those of nodes, so that none is too long. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_NAME_CHARS;
}

const MAX_NAME_CHARS = 4_096;
/** For errors. */
export const NAMES_ARE_SHORT = "names and addresses have at most 4096 characters";

/**
 * Makes an event of the arguments of a call.
 *
 * @throws BadRequestError for what is none
 */
export function readDelivery(args: readonly unknown[]): Delivery {
  const [uri, publisher, number, isForAll, body] = args;
  if (
    !isName(uri) ||
    !isName(publisher) ||
    !isCount(number) ||
    typeof isForAll !== "boolean" ||
    !Array.isArray(body) ||
    body.length === 0 ||
    !body.every((part) => part instanceof Uint8Array)
  ) {
    throw new BadRequestError(
      `An event has an address, a publisher, a number from 1 on, a mode and a body; ${NAMES_ARE_SHORT}`,
    );
  }
  return { uri, publisher, number, isForAll, body };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** The other way. */
export function deliveryArguments({ uri, publisher, number, isForAll, body }: Delivery): DeliveryArguments {
  return [uri, publisher, number, isForAll, body];
}

/**
 * Reads what a node says first.
 *
 * @throws BadRequestError for what is none
 */
export function readGreeting(value: unknown): Greeting {
  const { name, incarnation, address, key } = (value ?? {}) as Partial<Record<keyof Greeting, unknown>>;
  if (!isName(name) || !isName(incarnation) || incarnation === "") {
    throw new BadRequestError(`A greeting has a name and an incarnation; ${NAMES_ARE_SHORT}`);
  }
  return {
    name,
    incarnation,
    address: isName(address) ? address : undefined,
    key: isName(key) ? key : undefined,
  };
}

/** Reads what a dispatcher says of nodes that take streams; what is none of them is left out. */
export function readPeers(value: unknown): StreamPeer[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((told: unknown) => {
    const { name, address, member, key } = (told ?? {}) as Partial<Record<keyof StreamPeer, unknown>>;
    if (typeof name !== "string" || typeof address !== "string" || typeof member !== "number") return [];
    return [{ name, address, member, key: typeof key === "string" ? key : undefined }];
  });
}
