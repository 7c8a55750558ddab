import { BadRequestError } from "../../errors.js";
import { isItemSource } from "../../util/item-source.js";

/** What a stream comes from. */
export type StreamSource = AsyncIterable<unknown> | ReadableStream<unknown> | IterableIterator<unknown>;

/** Is this something that travels as a stream? */
export function isStreamSource(value: object): value is StreamSource {
  return isItemSource(value);
}

/** Gives the items of a source. */
export type ItemIterator = AsyncIterator<unknown> | Iterator<unknown>;

/**
 * Begins to read a source. `return()` ends it at once, also one that is just being asked for its next item, as far as it can
 * be: web streams are cancelled and Node's destroyed, while a generator that is at work ends when that is done.
 *
 * @throws BadRequestError, `not-sent`, for a stream that somebody else reads, or has read
 */
export function iterate(source: StreamSource): ItemIterator {
  if (source instanceof ReadableStream) {
    if (source.locked) throw used();
    return new WebStreamIterator(source);
  }
  if (!(Symbol.asyncIterator in source)) return source[Symbol.iterator]();
  if (!isNodeStream(source)) return source[Symbol.asyncIterator]();
  if (source.readableEnded) throw used();
  // One that fails before it is asked for anything must not end the process.
  const iterator = holdSource(source)[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    return: () => {
      source.destroy();
      return iterator.return?.() ?? Promise.resolve(OVER);
    },
  };
}

/** Ends a source that will not be sent after all. One that fails while it ends has nobody to tell. */
export function discardSource(source: StreamSource): void {
  // A stream that is being read elsewhere is left alone: it cannot be cancelled from here.
  if (source instanceof ReadableStream) source.cancel().catch(ignore);
  else if (isNodeStream(source)) holdSource(source).destroy();
  else {
    try {
      Promise.resolve(iterate(source).return?.()).catch(ignore);
    } catch {
      // It has none to end.
    }
  }
}

/** Ends all sources that stand in a value: arguments, a result. Never throws. */
export function discardSources(value: unknown): void {
  try {
    findSource(value, (source) => {
      discardSource(source);
      return false;
    });
  } catch {
    // A value that throws when it is looked at, which is why it could not be sent.
  }
}

/** As {@link discardSources}, but for what is being read: whoever reads it may go on. */
export function discardUnusedSources(value: unknown): void {
  findSource(value, (source) => {
    // Generators that nobody has begun have nothing to end.
    const isUsed = source instanceof ReadableStream ? source.locked : !isNodeStream(source) || source.readableDidRead;
    if (!isUsed) discardSource(source);
    return false;
  });
}

/**
 * Sources that stand in a value are going to be read later: what they fail with until then is told when they are, and does
 * not end the process, as it does where nobody listens to a stream of Node's.
 */
export function holdSources(value: unknown): void {
  findSource(value, (source) => {
    if (isNodeStream(source)) holdSource(source);
    return false;
  });
}

/** Do any sources stand in a value? */
export function holdsSources(value: unknown): boolean {
  return findSource(value, () => true);
}

/**
 * Looks for sources in a value, as far as it consists of arrays, maps, sets and plain objects. What stands inside of
 * instances of classes is theirs.
 *
 * @param isIt - asked of each, until it says yes
 * @returns whether it has
 */
function findSource(value: unknown, isIt: (source: StreamSource) => boolean, depth = 0): boolean {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    // Large arguments are arrays of numbers: each costs a look, and no call.
    for (const member of value as readonly unknown[]) {
      if (typeof member === "object" && findSource(member, isIt, depth + 1)) return true;
    }
    return false;
  }
  if (ArrayBuffer.isView(value)) return false;
  if (isStreamSource(value)) return isIt(value);
  if (value instanceof Map) {
    for (const [key, member] of value) {
      if (findSource(key, isIt, depth + 1) || findSource(member, isIt, depth + 1)) return true;
    }
  } else if (value instanceof Set) {
    for (const member of value) if (findSource(member, isIt, depth + 1)) return true;
  } else if (isRecord(value)) {
    for (const name of Object.keys(value)) if (findSource(value[name], isIt, depth + 1)) return true;
  }
  return false;
}

/**
 * A value with others in the places of its sources. What leads to them is copied, and nothing else.
 *
 * @param other - what is to stand there
 */
export function replaceSources(value: unknown, other: (source: StreamSource) => unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH || ArrayBuffer.isView(value)) return value;
  const within = (member: unknown): unknown => replaceSources(member, other, depth + 1);
  if (!Array.isArray(value) && isStreamSource(value)) return other(value);
  if (!findSource(value, () => true, depth)) return value;
  if (Array.isArray(value)) return value.map(within);
  if (value instanceof Set) return new Set([...value].map(within));
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [within(key), within(member)]));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, within(member)]));
}

/** Proxies of services have no prototype either, but say what they are. */
function isRecord(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null) return prototype === Object.prototype;
  return (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === undefined;
}

/** Deeper down nobody looks: arguments and results are shallow where they hold streams. */
const MAX_DEPTH = 8;
const OVER: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The part of `stream.Readable` that matters here; to import it would cost who never sees one. */
interface NodeStream extends AsyncIterable<unknown> {
  readonly readableDidRead?: boolean;
  readonly readableEnded?: boolean;
  readonly closed?: boolean;
  destroy(): unknown;
  on(event: "error" | "close", listener: () => void): unknown;
}

/** Is this a stream of Node's? */
export function isNodeStream(source: StreamSource): source is NodeStream {
  const { destroy, on } = source as Partial<NodeStream>;
  return typeof destroy === "function" && typeof on === "function";
}

function holdSource(source: NodeStream): NodeStream {
  // Once is enough, however often it is given.
  if (!held.has(source)) source.on("error", ignore);
  held.add(source);
  return source;
}

const held = new WeakSet<NodeStream>();

function used(): BadRequestError {
  return new BadRequestError("A stream among the values is being read by somebody else, or was read before");
}

/** Its own iterator would wait for the item that is being read, before it cancels. */
class WebStreamIterator implements AsyncIterator<unknown> {
  readonly #reader: ReadableStreamDefaultReader<unknown>;

  constructor(stream: ReadableStream<unknown>) {
    this.#reader = stream.getReader();
  }

  async next(): Promise<IteratorResult<unknown>> {
    const step = await this.#reader.read();
    if (step.done) this.#reader.releaseLock();
    return step.done ? OVER : { done: false, value: step.value };
  }

  async return(): Promise<IteratorResult<unknown>> {
    await this.#reader.cancel();
    return OVER;
  }
}

function ignore(): void {
  // There is nobody to be told.
}
