import { quote } from "./problems.js";

/** What is wrong with a text that should be JSON. */
export interface JsonFault {
  /** Where, in UTF-16 units from the beginning. */
  readonly offset: number;
  readonly message: string;
  readonly cure: string;
}

/**
 * The first thing because of which a text is no JSON, or has the same name twice in an object, of which `JSON.parse` takes the last and says nothing.
 * Messages of `JSON.parse` tell the place only sometimes.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  try {
    new JsonScan(text).whole();
    return undefined;
  } catch (error) {
    if (error instanceof Found) return error.fault;
    throw error;
  }
}

class Found extends Error {
  readonly fault: JsonFault;

  constructor(fault: JsonFault) {
    super(fault.message);
    this.fault = fault;
  }
}

const BLANKS = /[ \t\r\n]*/y;
/** A part of a text: an expression that takes all of a long one at once needs more room than there is. */
const PLAIN = /[^"\\\u0000-\u001f]{1,1000}/y;
const ESCAPED = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const MAX_DEPTH = 500;

class JsonScan {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): void {
    this.#value(0);
    this.#take(BLANKS);
    if (this.#offset < this.#text.length) this.#fail("something follows the value", "remove it");
  }

  #value(depth: number): void {
    this.#take(BLANKS);
    const sign = this.#text[this.#offset];
    if (depth > MAX_DEPTH) this.#fail(`the value is nested more than ${MAX_DEPTH} deep`, "write it less deep");
    if (sign === "{") this.#object(depth);
    else if (sign === "[") this.#list(depth);
    else if (sign === '"') this.#string();
    else if (this.#take(LITERAL) === undefined) {
      this.#fail(`a value is expected, not ${this.#here()}`, "write a value; texts stand in double quotes");
    }
  }

  #object(depth: number): void {
    const names = new Set<string>();
    this.#items("}", () => {
      const offset = this.#offset;
      if (this.#text[offset] !== '"')
        this.#fail(`a name is expected, not ${this.#here()}`, "write it in double quotes");
      const name = JSON.parse(this.#string()) as string;
      if (names.has(name)) {
        this.#offset = offset;
        this.#fail(`the object has ${quote(name)} twice`, "give one of them another name");
      }
      names.add(name);
      this.#take(BLANKS);
      if (this.#text[this.#offset] !== ":")
        this.#fail(`":" is expected, not ${this.#here()}`, "write it between name and value");
      this.#offset++;
      this.#value(depth + 1);
    });
  }

  #list(depth: number): void {
    this.#items("]", () => {
      this.#value(depth + 1);
    });
  }

  #items(end: string, item: () => void): void {
    this.#offset++;
    this.#take(BLANKS);
    if (this.#text[this.#offset] === end) {
      this.#offset++;
      return;
    }
    for (;;) {
      this.#take(BLANKS);
      item();
      this.#take(BLANKS);
      const sign = this.#text[this.#offset];
      if (sign !== "," && sign !== end) {
        this.#fail(`"," or ${quote(end)} is expected, not ${this.#here()}`, "correct what stands before it");
      }
      this.#offset++;
      if (sign === end) return;
    }
  }

  #string(): string {
    const start = this.#offset++;
    while (this.#take(PLAIN) !== undefined || this.#take(ESCAPED) !== undefined);
    if (this.#text[this.#offset] === '"') return this.#text.slice(start, ++this.#offset);
    this.#offset = start;
    return this.#fail(
      "the text does not end, or has something in it that JSON has not",
      'write \\n for the end of a line, and \\" for quotes',
    );
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const taken = pattern.exec(this.#text)?.[0];
    this.#offset += taken?.length ?? 0;
    return taken;
  }

  #here(): string {
    const here = this.#text[this.#offset];
    return here === undefined ? "the end" : quote(here);
  }

  #fail(message: string, cure: string): never {
    throw new Found({ offset: this.#offset, message, cure });
  }
}
