import { ConfigurationError } from "../errors.js";

/** Names that begin in a certain way, or one name: `com.foo.*`, `com.foo.example`, `*` for every name. */
export class NamePattern {
  readonly #beginning: string;
  readonly #isWhole: boolean;

  /**
   * @param pattern - a name, or the beginning of names and `*`
   * @throws ConfigurationError when it is no text, or has its `*` elsewhere
   */
  constructor(pattern: string) {
    if (typeof pattern !== "string" || pattern === "") {
      throw new ConfigurationError("A pattern of names is a text: a name, or the beginning of names and *");
    }
    this.#isWhole = !pattern.endsWith("*");
    this.#beginning = this.#isWhole ? pattern : pattern.slice(0, -1);
    if (this.#beginning.includes("*")) {
      throw new ConfigurationError(`The pattern ${JSON.stringify(pattern)} has a * that does not stand at its end`);
    }
  }

  /** Is this name one of them? */
  matches(name: string): boolean {
    return this.#isWhole ? name === this.#beginning : name.startsWith(this.#beginning);
  }
}

/**
 * Patterns of an option: one, several, or none for every name.
 *
 * @throws ConfigurationError when one is none
 */
export function namePatterns(option: string | readonly string[] | undefined): readonly NamePattern[] | undefined {
  if (option === undefined) return undefined;
  if (option.length === 0) throw new ConfigurationError("A list of names is empty: leave it out to mean every name");
  return (typeof option === "string" ? [option] : option).map((pattern) => new NamePattern(pattern));
}

/** Does one of the patterns match? Absent ones match every name. */
export function matchesAny(patterns: readonly NamePattern[] | undefined, name: string): boolean {
  return patterns === undefined || patterns.some((pattern) => pattern.matches(name));
}
