/** Compiled by `npm run typecheck`, never run. */
import {
  type AnyFunction,
  Client,
  type Dynamic,
  type DynamicMember,
  defineInterface,
  type InterfaceOf,
  Method,
  named,
  type Remote,
  type RemoteFunction,
  type RemotePromise,
  type RemoteReference,
  type RemoteResult,
  type RemoteStream,
  release,
} from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(_proof?: T): void {
  // Only the type parameter matters.
}

interface Item {
  readonly name: string;
  price: number;
  note?: string;
  tags: readonly string[];
}

class Cart {
  readonly owner = "somebody";
  readonly items: Item[] = [];
  readonly opened = new Date();
  #sum = 0;
  @Method() add(amount: number, times = 1): number {
    this.#sum += amount * times;
    return this.#sum;
  }
  @Method() async total(): Promise<number> {
    return Promise.resolve(this.#sum);
  }
  @Method() copy(): Cart {
    return new Cart();
  }
  @Method() clear(): this {
    this.#sum = 0;
    return this;
  }
  @Method() onChange(listener: (sum: number) => void): () => void {
    listener(this.#sum);
    return () => undefined;
  }
  @Method() merge(other: Cart): number {
    return other.#sum;
  }
  @Method() *each(): Generator<Item, string> {
    yield* this.items;
    return "";
  }
}

interface Shop {
  cart(): Cart;
  later(): Promise<Cart>;
  maybe(): Promise<Cart | undefined>;
  counter(): (step: number, label?: string) => number;
  carts(): Cart[];
  named(): Promise<{ readonly first: Cart; second?: Cart; count: number }>;
  merge(carts: Cart[], into?: Cart): Promise<number>;
  run(task: (n: number) => string, cart: Cart): Promise<void>;
  upload(): (bytes: ReadableStream<Uint8Array>) => Promise<number>;
}

const shop = new Client().locate<Shop>("demo.shop");

// Objects with methods are references: what is called returns promises.
const cart = await shop.cart();
expectType<Equal<typeof cart, RemoteReference<Cart>>>();
const sum = cart.add(1);
expectType<Equal<typeof sum, Promise<number>>>();
// @ts-expect-error -- a promise is no number
const number: number = cart.add(1);
void number;
// @ts-expect-error -- a string is no number
void cart.add("x");
// @ts-expect-error -- one argument too many
void cart.add(1, 2, 3);
// @ts-expect-error -- references take no keyword arguments
void cart.add(named({ amount: 1 }));
// @ts-expect-error -- no such method
void cart.nope();
// @ts-expect-error -- data stays where it is
void cart.owner;
// @ts-expect-error -- so do arrays
void cart.items;
// @ts-expect-error -- and dates
void cart.opened;
// Promises are not doubled.
expectType<Equal<ReturnType<typeof cart.total>, Promise<number>>>();
const later = await shop.later();
expectType<Equal<typeof later, RemoteReference<Cart>>>();
const maybe = await shop.maybe();
expectType<Equal<typeof maybe, RemoteReference<Cart> | undefined>>();
// What methods of references return arrives the same way.
const copy = await (await cart.copy()).copy();
expectType<Equal<typeof copy, RemoteReference<Cart>>>();
const cleared = await cart.clear();
expectType<Equal<typeof cleared, RemoteReference<Cart>>>();
for await (const item of cart.each()) expectType<Equal<typeof item, RemoteResult<Item>>>();

// Their scope ends them.
{
  using held = await shop.cart();
  await using other = await shop.cart();
  using none = await shop.maybe();
  using off = await held.onChange((value) => {
    expectType<Equal<typeof value, number>>();
  });
  await off();
  void [other, none];
}
release(cart);

// Functions.
const counter = await shop.counter();
expectType<Equal<typeof counter, RemoteFunction<(step: number, label?: string) => number>>>();
expectType<Equal<Parameters<typeof counter>, [step: number, label?: string | undefined]>>();
const counted = counter(1);
expectType<Equal<typeof counted, Promise<number>>>();
// @ts-expect-error -- a promise is no number
const wrong: number = counter(1);
void wrong;
// @ts-expect-error -- a string is no number
void counter("x");
using disposed = counter;
await using asyncDisposed = counter;
void [disposed, asyncDisposed];
void (await shop.upload())(new Blob([]));

// Arrays and data.
const carts = await shop.carts();
expectType<Equal<typeof carts, RemoteReference<Cart>[]>>();
const both = await shop.named();
expectType<
  Equal<typeof both, { readonly first: RemoteReference<Cart>; second?: RemoteReference<Cart>; count: number }>
>();

// References go home.
void shop.merge(carts, cart);
void shop.merge([new Cart()]);
void cart.merge(cart);
void shop.run((n) => n.toFixed(), cart);
// @ts-expect-error -- another function
void shop.run((n: string) => n, cart);
// @ts-expect-error -- no cart
void shop.merge(carts, shop);
declare const task: RemoteFunction<(n: number) => string>;
void shop.run(task, new Cart());

// Before they are there.
const early = shop.cart().copy().add(1);
expectType<Equal<typeof early, Promise<number>>>();
const earlyCount = shop.named().count;
expectType<Equal<typeof earlyCount, Promise<number>>>();
const earlyFirst = shop.named().first.total();
expectType<Equal<typeof earlyFirst, Promise<number>>>();
const earlyCart = shop.cart().copy();
expectType<Equal<typeof earlyCart, RemotePromise<RemoteReference<Cart>>>>();
// @ts-expect-error -- a string is no number
void shop.cart().copy().add("x");
// A result that somebody wrote down without saying how it arrives.
declare const written: RemotePromise<{ profile(id: number): { name: string }; later(): Promise<{ name: string }> }>;
expectType<Equal<ReturnType<(typeof written)["profile"]>, RemotePromise<{ name: string }>>>();
const writtenName = written.later().name;
expectType<Equal<typeof writtenName, Promise<string>>>();

// What is no object, and builtin objects, are as they are.
interface Builtins {
  a: string | null;
  b: 1n | undefined;
  c: Date;
  d: RegExp;
  e: URL;
  f: Error;
  g: Map<string, number>;
  h: Set<Date>;
  i: ArrayBuffer;
  j: Uint8Array;
  k: Buffer;
  l: Blob;
  m: ReadableStream<Uint8Array>;
  n: DataView;
  o: unknown;
  p: never;
  q: symbol;
  r: ReadonlyMap<string, Date>;
  s: ReadonlySet<string>;
  t: Float64Array;
  u: TypeError;
  v: boolean | "x";
  w: object;
  x: Record<string, unknown>;
  y: Iterable<string>;
  z: [];
}
expectType<Equal<RemoteResult<Builtins>, Builtins>>();
expectType<Equal<RemoteResult<never>, never>>();
expectType<Equal<RemoteResult<unknown>, unknown>>();
type Anything = any; // eslint-disable-line @typescript-eslint/no-explicit-any
expectType<Equal<RemoteResult<Anything>, Anything>>();
expectType<Equal<RemoteResult<{ value: Anything }>, { value: Anything }>>();
expectType<Equal<RemoteResult<Dynamic>, Dynamic>>();
expectType<Equal<RemoteResult<DynamicMember>, DynamicMember>>();
expectType<Equal<RemoteResult<void>, void>>();
expectType<Equal<RemoteResult<Item>, Item>>();
expectType<Equal<RemoteResult<boolean>, boolean>>();
type UserId = string & { readonly brand: "UserId" };
expectType<Equal<RemoteResult<UserId>, UserId>>();
expectType<Equal<RemoteResult<{ id: UserId }[]>, { id: UserId }[]>>();
// Data that looks like an error.
expectType<Equal<RemoteResult<{ name: string; message: string; f: () => 1 }>["f"], RemoteFunction<() => 1>>>();

// Members by member, with what is said of them.
type Add = (a: number, b: number) => number;
type Added = RemoteFunction<Add>;
expectType<Equal<RemoteResult<[Add, string?]>, [Added, string?]>>();
expectType<
  Equal<RemoteResult<readonly [first: Add, ...rest: Cart[]]>, readonly [first: Added, ...rest: RemoteReference<Cart>[]]>
>();
expectType<Equal<RemoteResult<[...Add[], number]>, [...Added[], number]>>();
expectType<Equal<RemoteResult<readonly Add[]>, readonly Added[]>>();
expectType<Equal<RemoteResult<Add | string | Add[]>, Added | string | Added[]>>();
expectType<Equal<RemoteResult<Record<string, Add>>, Record<string, Added>>>();
expectType<Equal<RemoteResult<Map<string, Cart>>, Map<string, RemoteReference<Cart>>>>();
expectType<Equal<RemoteResult<ReadonlySet<Add>>, ReadonlySet<Added>>>();
expectType<Equal<RemoteResult<ReadableStream<Add>>, ReadableStream<Added>>>();
expectType<
  Equal<
    RemoteResult<{ kind: "a"; readonly run?: Add; x?: never } | { kind: "b"; value: number | undefined }>,
    { kind: "a"; readonly run?: Added; x?: never } | { kind: "b"; value: number | undefined }
  >
>();
// An optional function is a callback beside data, and a type written in place is data with functions.
interface Options {
  name: string;
  done?: (n: number) => void;
}
expectType<Equal<RemoteResult<Options>["name"], string>>();
expectType<Equal<RemoteResult<Options>["done"], RemoteFunction<(n: number) => void> | undefined>>();
expectType<Equal<RemoteResult<{ name: string; add: Add }>, { name: string; add: Added }>>();
// One with nothing but functions may be either.
expectType<Equal<RemoteResult<{ add: Add }>, RemoteReference<{ add: Add }>>>();
// What tells itself to JSON does so.
class Money {
  readonly #cents = 0n;
  toJSON(): { cents: string } {
    return { cents: String(this.#cents) };
  }
  plus(_other: Money): Money {
    return new Money();
  }
}
expectType<Equal<RemoteResult<Money>, { cents: string }>>();
expectType<Equal<RemoteResult<{ toJSON(): Anything; f(): void }>, Anything>>();
class Selfish {
  readonly name = "";
  toJSON(): this {
    return this;
  }
}
expectType<Equal<RemoteResult<Selfish>["name"], "">>();

// Streams.
expectType<Equal<RemoteResult<Generator<number, string, boolean>>, RemoteStream<number>>>();
expectType<Equal<RemoteResult<Iterator<number>>, RemoteStream<number>>>();
expectType<Equal<RemoteResult<IterableIterator<number>>, RemoteStream<number>>>();
expectType<Equal<RemoteResult<MapIterator<number>>, RemoteStream<number>>>();
expectType<Equal<RemoteResult<AsyncGenerator<Cart>>, RemoteStream<RemoteReference<Cart>>>>();
expectType<Equal<RemoteResult<AsyncIterable<number>>, RemoteStream<number>>>();
const streaming = new Client().locate<{ count(to: number): Generator<number> }>("demo.streaming");
for await (const n of streaming.count(3)) expectType<Equal<typeof n, number>>();

// Types that contain themselves.
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
expectType<Equal<RemoteResult<{ json: Json }>["json"], RemoteResult<Json>>>();
interface JsonObject {
  readonly [key: string]: JsonValue;
}
type JsonValue = string | number | null | readonly JsonValue[] | JsonObject;
interface Tree {
  value: Json;
  children: Tree[];
  parent?: Tree;
  byName: Map<string, Tree>;
  pairs: [Tree, Tree][];
}
type List = [number, List] | null;
type Expression =
  | number
  | readonly [operator: string, left: Expression, right: Expression]
  | { run: Add; of: Expression };
type Curried = (n: number) => Curried;
interface Node {
  next(): Node;
  neighbours(): Promise<Node[]>;
  readonly parent: Node;
}
interface Recursive {
  json(value: Json): Json;
  value(value: JsonValue): Promise<JsonValue>;
  tree(tree: Tree): Tree;
  list(list: List): List;
  expression(expression: Expression): Expression;
  curried(): Curried;
  node(): Node;
  self(): Recursive;
}
declare const recursive: Remote<Recursive>;
expectType<Equal<RemoteResult<Json>, Json>>();
expectType<Equal<RemoteResult<JsonValue>, JsonValue>>();
expectType<Equal<RemoteResult<Tree>, Tree>>();
expectType<Equal<RemoteResult<List>, List>>();
const json: Json = await recursive.json({ a: [1, { b: null }] });
const value: JsonValue = await recursive.value({ a: [1, { b: null }] });
const tree: Tree = await recursive.tree(
  await recursive.tree({ value: json, children: [], byName: new Map(), pairs: [] }),
);
const list: List = await recursive.list([1, [2, null]]);
const expression = await recursive.expression(["+", 1, ["*", 2, 3]]);
if (typeof expression === "object" && "run" in expression) expectType<Equal<typeof expression.run, Added>>();
void [json, value, tree, list];
const curried = await (await (await recursive.curried())(1))(2);
expectType<Equal<typeof curried, RemoteFunction<Curried>>>();
const node = recursive.self().self().node().next().next();
expectType<Equal<Awaited<typeof node>, RemoteReference<Node>>>();

// Definitions.
const definition = defineInterface("demo.results", {
  methods: {
    cart: () => new Cart(),
    counter: { run: () => (n: number) => n + 1 },
    subscription: () => ({ id: 1, stop: () => undefined }),
  },
});
const defined = new Client().locate<typeof definition>("demo.results");
expectType<Equal<Awaited<ReturnType<typeof defined.cart>>, RemoteReference<Cart>>>();
const definedCounter = await defined.counter();
expectType<Equal<typeof definedCounter, RemoteFunction<(n: number) => number>>>();
const subscription = await defined.subscription();
expectType<Equal<typeof subscription.id, number>>();
using stop = subscription.stop;
void stop;
expectType<Equal<Remote<InterfaceOf<typeof definition>>["cart"], Remote<typeof definition>["cart"]>>();

// What never returns is a method as any other, and still no dynamic one.
declare const failing: Remote<{ fail(): never; load(): Anything }>;
expectType<Equal<ReturnType<typeof failing.fail>, RemotePromise<never>>>();
expectType<Equal<ReturnType<typeof failing.load>, Promise<Anything>>>();

// What has arrived once and is passed on arrives the same.
declare const forwarding: Remote<{
  cart(): RemoteReference<Cart>;
  counter(): RemoteFunction<Add>;
  shop(): Remote<Shop>;
}>;
const forwarded = (await forwarding.cart()).add(1, 2);
expectType<Equal<typeof forwarded, Promise<number>>>();
const forwardedCall = (await forwarding.counter())(1, 2);
expectType<Equal<typeof forwardedCall, Promise<number>>>();
const forwardedShop = (await (await forwarding.shop()).cart()).add(1);
expectType<Equal<typeof forwardedShop, Promise<number>>>();

// Whoever writes generic code may still name what arrives.
function later2<F extends AnyFunction>(f: RemoteFunction<F>): RemoteFunction<F> {
  return f;
}
void later2(counter);
