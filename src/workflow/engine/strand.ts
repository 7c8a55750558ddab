import { randomText } from "../../util/random-text.js";

/** The names of the calls of one run, in one process. */
export class CallNames {
  readonly #secret = randomText(12);
  #strands = 0;

  /** For steps that come one after the other. */
  strand(): Strand {
    return new Strand(`${this.#secret}-${(this.#strands++).toString(36)}`);
  }
}

/** Steps that come one after the other name their calls so: when one is about to be sent, the results of those before are written down. */
export class Strand {
  readonly #name: string;
  #number = 0;
  #taken = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** A name for the next call, or the next try of it. */
  next(): string {
    return `${this.#name}:${++this.#number}`;
  }

  /** Nobody will ask for the answers to calls up to this number; `undefined` where there were none. */
  get taken(): number | undefined {
    return this.#taken || undefined;
  }

  /** The step has ended, and that will be written down before another call is sent. */
  ended(): void {
    this.#taken = this.#number;
  }
}
