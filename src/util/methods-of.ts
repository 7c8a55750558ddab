/** A method of an object, and where it is declared. */
export interface DeclaredMethod {
  /** Its name. */
  readonly key: string | symbol;
  /** The function; `this` is not bound. */
  readonly body: object;
  /** What declares it: the object itself, or a prototype. */
  readonly level: object;
}

/** The methods of an object and its classes, the nearest first; what they override is left out, and so is what all objects have. */
export function* methodsOf(object: object): Iterable<DeclaredMethod> {
  const seen = new Set<string | symbol>();
  for (
    let level: object | null = object;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    for (const key of Reflect.ownKeys(level)) {
      if (seen.has(key)) continue;
      seen.add(key);
      // Descriptors, not values: a getter is not run.
      const body: unknown = Reflect.getOwnPropertyDescriptor(level, key)?.value;
      if (typeof body === "function") yield { key, body, level };
    }
  }
}
