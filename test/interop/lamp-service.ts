import { EventEmitter, once } from "node:events";
import { isDeepStrictEqual } from "node:util";
import {
  currentCall,
  defineInterface,
  type InterfaceDefinition,
  Method,
  RemoteError,
  RpcError,
  release,
  reply,
  rpcError,
} from "../../src/index.js";

const BIG = 20_000;
const octets = [0, 1, 255];

/** One value of every kind, by the names that test/interop/python/lamp_samples.py has for them. */
export const SAMPLES: Readonly<Record<string, unknown>> = {
  nil: null,
  true: true,
  false: false,
  integers: [0, 127, 128, 255, 65_536, 2 ** 32, 2 ** 53 - 1, -1, -32, -33, -129, -32_769, -(2 ** 31) - 1, 1 - 2 ** 53],
  doubles: [0.5, -0, NaN, Infinity, -Infinity, 1.5e300],
  texts: ["", "é☃", "\u{1f600}", "x".repeat(31), "x".repeat(32), "x".repeat(256), "x".repeat(65_536)],
  array: [1, [2, [3, []]]],
  map: { a: { b: [null, true] }, "": 0 },
  long: [Array.from({ length: 16 }, (_, n) => n), Array.from({ length: 70_000 }, (_, n) => n)],
  wide: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, n])),
  undefined: [undefined, { u: undefined }],
  bigint: [0n, 255n, -255n, 1n << 63n, 1n << 80n, -(1n << 80n)],
  Date: [new Date(0), new Date(1234567890123), new Date(-1), new Date(NaN)],
  Map: new Map<unknown, unknown>([
    ["a", 1],
    [new Date(1), new Set([2])],
    [new Map(), null],
  ]),
  Set: new Set([1, "two", [3]]),
  RegExp: /a\/b.*\d/gi,
  URL: new URL("https://example.org/a?b=c#d"),
  Error: new TypeError("outer", { cause: new RangeError("inner", { cause: "a text" }) }),
  ErrorWithData: Object.assign(new Error("coded"), { code: "E_X", at: new Date(1) }),
  AggregateError: new AggregateError([new Error("one"), 2], "several"),
  Uint8Array: new Uint8Array(octets),
  Buffer: Buffer.from(octets),
  ArrayBuffer: new Uint8Array(octets).buffer,
  DataView: new DataView(new Uint8Array(octets).buffer),
  Int8Array: new Int8Array([0, 1, -1]),
  Uint8ClampedArray: new Uint8ClampedArray(octets),
  Int16Array: new Int16Array([1, -2]),
  Uint16Array: new Uint16Array([1, 65_535]),
  Int32Array: new Int32Array([1, -2]),
  Uint32Array: new Uint32Array([1, 4_294_967_295]),
  Float32Array: new Float32Array([0.5, -2]),
  Float64Array: new Float64Array([0.5, -2]),
  BigInt64Array: new BigInt64Array([1n, -2n]),
  BigUint64Array: new BigUint64Array([1n, 2n ** 64n - 1n]),
  emptyBinary: new Uint8Array(0),
  bigBinary: [new Uint8Array(BIG).fill(5), Buffer.alloc(BIG, 6), new Float64Array(BIG).fill(0.5)],
};

/** Whether two values are the same in kind and content; URL and Error have what counts out of sight, and an invalid Date is itself. */
export function same(one: unknown, other: unknown): boolean {
  if (one instanceof Date) return other instanceof Date && Object.is(one.getTime(), other.getTime());
  if (one instanceof URL) return other instanceof URL && one.href === other.href;
  if (one instanceof Error) {
    if (!(other instanceof Error) || Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
    const parts = (error: Error): unknown[] => [error.message, (error as AggregateError).errors, Object.entries(error)];
    if ("cause" in one !== "cause" in other || !same(one.cause, other.cause)) return false;
    return parts(one).every((part, at) => same(part, parts(other)[at]));
  }
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, at) => same(item, other[at]));
  }
  return isDeepStrictEqual(one, other);
}

class Counter {
  value = 0;
  @Method({ params: ["by"] }) add(by: number): number {
    this.value += by;
    return this.value;
  }
  secret(): number {
    return this.value;
  }
}

type Callback = (...args: unknown[]) => unknown;
interface Doubler {
  double(n: number): Promise<number>;
}

/** What the Python peer's checks ask of a host, and what happened there. */
export class LampService extends EventEmitter {
  readonly begun = new Set<number>();
  readonly cancelled: number[] = [];
  readonly noted: unknown[] = [];
  readonly executed = new Map<number, number>();
  readonly #ended: string[] = [];
  readonly #counter = new Counter();
  #kept: Doubler | undefined;

