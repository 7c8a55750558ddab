import { types } from "node:util";
import { ConfigurationError } from "../../errors.js";
import { methodsOf } from "../../util/methods-of.js";
import type { Box } from "../../wire/amp/index.js";
import { BadLocalReturnError } from "./errors.js";
import type { BoxResponder, ResponderContext, ResponderLocator } from "./locator.js";

/** A method that answers a command with boxes as they travel. */
type BoxMethod = (box: Box, context: ResponderContext) => unknown;

/**
 * Responders that are methods found by their names: `amp_SUM` answers `Sum`, and every other command of this name in upper case. Such a
 * method gets the values of the request as they came, and returns those of the answer: a `Map` from names to octets, at once or later.
 * Nothing is declared, so of errors only a `RemoteAmpError` travels. Twisted: `SimpleStringLocator`.
 *
 * Only methods that the object or its classes declare under such a name can be called, and nothing else of it.
 *
 * @throws ConfigurationError where there are none, and for a name such as `amp_sum`, which no command has in upper case
 */
export function boxMethods(object: object): ResponderLocator {
  const responders = new Map<string, BoxResponder>();
  for (const { key, body } of methodsOf(object)) {
    if (typeof key !== "string" || !key.startsWith(PREFIX)) continue;
    const name = key.slice(PREFIX.length);
    if (name !== upperCase(name)) {
      throw new ConfigurationError(
        `${key} is never called: names are looked up in upper case, ${PREFIX}${upperCase(name)}`,
      );
    }
    responders.set(name, responderOf(key, object, body as BoxMethod));
  }
  if (responders.size === 0) throw new ConfigurationError(`There are no methods named ${PREFIX}… here`);
  return { locateResponder: (name) => responders.get(upperCase(name)) };
}

const PREFIX = "amp_";

/** Octets are made upper-case as Python does it: letters of ASCII only. */
function upperCase(name: string): string {
  return name.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

function responderOf(key: string, object: object, body: BoxMethod): BoxResponder {
  return {
    async respond(box, context) {
      const answer: unknown = await Reflect.apply(body, object, [box, context]);
      if (isBox(answer)) return answer;
      throw new BadLocalReturnError(`${key} returned no box, which is a Map from names to octets (Uint8Array)`, {
        method: context.command,
      });
    },
  };
}

function isBox(value: unknown): value is Box {
  if (!types.isMap(value)) return false;
  return [...value].every(([key, octets]) => typeof key === "string" && types.isUint8Array(octets));
}
