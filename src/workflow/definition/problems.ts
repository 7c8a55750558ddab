import { ConfigurationError } from "../../errors.js";

/** Something that is wrong with a definition. */
export interface DefinitionProblem {
  /** Where it was read from; `undefined`: it was made in the program. */
  readonly file: string | undefined;
  /** Where it stands: `tasks.order[2].parallel.pay`; empty: the definition as a whole. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly cure: string;
}

/**
 * A definition of a workflow is wrong; its code is `CONFIGURATION`. The message tells all that was found, a line each: file, path, what is wrong,
 * and what to do.
 */
export class DefinitionError extends ConfigurationError {
  /** All that was found, in the order of the definition as far as there is one; at most 100. */
  readonly problems: readonly DefinitionProblem[];

  /** Made of at least one problem. */
  constructor(problems: readonly DefinitionProblem[], options: { readonly cause?: unknown } = {}) {
    super(describe(problems), options);
    this.problems = problems;
  }
}

/** Collects what is wrong with a definition. */
export class Problems {
  readonly #file: string | undefined;
  readonly #found: DefinitionProblem[] = [];

  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** Adds one; what comes after the first hundred is let go. */
  add(path: string, message: string, cure: string): void {
    if (this.#found.length < MAX_PROBLEMS) this.#found.push({ file: this.#file, path, message, cure });
  }

  /** @throws DefinitionError if there is any */
  throwIfAny(): void {
    if (this.#found.length > 0) throw new DefinitionError(this.#found);
  }
}

/** The path of a member: `tasks.order`, `tasks["a b"]`. */
export function memberPath(path: string, name: string): string {
  if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(name)) return `${path}[${quote(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}

/** The path of an item: `tasks.order[2]`. */
export function itemPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** A name or text in a message: never long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/** A value in a message: what it is, not all of it. */
export function described(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return `the text ${quote(value)}`;
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const MAX_PROBLEMS = 100;

function describe(problems: readonly DefinitionProblem[]): string {
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  const lines = problems.map(({ file, path, message, cure }) => {
    return `  ${[file, path].map((part) => (part === undefined || part === "" ? "" : `${part}: `)).join("")}${message}; ${cure}`;
  });
  return [`The definition of the workflow has ${count}:`, ...lines].join("\n");
}
