import { ConfigurationError } from "../errors.js";
import type { ArgumentType } from "../peer/contract.js";
import { type InterfaceMark, markInterface, markMethod } from "../peer/exposed/marks.js";
import { metadata } from "../peer/exposed/metadata.js";
import type { InterfaceOptions, MethodFunction, MethodOptions } from "../peer/exposed/method-options.js";

/** Any class, for type-level matching only. */
export type AnyClass = abstract new (...args: never[]) => object;

/** A class decorator of either kind: standard (TC39) or legacy (`experimentalDecorators`). */
export type InterfaceDecorator = <C extends AnyClass>(target: C, context?: ClassDecoratorContext<C>) => void;

/** A method decorator of either kind: standard (TC39) or legacy (`experimentalDecorators`). */
export interface MethodDecorator {
  (value: MethodFunction, context: ClassMethodDecoratorContext): void;
  <T extends MethodFunction>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<T>): void;
}

/**
 * Declares that a class provides an interface. One instance serves all requests. PyCOM: `@pycom.interface`.
 *
 * @throws ConfigurationError when the name is empty
 */
export function Interface(name: string, options: InterfaceOptions = {}): InterfaceDecorator {
  if (typeof name !== "string" || name === "") throw new ConfigurationError("@Interface needs the interface's name");
  return (target) => {
    markInterface(target, { name, ...options });
  };
}

/**
 * Makes a method callable from outside; nothing else is. PyCOM: `@pycom.method`.
 *
 * The mark belongs to the function, so a method that overrides a marked one hides it unless it is marked itself.
 *
 * @param options - the remote name, or {@link MethodOptions}
 */
export function Method(options: string | MethodOptions = {}): MethodDecorator {
  const declared = typeof options === "string" ? { name: options } : options;
  // The compiler tells the types of parameters right after this, and only where there is somebody to take them.
  metadata();
  // The second argument tells the two kinds apart: a context object, or the property's name.
  return (first: object, second: ClassMethodDecoratorContext | string | symbol, third?: PropertyDescriptor): void => {
    if (typeof second === "object") {
      if (second.static || second.private) throw new ConfigurationError("@Method is for public instance methods only");
      markMethod(first as MethodFunction, { name: nameOf(second.name), ...declared });
      return;
    }
    const body: unknown = third?.value;
    if (typeof body !== "function")
      throw new ConfigurationError(`@Method stands on ${String(second)}, which is no method`);
    const types: unknown = metadata().getMetadata("design:paramtypes", first, second);
    markMethod(
      body as MethodFunction,
      { name: nameOf(second), ...declared },
      Array.isArray(types) ? types.map(toType) : [],
    );
  };
}

/**
 * Marks methods of a class without decorators: `expose(Calculator.prototype, ["add"])`, or with options by name.
 *
 * @throws ConfigurationError when a name is no method of the prototype
 */
export function expose(
  prototype: object,
  methods: readonly string[] | Readonly<Record<string, MethodOptions>>,
  interfaceMark?: InterfaceMark,
): void {
  const entries = Array.isArray(methods)
    ? (methods as readonly string[]).map((name) => [name, {}] as const)
    : Object.entries(methods as Readonly<Record<string, MethodOptions>>);
  for (const [name, options] of entries) {
    const body: unknown = Reflect.getOwnPropertyDescriptor(prototype, name)?.value;
    if (typeof body !== "function") throw new ConfigurationError(`${name} is no method of this prototype`);
    markMethod(body as MethodFunction, { name, ...options });
  }
  if (interfaceMark) markInterface(prototype.constructor, interfaceMark);
}

function nameOf(key: string | symbol): string {
  if (typeof key === "string") return key;
  throw new ConfigurationError('A method whose key is a symbol needs a name: @Method("name")');
}

/** Types that the compiler writes down and that can be checked; others say nothing. */
function toType(type: unknown): ArgumentType | undefined {
  switch (type) {
    case String:
      return "string";
    case Number:
      return "number";
    case Boolean:
      return "boolean";
    case Array:
      return "array";
    default:
      return undefined;
  }
}
