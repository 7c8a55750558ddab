import { ConfigurationError } from "../../errors.js";
import { metadata } from "../../peer/exposed/metadata.js";
import { methodsOf } from "../../util/methods-of.js";
import { type Command, type CommandLike, commandOf } from "./command.js";
import { type AnyResponder, type ResponderEntry, type ResponderFunction, twoResponders } from "./command-locator.js";

/** A decorator of methods that answer a command, of either kind: standard (TC39) or legacy (`experimentalDecorators`). */
export interface ResponderDecorator<C extends CommandLike> {
  (value: ResponderFunction<C>, context: ClassMethodDecoratorContext): void;
  <T extends ResponderFunction<C>>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<T>): void;
}

/**
 * Makes a method the responder of a command. Twisted: `@Sum.responder`.
 *
 * ```ts
 * class Texts {
 *   @Responder(Upper) upper({ text }: ReceivedArguments<typeof Upper>) { return { text: text.toUpperCase() }; }
 * }
 * ```
 *
 * Classes that extend the class have it as well, unless a method of theirs answers the same command. The mark belongs to the function,
 * so a method that overrides a marked one hides it unless it is marked itself.
 *
 * @throws ConfigurationError for a command that cannot be so
 */
export function Responder<C extends CommandLike>(command: C): ResponderDecorator<C> {
  const marked = commandOf(command);
  // The second argument tells the two kinds apart: a context object, or the property's name.
  return (first: object, second: ClassMethodDecoratorContext | string | symbol, third?: PropertyDescriptor): void => {
    if (typeof second === "object") {
      if (second.static || second.private) {
        throw new ConfigurationError("@Responder is for public methods of instances only");
      }
      mark(first, marked);
      return;
    }
    const body: unknown = third?.value;
    if (typeof body !== "function" || typeof first === "function") {
      throw new ConfigurationError(`@Responder stands on ${String(second)}, which is no method of instances`);
    }
    mark(body, marked);
  };
}

const RESPONDER = "lamplighter:ampResponder";

function mark(body: object, command: Command): void {
  metadata().defineMetadata(RESPONDER, [...marksOf(body), command], body);
}

/** The commands that a function answers. */
function marksOf(body: object): readonly Command[] {
  return (metadata().getOwnMetadata(RESPONDER, body) as readonly Command[] | undefined) ?? [];
}

/**
 * The marked methods of an object and its classes, one for each command: that of the nearest class. `this` is not bound.
 *
 * @param from - an instance, or the prototype of a class
 * @throws ConfigurationError when two of one class answer the same command
 */
export function markedResponders(from: object): readonly ResponderEntry[] {
  const found = new Map<string, ResponderEntry>();
  const levels = new Map<string, object>();
  for (const { body, level } of methodsOf(from)) {
    for (const command of marksOf(body)) {
      const { name } = command;
      if (levels.get(name) === level) throw twoResponders(name);
      levels.set(name, level);
      if (!found.has(name)) found.set(name, { command, run: body as AnyResponder });
    }
  }
  return [...found.values()];
}
