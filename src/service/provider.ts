import type { InterfaceDefinition } from "../peer/exposed/definition.js";
import { metadata } from "../peer/exposed/metadata.js";
import type { Logger } from "../util/log.js";
import { methodsOf } from "../util/methods-of.js";
import { brandOf, hasBrand } from "../util/shared.js";
import type { SubscriberDesk } from "./subscriber-desk.js";

/** What a host gives to a {@link Provider}. */
export interface ProviderHost {
  /** Service path. */
  readonly service: string;
  /** This run of the host. */
  readonly incarnation: string;
  /** Largest message, in bytes. */
  readonly maxMessageBytes: number;
  /** Where SUB sockets that connect to the host are claimed. */
  readonly subscribers: SubscriberDesk;
  /** Told what happens. */
  readonly log: Logger;
}

/** What a {@link Provider} has of its host as long as it is provided there. */
export interface ProviderPart {
  /** What callers may call. */
  readonly interface: InterfaceDefinition;
  /** Under which name the host's statistics tell of it, together with others of the kind. */
  readonly section: string;
  /** What they tell: anything that goes as JSON. */
  stats(): unknown;
  /** The host closes: nothing is to run afterwards. Connections are still open, and closed when this is through. */
  close(): void;
}

/** Something that a host provides and that needs more of it than calls, such as a publication. */
export interface Provider {
  /** Name of its interface. */
  readonly name: string;
  /**
   * Begins to be provided by a host.
   *
   * @throws ConfigurationError when it cannot be, or is provided already
   */
  attachTo(host: ProviderHost): ProviderPart;
}

/** Marks the class of a {@link Provider}; see {@link brand}. */
export const PROVIDER: symbol = brandOf("Provider");

/** Is this a {@link Provider}? */
export function isProvider(value: unknown): value is Provider {
  return hasBrand(value, PROVIDER);
}

const MARK = "lamplighter:provider";

/**
 * Marks a method that stands for a provider.
 *
 * @param make - makes the provider for an object that has the method
 */
export function markProvider(body: object, make: (instance: object) => Provider): void {
  metadata().defineMetadata(MARK, make, body);
}

/** The providers that methods of an object stand for. */
export function providersOf(instance: object): Provider[] {
  return [...marksOf(instance)].map((make) => make(instance));
}

/** Has a class, or an object of it, methods that stand for providers? For looking through what a module exports. */
export function hasProviders(value: unknown): boolean {
  const object: unknown = typeof value === "function" ? value.prototype : value;
  if (typeof object !== "object" || object === null) return false;
  const prototype = Object.getPrototypeOf(object) as object | null;
  // Plain objects and the like have none, and their getters are nobody's business.
  if (typeof value !== "function" && (prototype === null || prototype === Object.prototype)) return false;
  for (const _ of marksOf(object)) return true;
  return false;
}

function* marksOf(object: object): Iterable<(instance: object) => Provider> {
  for (const { body } of methodsOf(object)) {
    const make: unknown = metadata().getOwnMetadata(MARK, body);
    if (make !== undefined) yield make as (instance: object) => Provider;
  }
}
