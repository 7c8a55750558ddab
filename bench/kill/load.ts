import { type Client, type Outcome, type Remote, RpcError, release } from "../../build/index.js";

/** What the provider offers. */
export interface Killed {
  put(id: string): string;
  once(id: string): string;
  book(id: string): string;
  count(to: number): AsyncGenerator<number>;
  sum(items: AsyncIterable<number>): number;
  each(to: number, tell: (n: number) => number): number;
  adder(base: number): (n: number) => Promise<number>;
  booked(like: string): readonly { readonly id: string }[];
}

/** Kinds of calls. Those of {@link COUNTED} leave a trace at the provider. */
export const KINDS = ["put", "once", "book", "count", "sum", "each", "adder"] as const;
export type Kind = (typeof KINDS)[number];
export const COUNTED = ["put", "once", "book"] as const;

/** What became of a call. */
export interface Told {
  readonly kind: Kind;
  readonly outcome: Outcome | "success";
  /** Something that no fault explains: a wrong value, an error of another kind. */
  readonly wrong: string | undefined;
}

/** Calls of all kinds, some of each kind at a time, until it is stopped. */
export class MixedLoad {
  readonly #remote: Remote<Killed>;
  readonly #prefix: string;
  readonly #told = new Map<string, Told>();
  readonly #workers: Promise<void>[] = [];
  #stopping = false;
  #last = 0;

  constructor(client: Client, prefix: string, workersPerKind: number) {
    this.#remote = client.locate<Killed>("bench.killed");
    this.#prefix = prefix;
    for (const kind of KINDS) {
      for (let worker = 0; worker < workersPerKind; worker++) this.#workers.push(this.#work(kind));
    }
  }

  /** Begins no more calls. Settles with what became of all of them. */
  async stop(): Promise<ReadonlyMap<string, Told>> {
    this.#stopping = true;
    await Promise.all(this.#workers);
    return this.#told;
  }

  async #work(kind: Kind): Promise<void> {
    while (!this.#stopping) {
      const id = `${this.#prefix}-${kind}-${++this.#last}`;
      try {
        const wrong = await this.#call(kind, id);
        this.#told.set(id, { kind, outcome: "success", wrong });
      } catch (error) {
        const isOurs = RpcError.isRpcError(error);
        const expected = isOurs && EXPECTED.has(error.code);
        this.#told.set(id, {
          kind,
          outcome: isOurs ? error.outcome : "unknown",
          wrong: expected ? undefined : String(error),
        });
        if (!expected) return;
      }
    }
  }

  /** @returns what was wrong */
  async #call(kind: Kind, id: string): Promise<string | undefined> {
    const remote = this.#remote;
    switch (kind) {
      case "put":
      case "once":
      case "book":
        return differs(await remote[kind](id), id);
      case "count": {
        let expected = 0;
        for await (const n of remote.count(50)) if (n !== expected++) return `item ${n} instead of ${expected - 1}`;
        return differs(expected, 50);
      }
      case "sum":
        return differs(await remote.sum(upTo(50)), SUM_TO_50);
      case "each":
        return differs(await remote.each(10, (n) => n), 45);
      case "adder": {
        const add = await remote.adder(5);
        const sum = await add(2);
        release(add);
        return differs(sum, 7);
      }
    }
  }
}

async function* upTo(to: number): AsyncGenerator<number> {
  for (let n = 0; n < to; n++) {
    if (n % 10 === 0) await new Promise(setImmediate);
    yield n;
  }
}

function differs(got: unknown, expected: unknown): string | undefined {
  return got === expected ? undefined : `${String(got)} instead of ${String(expected)}`;
}

const SUM_TO_50 = 1_225;
/** What a kill explains: the service, or what it lent, is gone. */
const EXPECTED: ReadonlySet<string> = new Set(["UNAVAILABLE", "REFERENCE_LOST"]);
