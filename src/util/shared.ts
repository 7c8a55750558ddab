/**
 * One value for all copies of this package in a process: a command installed globally may load a module that brings its own.
 *
 * @param name - what it is for
 * @param make - makes it, for the copy that comes first
 */
export function shared<T>(name: string, make: () => T): T {
  const key = Symbol.for(`lamplighter.${name}`);
  const holder = globalThis as Record<symbol, unknown>;
  holder[key] ??= make();
  return holder[key] as T;
}

/** The mark of a class by its name, the same in all copies of this package. */
export function brandOf(name: string): symbol {
  return Symbol.for(`lamplighter.${name}`);
}

/** Marks a class, so that its instances are recognised by other copies of this package. */
export function brand(prototype: object, mark: symbol): void {
  Object.defineProperty(prototype, mark, { value: true });
}

/** Does a value carry the mark of {@link brand}? */
export function hasBrand(value: unknown, mark: symbol): boolean {
  return typeof value === "object" && value !== null && mark in value;
}
