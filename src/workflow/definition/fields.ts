import { didYouMean } from "../../util/did-you-mean.js";
import { checkAnyName } from "./names.js";
import { described, memberPath, type Problems, quote } from "./problems.js";
import { isPlain } from "./template.js";

/** Which numbers a member may have. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** Must it be above `min`? */
  readonly above?: boolean;
  readonly integer?: boolean;
}

/** The members of one object of a definition. What is wrong with one is told, and reads as if it were not there. */
export class Fields {
  /** Where the object stands. */
  readonly path: string;
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #problems: Problems;

  constructor(object: Readonly<Record<string, unknown>>, path: string, problems: Problems) {
    this.#object = object;
    this.path = path;
    this.#problems = problems;
  }

  /**
   * The members of a value.
   *
   * @param what - what it should be: `a schedule`
   * @returns `undefined`, and tells so, if it is no object
   */
  static of(value: unknown, path: string, what: string, problems: Problems): Fields | undefined {
    if (isPlain(value)) return new Fields(value, path, problems);
    problems.add(path, `is ${described(value)}`, `write ${what} as an object`);
    return undefined;
  }

  /** Where a member stands. */
  at(name: string): string {
    return memberPath(this.path, name);
  }

  /** Is there such a member? */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** A member as it is. */
  get(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  /** Names of what is there. */
  names(): string[] {
    return Object.keys(this.#object).filter((name) => this.#object[name] !== undefined);
  }

  /** Tells what is wrong with a member. */
  problem(name: string, message: string, cure: string): void {
    this.#problems.add(this.at(name), message, cure);
  }

  /** Tells of members that the object has not. @param what - whose they are: `a step that calls` */
  allow(known: readonly string[], what: string): void {
    for (const name of this.names()) {
      if (known.includes(name)) continue;
      const near = didYouMean(name, known);
      this.problem(
        name,
        `${what} has no ${quote(name)}${near}`,
        near === "" ? `it has ${known.join(", ")}` : "correct or remove it",
      );
    }
  }

  /** A text that is not empty. */
  text(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") this.problem(name, `is ${described(value)}`, "write a text");
    else if (value.trim() === "") this.problem(name, "is empty", "write a text, or remove it");
    else return value;
    return undefined;
  }

  /** Tells what is wrong with a name that stands in a member. */
  checkName(name: string, value: string, what: string): boolean {
    return checkAnyName(value, this.at(name), this.#problems, what);
  }

  /** Any text. */
  doc(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === "string") return value;
    this.problem(name, `is ${described(value)}`, "write a text");
    return undefined;
  }

  /** A text that is not empty; tells so where it is absent. */
  required(name: string, cure: string): string {
    if (!this.has(name)) this.problem(name, "is missing", cure);
    return this.text(name) ?? "";
  }

  /** Yes or no. */
  flag(name: string): boolean | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === "boolean") return value;
    this.problem(name, `is ${described(value)}`, "write true or false");
    return undefined;
  }

  /** A number of a range. */
  number(name: string, range: NumberRange): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const { min, max, above = false, integer = false } = range;
    const isRight =
      typeof value === "number" &&
      (above ? value > min : value >= min) &&
      value <= max &&
      (!integer || Number.isInteger(value));
    if (isRight) return value;
    const from = above ? `above ${min}` : `from ${min}`;
    this.problem(name, `is ${described(value)}`, `write ${integer ? "a whole number" : "a number"} ${from} to ${max}`);
    return undefined;
  }

  /** One of a few texts. */
  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    const near = typeof value === "string" ? didYouMean(value, choices) : "";
    this.problem(name, `is ${described(value)}${near}`, `write one of ${choices.map(quote).join(", ")}`);
    return undefined;
  }

  /** A list of texts, none empty and none twice. */
  texts(name: string, what: string): string[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) {
      this.problem(name, `is ${described(value)}`, `write a list of ${what}`);
      return undefined;
    }
    const found = new Set<string>();
    for (const [index, item] of (value as unknown[]).entries()) {
      const at = `${this.at(name)}[${index}]`;
      if (typeof item !== "string") this.#problems.add(at, `is ${described(item)}`, "write a text");
      else if (item.trim() === "") this.#problems.add(at, "is empty", "write a text, or remove it");
      else if (found.has(item)) this.#problems.add(at, `${quote(item)} is there twice`, "remove one of them");
      else found.add(item);
    }
    return [...found];
  }
}
