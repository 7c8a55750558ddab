import { BadRequestError } from "../errors.js";

/** Does a character fit? */
export type Test = (char: string) => boolean;

/** A parsed regular expression. */
export type Node =
  | { readonly kind: "char"; readonly test: Test }
  | { readonly kind: "assert"; readonly holds: (text: readonly string[], index: number) => boolean }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "choice"; readonly options: readonly Node[] }
  | { readonly kind: "repeat"; readonly body: Node; readonly min: number; readonly max: number };

/**
 * Parses the part of Python's `re` syntax that a linear engine can run.
 *
 * @throws BadRequestError that says what is wrong, and at which position
 */
export function parsePattern(pattern: string): Node {
  if (pattern.length > MAX_PATTERN) {
    throw new BadRequestError(`The pattern has ${pattern.length} characters, the limit is ${MAX_PATTERN}`);
  }
  return new Parser(pattern).parse();
}

const MAX_PATTERN = 1_000;
/** Nesting of groups: the parser calls itself for each. */
const MAX_DEPTH = 100;
/** Largest number in `{m,n}`. */
const MAX_COUNT = 1_000;

class Parser {
  readonly #chars: readonly string[];
  readonly #pattern: string;
  #at = 0;
  #depth = 0;
  #ignoreCase = false;
  #dotAll = false;
  #multiline = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#chars = Array.from(pattern);
  }

  parse(): Node {
    this.#globalFlags();
    const node = this.#choice();
    if (this.#at < this.#chars.length) throw this.#wrong("unbalanced parenthesis");
    return node;
  }

  #globalFlags(): void {
    const match = /^\(\?([a-zA-Z]+)\)/.exec(this.#pattern);
    if (!match) return;
    for (const flag of match[1] ?? "") {
      if (flag === "i") this.#ignoreCase = true;
      else if (flag === "s") this.#dotAll = true;
      else if (flag === "m") this.#multiline = true;
      else if (flag !== "u") throw this.#wrong(`the flag ${flag} is not supported`);
    }
    this.#at = match[0].length;
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    return options.length === 1 && options[0] ? options[0] : { kind: "choice", options };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#comment());
    for (let char = this.#peek(); char !== undefined && char !== "|" && char !== ")"; char = this.#peek()) {
      const atom = this.#atom();
      while (this.#comment());
      parts.push(this.#repeated(atom));
      while (this.#comment());
    }
    return { kind: "sequence", parts };
  }

  #repeated(atom: Node): Node {
    const range = this.#quantifier();
    if (!range) return atom;
    if (atom.kind === "assert") throw this.#wrong("nothing to repeat");
    // Whether a repetition is lazy changes what is matched, not whether something is.
    this.#take("?");
    if (this.#peek() === "+") throw this.#wrong("possessive repetition is not supported");
    if (this.#quantifier()) throw this.#wrong("multiple repeat");
    return { kind: "repeat", body: atom, ...range };
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Infinity };
    if (this.#take("+")) return { min: 1, max: Infinity };
    if (this.#take("?")) return { min: 0, max: 1 };
    const counts = /^\{(?:(\d+)|(\d*),(\d*))\}/.exec(this.#rest());
    // As in Python, braces that hold no count stand for themselves.
    if (!counts) return undefined;
    this.#at += counts[0].length;
    const exact = counts[1] === undefined ? undefined : Number(counts[1]);
    const min = exact ?? (counts[2] ? Number(counts[2]) : 0);
    const max = exact ?? (counts[3] ? Number(counts[3]) : Infinity);
    if (min > MAX_COUNT || (max !== Infinity && max > MAX_COUNT)) {
      throw this.#wrong(`a repetition of more than ${MAX_COUNT}`);
    }
    if (min > max) throw this.#wrong("the smaller count stands last");
    return { min, max };
  }

  #comment(): boolean {
    if (!this.#rest().startsWith("(?#")) return false;
    const end = this.#chars.indexOf(")", this.#at);
    if (end < 0) throw this.#wrong("unterminated comment");
    this.#at = end + 1;
    return true;
  }

  #atom(): Node {
    if (this.#quantifier()) throw this.#wrong("nothing to repeat");
    const char = this.#next();
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "char", test: this.#class() };
      case "\\":
        return this.#escape();
      case ".":
        return this.#charNode(this.#dotAll ? () => true : (candidate) => candidate !== "\n");
      case "^": {
        const multiline = this.#multiline;
        return assertion((text, index) => index === 0 || (multiline && text[index - 1] === "\n"));
      }
      case "$": {
        const multiline = this.#multiline;
        return assertion(
          (text, index) => index === text.length || (text[index] === "\n" && (multiline || index === text.length - 1)),
        );
      }
      default:
        return this.#charNode(equals(char));
    }
  }

  #group(): Node {
    if (++this.#depth > MAX_DEPTH) throw this.#wrong(`groups are nested more than ${MAX_DEPTH} deep`);
    if (this.#take("?")) {
      const named = /^P<[A-Za-z_]\w*>/.exec(this.#rest());
      if (named) this.#at += named[0].length;
      else if (!this.#take(":")) {
        throw this.#wrong("look-around, back-references, conditions and flags for a part are not supported");
      }
    }
    const node = this.#choice();
    if (!this.#take(")")) throw this.#wrong("unterminated group");
    this.#depth--;
    return node;
  }

  #escape(): Node {
    const char = this.#next();
    switch (char) {
      case "A":
        return assertion((_text, index) => index === 0);
      case "Z":
        return assertion((chars, index) => index === chars.length);
      case "b":
        return assertion((chars, index) => isWord(chars[index - 1] ?? "") !== isWord(chars[index] ?? ""));
      case "B":
        // Python's own exception: an empty text has no place that is no boundary.
        return assertion((chars, index) => {
          return chars.length > 0 && isWord(chars[index - 1] ?? "") === isWord(chars[index] ?? "");
        });
      default: {
        const set = SETS[char];
        return set
          ? { kind: "char", test: set }
          : this.#charNode(equals(this.#escaped(char, /^(?:0[0-7]{0,2}|[1-3][0-7]{2})/)));
      }
    }
  }

  /** The character that an escape stands for; `octal` tells which digits are one, not a back-reference. */
  #escaped(char: string, octal: RegExp): string {
    const number = octal.exec(char + this.#rest())?.[0];
    if (number !== undefined) {
      this.#at += number.length - 1;
      return String.fromCodePoint(Number.parseInt(number, 8));
    }
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    const digits = { x: 2, u: 4, U: 8 }[char];
    if (digits !== undefined) {
      const hex = new RegExp(`^[0-9a-fA-F]{${digits}}`).exec(this.#rest())?.[0];
      const code = hex === undefined ? NaN : Number.parseInt(hex, 16);
      if (!(code <= 0x10ffff)) throw this.#wrong(`incomplete escape \\${char}`);
      this.#at += digits;
      return String.fromCodePoint(code);
    }
    if (/[0-9]/.test(char)) throw this.#wrong("back-references are not supported");
    if (/[a-zA-Z]/.test(char)) throw this.#wrong(`bad escape \\${char}`);
    return char;
  }

  #class(): Test {
    const negated = this.#take("^");
    const tests: Test[] = [];
    for (let first = true; first || this.#peek() !== "]"; first = false) {
      const low = this.#classMember();
      if (this.#peek() === "-" && this.#chars[this.#at + 1] !== "]" && this.#at + 1 < this.#chars.length) {
        this.#at++;
        const high = this.#classMember();
        tests.push(this.#caseless(this.#range(low, high)));
      } else tests.push(low.char === undefined ? low.test : this.#caseless(low.test));
    }
    this.#at++;
    return (char) => tests.some((test) => test(char)) !== negated;
  }

  #classMember(): { readonly test: Test; readonly char: string | undefined } {
    const char = this.#next();
    if (char !== "\\") return { test: equals(char), char };
    const escaped = this.#next();
    if (escaped === "b") return { test: equals("\b"), char: "\b" };
    if (SETS[escaped]) return { test: SETS[escaped], char: undefined };
    const meant = this.#escaped(escaped, /^(?:[0-3][0-7]{2}|[0-7]{1,2})/);
    return { test: equals(meant), char: meant };
  }

  #range(low: { char: string | undefined }, high: { char: string | undefined }): Test {
    const from = low.char?.codePointAt(0);
    const to = high.char?.codePointAt(0);
    if (from === undefined || to === undefined || from > to) throw this.#wrong("bad character range");
    return (char) => {
      const code = char.codePointAt(0) ?? -1;
      return code >= from && code <= to;
    };
  }

  #charNode(test: Test): Node {
    return { kind: "char", test: this.#caseless(test) };
  }

  /** For single characters and ranges; a set such as `\w` knows no case. Cases that are two letters (ß) do not count. */
  #caseless(test: Test): Test {
    if (!this.#ignoreCase) return test;
    return (char) => {
      const upper = char.toUpperCase();
      return [char, char.toLowerCase(), upper, upper.toLowerCase()].some((c) => Array.from(c).length === 1 && test(c));
    };
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #next(): string {
    const char = this.#chars[this.#at];
    if (char === undefined) throw this.#wrong("the pattern ends too early");
    this.#at++;
    return char;
  }

  #take(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #rest(): string {
    return this.#chars.slice(this.#at, this.#at + 100).join("");
  }

  #wrong(what: string): BadRequestError {
    return new BadRequestError(
      `The pattern ${JSON.stringify(this.#pattern)} is no regular expression for here: ${what} at position ${this.#at}`,
    );
  }
}

const isWord: Test = (char) => /^[\p{L}\p{N}_]$/u.test(char);
const isDigit: Test = (char) => /^\p{Nd}$/u.test(char);
/** Python's white space: four separators and NEL more than JavaScript's, the byte order mark less. */
const isSpace: Test = (char) => /^[\s\x1c-\x1f\x85]$/u.test(char) && char !== "\ufeff";

const SETS: Readonly<Record<string, Test | undefined>> = {
  d: isDigit,
  D: (char) => !isDigit(char),
  w: isWord,
  W: (char) => !isWord(char),
  s: isSpace,
  S: (char) => !isSpace(char),
};

const CONTROLS: Readonly<Record<string, string | undefined>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  f: "\f",
  v: "\v",
  a: "\x07",
};

function equals(expected: string): Test {
  return (char) => char === expected;
}

function assertion(holds: (text: readonly string[], index: number) => boolean): Node {
  return { kind: "assert", holds };
}
