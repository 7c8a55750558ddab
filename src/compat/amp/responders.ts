import { ConfigurationError } from "../../errors.js";
import { Command } from "./command.js";
import { CommandLocator, type ResponderEntry } from "./command-locator.js";
import { joinLocators, type ResponderLocator } from "./locator.js";
import type { AmpPeer } from "./peer.js";
import { markedResponders } from "./responder-marks.js";

/** A class whose methods are responders; each connection gets an instance, which is made with the other end. */
export type ResponderClass = new (peer: AmpPeer) => object;

/**
 * What answers the commands of a connection:
 *
 * - what `respond` returns;
 * - an object whose methods are marked with `@Responder`: one for all connections;
 * - a class of such objects: an instance for each connection;
 * - anything with `locateResponder`, such as what `boxMethods` and `joinLocators` return;
 * - a list of all that, where the first that knows a command answers it, those of `respond` before others.
 */
export type Responders = ResponderEntry | ResponderLocator | ResponderClass | object | readonly Responders[];

/** Finds what answers the commands of a connection, whose other end is known. */
export type LocatorMaker = (peer: AmpPeer) => ResponderLocator;

/**
 * What makes the locator of each connection. To be asked once, where responders are given, so that mistakes show there; what it
 * returns throws only what a class of responders throws when an instance is made.
 *
 * @throws ConfigurationError for what has no responders, and where two answer one command
 */
export function locatorsOf(responders: Responders): LocatorMaker {
  if (Array.isArray(responders)) return ofList(responders as readonly Responders[]);
  if (typeof responders === "function") return ofClass(responders as ResponderClass);
  const given: unknown = responders;
  if (typeof given !== "object" || given === null) throw new ConfigurationError(`${WHAT}: this is none of it`);
  if (isEntry(given)) return ofList([given]);
  if (isLocator(given)) return () => given;
  const locator = ofInstance(given, requireMarked(given, given.constructor));
  return () => locator;
}

const WHAT =
  "Responders are what respond() returns, an object with methods marked with @Responder, or a class or a list of such";

function isEntry(value: unknown): value is ResponderEntry {
  if (typeof value !== "object" || value === null) return false;
  const { command, run } = value as Partial<ResponderEntry>;
  return Command.is(command) && typeof run === "function";
}

function isLocator(value: object): value is ResponderLocator {
  return typeof (value as Partial<ResponderLocator>).locateResponder === "function";
}

function ofList(list: readonly Responders[]): LocatorMaker {
  const own = new CommandLocator(list.filter(isEntry));
  const others = list.filter((one) => !isEntry(one)).map(locatorsOf);
  return (peer) => (others.length === 0 ? own : joinLocators(own, ...others.map((make) => make(peer))));
}

function ofInstance(instance: object, entries: readonly ResponderEntry[]): ResponderLocator {
  return new CommandLocator(
    entries.map(({ command, run }) => ({
      command,
      run: (args, context) => Reflect.apply<object, unknown[], unknown>(run as never, instance, [args, context]),
    })),
  );
}

function ofClass(Class: ResponderClass): LocatorMaker {
  const prototype = Class.prototype as object | undefined;
  if (!prototype) throw new ConfigurationError(`${WHAT}: a function is none of it`);
  const entries = requireMarked(prototype, Class);
  return (peer) => ofInstance(new Class(peer), entries);
}

function requireMarked(from: object, Class: unknown): readonly ResponderEntry[] {
  const entries = markedResponders(from);
  if (entries.length > 0) return entries;
  const name = typeof Class === "function" && Class !== Object ? Class.name : "";
  throw new ConfigurationError(
    `${name === "" ? "This object" : name} answers no command: mark its methods with @Responder(command)`,
  );
}