  readonly #stream = async function* <T>(this: LampService, name: string, next: (n: number) => T, to = Infinity) {
    try {
      for (let n = 0; n < to; n++) yield next(n);
    } finally {
      this.#ended.push(name);
      this.emit("ended");
    }
  }.bind(this);

  #count(key: number): number {
    const count = (this.executed.get(key) ?? 0) + 1;
    this.executed.set(key, count);
    return count;
  }

  readonly definition: InterfaceDefinition = defineInterface("interop.lamp", {
    methods: {
      echo: (value: unknown) => value,
      names: () => Object.keys(SAMPLES),
      same: {
        params: ["name", "value"],
        run: (name: string, value: unknown) => {
          if (!same(value, SAMPLES[name])) throw rpcError("UNKNOWN", `${name} arrived as something else`);
          return SAMPLES[name];
        },
      },
      kind: (value: unknown) => typeof value,
      blob: (size: number) => new Uint8Array(size),
      lengths: (values: Uint8Array[]) => values.map((value) => value.length),
      subtract: { params: { a: "number", b: "number" }, run: (a: number, b: number) => a - b },
      crash: () => {
        throw new TypeError("a secret");
      },
      fail: {
        params: ["code", "text"],
        run: (code: number, text: string) => {
          throw new RemoteError(text, { number: code });
        },
      },
      refuse: () => {
        throw rpcError("BAD_REQUEST", "not like this", { outcome: "not-executed" });
      },
      symbol: () => Symbol("s"),
      mirror: () => {
        const { attachment } = currentCall();
        return reply(attachment?.byteLength ?? null, { attachment });
      },
      extensions: () => currentCall().extensions,
      order: (n: number) => {
        this.noted.push(n);
        return this.noted.length - 1;
      },

      count: (to: number) => this.#stream("count", (n) => n, to),
      endless: () => this.#stream("endless", (n) => n),
      blobs: (size: number) => this.#stream("blobs", () => new Uint8Array(size)),
      web: (to: number) => ReadableStream.from(this.#stream("web", (n) => n, to)),
      both: () => ({ a: this.#stream("a", (n) => n, 1), b: this.#stream("b", (n) => n + 1, 2) }),
      broken: async function* () {
        yield await Promise.resolve({ first: true });
        throw new RangeError("a secret");
      },
      ended: async () => {
        if (this.#ended.length === 0) await once(this, "ended");
        return this.#ended.pop();
      },
      sum: async (items: AsyncIterable<number>) => {
        let sum = 0;
        for await (const item of items) sum += item;
        return sum;
      },
      first: async (items: AsyncIterable<number>) => {
        for await (const item of items) return item;
        return -1;
      },
      sumFailure: async (items: AsyncIterable<number>) => {
        try {
          for await (const _ of items);
          return null;
        } catch (error) {
          return error instanceof RpcError ? [error.code, error.number, error.message] : String(error);
        }
      },
      double: async function* (items: AsyncIterable<number>) {
        for await (const item of items) yield item * 2;
      },

      adder: (by: number) => (to: number) => to + by,
      counter: () => this.#counter,
      isCounter: (value: unknown) => value === this.#counter,
      apply: { params: ["callback", "args"], run: (callback: Callback, args: unknown[]) => callback(...args) },
      applyFailure: async (callback: Callback) => {
        try {
          return await callback();
        } catch (error) {
          return error instanceof RpcError ? [error.code, error.outcome, error.number, error.message] : String(error);
        }
      },
      doubleBy: { params: ["thing", "n"], run: (thing: Doubler, n: number) => thing.double(n) },
      keep: (thing: Doubler) => {
        this.#kept = thing;
      },
      callKept: (n: number) => this.#kept?.double(n),
      letGo: () => {
        if (this.#kept) release(this.#kept);
      },
      askBack: (name: string) => currentCall().peerAs<{ hello(name: string): string }>("client.greeter").hello(name),

      account: (token: string) => {
        if (token !== "good") throw new Error("who are you?");
        const profile = () => ({ name: "Ann", rename: (to: string) => `Ann is ${to}` });
        return { name: "Ann", tags: ["a", "b"], counter: this.#counter, profile };
      },

      note: (value: unknown) => {
        this.noted.push(value);
      },
      noted: () => this.noted,
      wait: async (key: number) => {
        const { signal } = currentCall();
        this.#count(key);
        signal.addEventListener("abort", () => {
          this.cancelled.push(key);
          this.emit("cancelled", key);
        });
        const opened = once(this, `open ${key}`, { signal });
        this.begun.add(key);
        this.emit("begun");
        await opened;
        return `waited ${key}`;
      },
      hold: async (_items: AsyncIterable<unknown>) => {
        await once(this, "never");
      },
      take: (things: unknown[]) => things.length,
      begun: async (key: number) => {
        while (!this.begun.has(key)) await once(this, "begun");
      },
      open: (key: number) => {
        this.emit(`open ${key}`);
      },
      cancelled: () => this.cancelled,
      whenCancelled: async (key: number) => {
        while (!this.cancelled.includes(key)) await once(this, "cancelled");
      },
      remaining: () => currentCall().remainingMs,
      execute: (key: number) => this.#count(key),
      executions: (key: number) => this.executed.get(key) ?? 0,
    },
  });

  readonly counter: InterfaceDefinition = defineInterface("interop.counter", {
    stateful: true,
    methods: {
      count: () => {
        const session = currentCall().session;
        const count = ((session?.get("count") as number | undefined) ?? 0) + 1;
        session?.set("count", count);
        return count;
      },
    },
  });
}
