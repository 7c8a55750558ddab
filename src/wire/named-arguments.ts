import { brand, brandOf, hasBrand } from "../util/shared.js";

/** Marks keyword arguments; made by {@link named}. */
export class NamedArguments {
  /** Values by argument name. */
  readonly values: Readonly<Record<string, unknown>>;

  /** Use {@link named}. */
  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
  }

  /** Is it such, of whichever copy of this package? */
  static is(value: unknown): value is NamedArguments {
    return hasBrand(value, MARK);
  }
}

const MARK = brandOf("NamedArguments");
brand(NamedArguments.prototype, MARK);

/**
 * Keyword arguments, as the last argument of a call: `query.add(3, named({ b: 4 }))`. Pseud's wire carries them as they are; on
 * the others the method has to declare them.
 */
export function named(values: Readonly<Record<string, unknown>>): NamedArguments {
  return new NamedArguments(values);
}
