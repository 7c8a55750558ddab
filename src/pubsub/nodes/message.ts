import { isDeepStrictEqual } from "node:util";
import { BadRequestError } from "../../errors.js";
import { declaredAttributes, defaultOf } from "./attribute.js";
import { pythonJson } from "./message-json.js";

/** To whom a message goes: `all` subscribers that match, or, with any other value, one of them in turn. */
export type DeliveryMode = "all" | "direct" | (string & {});

/** A class of messages. */
export type MessageClass<T extends NodeMessage = NodeMessage> = new () => T;

/** What can be given to fields of a message: those that its class declares. */
export type MessageFields<T extends NodeMessage> = Partial<Omit<T, Exclude<keyof NodeMessage, "_delivery_mode">>>;

/**
 * What nodes send: a bag of named attributes. nodeset: `NodeMessage`.
 *
 * A class of messages declares its attributes with `@Attribute()`, or without decorators by `static attributes`:
 *
 * ```ts
 * class SimpleMessage extends NodeMessage {
 *   @Attribute() field1: string | null = null;
 * }
 * class PlainMessage extends NodeMessage {
 *   static readonly attributes = { field1: null };
 *   declare field1: string | null;
 * }
 * ```
 *
 * What is received is always a `NodeMessage` itself, with the attributes of the class that it was sent as: read them as properties
 * (`message.field1`, `NodeMessage<{ field1: string }>` in types: {@link Received}) or by {@link NodeMessage.get}. Of a `NodeMessage`
 * itself every own property is an attribute; of a class of messages those that it declares, and those that were added.
 *
 * An attribute whose name begins with `_` is hidden: it travels, and is left out of JSON.
 */
export class NodeMessage {
  /** To whom it goes; default `all`. Hidden. */
  _delivery_mode: DeliveryMode = "all";
  /** Attributes that were declared or added; those of a `NodeMessage` itself are its own properties. */
  readonly #names = new Set<string>(["_delivery_mode"]);
  /** Attributes that are called as members of this class are. They are read by {@link NodeMessage.get}. */
  readonly #covered = new Map<string, unknown>();

  /** A message with the defaults of its class. */
  constructor() {
    for (const [name, value] of declaredAttributes(new.target, NodeMessage)) this.setAttribute(name, defaultOf(value));
  }

  /** Names of its attributes, the hidden ones included. */
  get attributeNames(): readonly string[] {
    const own = isBag(this) ? Object.keys(this) : [...this.#names].filter((name) => Object.hasOwn(this, name));
    return [...own, ...this.#covered.keys()];
  }

  /** Is there an attribute of that name? */
  has(name: string): boolean {
    if (this.#covered.has(name)) return true;
    return Object.hasOwn(this, name) && (isBag(this) || this.#names.has(name));
  }

  /**
   * The value of an attribute.
   *
   * @throws BadRequestError when there is none of that name
   */
  get(name: string): unknown {
    if (!this.has(name)) throw unknownAttribute(this, name);
    return this.#covered.has(name) ? this.#covered.get(name) : (this as unknown as Record<string, unknown>)[name];
  }

  /**
   * Changes an attribute.
   *
   * @throws BadRequestError when there is none of that name
   */
  set(name: string, value: unknown): void {
    if (!this.has(name)) throw unknownAttribute(this, name);
    this.setAttribute(name, value);
  }

  /** Changes an attribute, or adds it. */
  setAttribute(name: string, value: unknown): void {
    if (name in NodeMessage.prototype) {
      this.#covered.set(name, value);
      return;
    }
    this.#names.add(name);
    Object.defineProperty(this, name, { value, enumerable: true, configurable: true, writable: true });
  }

  /** An attribute is declared: its value is or will be an own property. For decorators. @internal */
  declareAttribute(name: string): void {
    this.#names.add(name);
  }

  /**
   * The attributes that are not hidden as one JSON object, as Python writes it.
   *
   * @throws BadRequestError for binary values
   */
  toJson(): string {
    const visible = this.attributeNames.filter((name) => !name.startsWith("_"));
    return pythonJson(new Map(visible.map((name) => [name, this.get(name)])));
  }

  /**
   * Takes each member of a JSON object as an attribute, whether there was one of that name or not. Nothing is removed.
   *
   * @throws BadRequestError for what is no JSON object
   */
  fromJson(json: string): this {
    let read: unknown;
    try {
      read = JSON.parse(json);
    } catch (error) {
      throw new BadRequestError(`A message is a JSON object: ${(error as Error).message}`, { cause: error });
    }
    if (typeof read !== "object" || read === null || Array.isArray(read)) {
      throw new BadRequestError("A message is a JSON object, and this is another value");
    }
    for (const [name, value] of Object.entries(read)) this.setAttribute(name, value);
    return this;
  }

  /** Has the other message an equal for each attribute of this one? */
  equals(other: NodeMessage): boolean {
    return this.attributeNames.every((name) => other.has(name) && isDeepStrictEqual(this.get(name), other.get(name)));
  }

  /** For printing, and `JSON.stringify`: the attributes that are not hidden. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(
      this.attributeNames.filter((name) => !name.startsWith("_")).map((name) => [name, this.get(name)]),
    );
  }
}

/** A message as it is received: with the attributes of the class that it was sent as. */
export type Received<Fields extends object = Record<string, unknown>> = NodeMessage & Fields;

/**
 * The travelling form of a message of a class: its attributes with their defaults, then `fields`. nodeset: `builder.createMessage`.
 *
 * @throws BadRequestError for a field that the class does not declare
 */
export function createMessage<T extends NodeMessage>(
  messageClass: MessageClass<T>,
  fields: MessageFields<T> = {},
): NodeMessage {
  const defaults = new messageClass();
  const message = new NodeMessage();
  for (const name of defaults.attributeNames) message.setAttribute(name, defaults.get(name));
  for (const [name, value] of Object.entries(fields)) message.set(name, value);
  return message;
}

/** Is it no class of messages, but the travelling form of them all? */
function isBag(message: NodeMessage): boolean {
  return Object.getPrototypeOf(message) === NodeMessage.prototype;
}

function unknownAttribute(message: NodeMessage, name: string): BadRequestError {
  const known = message.attributeNames.filter((one) => !one.startsWith("_")).join(", ");
  const others = known === "" ? "it declares none" : `there are ${known}`;
  return new BadRequestError(`${message.constructor.name} has no attribute ${JSON.stringify(name)}; ${others}`, {
    outcome: "not-sent",
  });
}
