import { ConfigurationError } from "../../errors.js";
import { metadata } from "../../peer/exposed/metadata.js";

/** What an `@Attribute` stands on, as the compiler's older decorators and the standard ones tell it. */
export interface AttributeDecorator {
  <This, T>(value: undefined, context: ClassFieldDecoratorContext<This, T>): (this: This, initial: T) => T;
  (target: object, key: string | symbol): void;
}

/** What messages have for decorators. */
interface Declaring {
  declareAttribute(name: string): void;
}

const ATTRIBUTES = "lamplighter:attributes";

/**
 * Declares an attribute of a class of messages: `@Attribute() field1 = "default"`. What stands behind it is the default, `null` if
 * there is nothing. For both kinds of decorators. nodeset: the attributes of a message's constructor.
 *
 * @throws ConfigurationError on what is no public field
 */
export function Attribute(): AttributeDecorator {
  return ((first: object, second: ClassFieldDecoratorContext | string | symbol): unknown => {
    const name = typeof second === "object" ? second.name : second;
    if (typeof name !== "string" || (typeof second === "object" && (second.static || second.private))) {
      throw new ConfigurationError("@Attribute is for public fields with a name");
    }
    if (typeof second === "object") {
      return function (this: Declaring, initial: unknown): unknown {
        this.declareAttribute(name);
        return initial === undefined ? null : initial;
      };
    }
    const known = (metadata().getOwnMetadata(ATTRIBUTES, first) as string[] | undefined) ?? [];
    metadata().defineMetadata(ATTRIBUTES, [...known, name], first);
    return undefined;
  }) as AttributeDecorator;
}

/**
 * Attributes that classes declare other than by the standard decorators, with their defaults; those of the classes above come first.
 *
 * @param root - the class at which to stop
 */
export function declaredAttributes(ofClass: object, root: object): Map<string, unknown> {
  const levels: object[] = [];
  for (let level: object | null = ofClass; level !== null && level !== root; level = above(level))
    levels.unshift(level);
  const found = new Map<string, unknown>();
  for (const level of levels) {
    const { prototype } = level as { readonly prototype: object };
    for (const name of (metadata().getOwnMetadata(ATTRIBUTES, prototype) as string[] | undefined) ?? []) {
      found.set(name, null);
    }
    const listed: unknown = Reflect.getOwnPropertyDescriptor(level, "attributes")?.value;
    if (typeof listed !== "object" || listed === null) continue;
    for (const [name, value] of Object.entries(listed)) found.set(name, value);
  }
  return found;
}

/** A default belongs to nobody: each message has its own. */
export function defaultOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? structuredClone(value) : value;
}

function above(level: object): object | null {
  return Object.getPrototypeOf(level) as object | null;
}
