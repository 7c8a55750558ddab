import { ConfigurationError } from "../../errors.js";
import { metadata } from "../../peer/exposed/metadata.js";
import { methodsOf } from "../../util/methods-of.js";
import { type EventUri, formatEventUri, parseEventUri } from "./event-uri.js";
import type { NodeMessage } from "./message.js";

/**
 * A method that catches events: called with the message, then what the decorator was given beyond the event, then the address under
 * which the message was published. Its failure is told to the dispatcher's log.
 */
export type CatchMethod = (message: never, ...more: never[]) => unknown;

/** A method decorator of either kind: standard (TC39) or legacy (`experimentalDecorators`). */
export interface CatchDecorator {
  (value: CatchMethod, context: ClassMethodDecoratorContext): void;
  <T extends CatchMethod>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<T>): void;
}

/** What is kept of a method: what it catches, and what it is given besides. */
interface CatchMark {
  readonly uri: string;
  readonly extra: readonly unknown[];
}

const CATCH = "lamplighter:catch";

/**
 * Makes a method of a node catch an event, by its name: `@Catch("simple_event")`. With a slash the whole address has to be the same,
 * in whichever spelling: `@Catch("other/ev")`. Inherited; a method that overrides a marked one hides it unless it is marked itself.
 * It does not subscribe. nodeset: `catch`.
 *
 * @param extra - given to the method behind each message
 */
export function Catch(uri: string, ...extra: unknown[]): CatchDecorator {
  parseEventUri(uri);
  return ((first: object, second: ClassMethodDecoratorContext | string | symbol, third?: PropertyDescriptor): void => {
    const body: unknown = typeof second === "object" ? first : third?.value;
    const isOwn = typeof second !== "object" || !(second.static || second.private);
    if (typeof body !== "function" || !isOwn) {
      throw new ConfigurationError("@Catch is for public methods of nodes");
    }
    mark(body, { uri, extra });
  }) as CatchDecorator;
}

/**
 * The same without decorators: `catchEvents(SimpleNode.prototype, { simple_event: "caught" })`, methods by what they catch.
 *
 * @throws ConfigurationError when a name is no method of the prototype
 */
export function catchEvents(prototype: object, methods: Readonly<Record<string, string>>): void {
  for (const [uri, name] of Object.entries(methods)) {
    parseEventUri(uri);
    const body: unknown = Reflect.getOwnPropertyDescriptor(prototype, name)?.value;
    if (typeof body !== "function") throw new ConfigurationError(`${name} is no method of this prototype`);
    mark(body, { uri, extra: [] });
  }
}

function mark(body: object, added: CatchMark): void {
  const marks = metadata().getOwnMetadata(CATCH, body) as readonly CatchMark[] | undefined;
  metadata().defineMetadata(CATCH, [...(marks ?? []), added], body);
}

/** The methods of a node that catch events. */
export class Catchers {
  readonly #methods = new Map<string, (message: NodeMessage, uri: string) => unknown>();

  /** @param node - whose methods they are */
  constructor(node: object) {
    for (const { body } of methodsOf(node)) {
      for (const { uri, extra } of (metadata().getOwnMetadata(CATCH, body) as readonly CatchMark[] | undefined) ?? []) {
        const key = keyOf(uri);
        // One method an event; the nearest counts.
        if (this.#methods.has(key)) continue;
        const method = body as (...args: readonly unknown[]) => unknown;
        this.#methods.set(key, (message, published) => method.call(node, message, ...extra, published));
      }
    }
  }

  /** The method that catches what was published so: for the whole address, else for the event's name. */
  find(parsed: EventUri): ((message: NodeMessage, uri: string) => unknown) | undefined {
    if (this.#methods.size === 0) return undefined;
    return this.#methods.get(formatEventUri(parsed)) ?? this.#methods.get(parsed.event);
  }
}

function keyOf(uri: string): string {
  return uri.includes("/") ? formatEventUri(parseEventUri(uri)) : uri;
}
