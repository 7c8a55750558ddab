/// <reference lib="esnext.disposable" preserve="true" />

import type { AmpDateTime } from "../wire/amp/date-time.js";
import type { AmpDecimal } from "../wire/amp/decimal.js";
import type { Nameserver } from "./nameserver-interface.js";
import type { ByteSource } from "./streams/byte-stream.js";
import type { RemoteStream } from "./streams/remote-stream.js";

/**
 * What a call on a proxy returns: a promise of the result, and for methods that stream an async iterable of their items:
 * `for await (const n of query.count(10))`.
 */
export type RemotePromise<T> = Promise<T> & RemoteItems<T> & Pipelined<T>;

/**
 * What can be done with a result before it is there: `api.authenticate(token).profile().name`. On the lamp wire it all travels
 * in one message.
 */
export type Pipelined<T> = T extends readonly unknown[] | AnyFunction | AsyncIterable<unknown> | Whole
  ? unknown
  : T extends object
    ? { readonly [K in keyof T as PipelinedKey<K>]: PipelinedMember<T[K]> }
    : unknown;

/** Keys that a promise has itself lead to the promise. */
export type PipelinedKey<K> = K extends string ? Exclude<K, keyof Promise<unknown>> : never;

/** A method of a result, or a member of it. */
export type PipelinedMember<T> = T extends (...args: infer A) => infer R
  ? (...args: A) => PipelinedCall<R>
  : RemotePromise<T>;

/** What a method of a result returns. Of what has arrived it is a promise already, of what arrives in its turn. */
export type PipelinedCall<R> = R extends Promise<infer Value> ? RemotePromise<Value> : RemotePromise<RemoteResult<R>>;

/** The items of a {@link RemotePromise} of a stream. */
export type RemoteItems<T> = T extends AsyncIterable<infer Item> ? AsyncIterable<Item> : unknown;

/**
 * What arrives of a method's result, or of an item of a stream:
 *
 * - functions as {@link RemoteFunction}, objects with methods as {@link RemoteReference}: both stay where they are;
 * - generators and async iterables as {@link RemoteStream}, web streams as web streams;
 * - arrays, tuples, maps, sets and plain data with what arrives of their members;
 * - of an object with a method `toJSON`, what that returns;
 * - values that are no objects, and dates, URLs, errors, bytes and the like, as they are; so do `unknown` and {@link Dynamic}.
 *
 * An object has methods if one of its members is a function that is always there; an optional one may as well be a callback
 * among data. So may one beside data in an object type that is written in place or named by `type`: classes and interfaces make
 * references.
 *
 * No type tells whether a class marks its methods. Instances of one that does not arrive as their data: let the method's return
 * type say so, as `Pick<User, "name">` or an interface without methods.
 */
export type RemoteResult<T> = [T] extends [Primitive] ? T : unknown extends T ? T : Unchanged<T, Arrived<T>>;

/** `T` under its own name where `R` is just the same, else `R`. */
export type Unchanged<T, R> = unknown extends R ? R : [T] extends [R] ? ([R] extends [T] ? T : R) : R;

/** {@link RemoteResult}, of whatever stands in a result. */
export type Arrived<T, Depth extends 0[] = []> = unknown extends T
  ? T
  : T extends Primitive | Whole
    ? T
    : T extends AnyFunction
      ? RemoteCallable<T>
      : T extends readonly unknown[]
        ? RemoteArray<T, Depth>
        : T extends object
          ? RemoteObject<T>
          : T;

/** What is no object. */
export type Primitive = string | number | bigint | boolean | symbol | null | undefined;

/** Objects with methods that are no references: what travels as it is, or cannot travel. */
export type Whole =
  | AmpDateTime
  | AmpDecimal
  | Date
  | RegExp
  | URL
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | Promise<unknown>;

/** What arrives of a function. */
export type RemoteCallable<F extends AnyFunction> = string extends keyof F ? F : RemoteFunction<F>;

/** What arrives of an array or a tuple. */
export type RemoteArray<T extends readonly unknown[], Depth extends 0[] = []> = number extends T["length"]
  ? T extends readonly [unknown, ...unknown[]] | readonly [...unknown[], unknown]
    ? RemoteTuple<T, Depth>
    : T extends unknown[]
      ? Arrived<T[number]>[]
      : readonly Arrived<T[number]>[]
  : RemoteTuple<T, Depth>;

/**
 * What arrives of a tuple. The compiler looks at all members at once: tuples that stand in each other end after four, for some
 * contain themselves.
 */
export type RemoteTuple<T extends readonly unknown[], Depth extends 0[] = []> = Depth["length"] extends 4
  ? T
  : { [K in keyof T]: Arrived<T[K], [...Depth, 0]> };

/** What arrives of any other object. */
export type RemoteObject<T extends object> =
  T extends ReadableStream<infer Item>
    ? ReadableStream<Arrived<Item>>
    : T extends AsyncIterable<infer Item> | Iterator<infer Item, unknown, never>
      ? RemoteStream<Arrived<Item>>
      : T extends ReadonlyMap<infer Key, infer Value>
        ? T extends Map<Key, Value>
          ? Map<Arrived<Key>, Arrived<Value>>
          : ReadonlyMap<Arrived<Key>, Arrived<Value>>
        : T extends ReadonlySet<infer Item>
          ? T extends Set<Item>
            ? Set<Arrived<Item>>
            : ReadonlySet<Arrived<Item>>
          : T extends Error
            ? // Data with a name and a message is no error yet.
              "stack" extends keyof T
              ? T
              : RemoteMade<T>
            : RemoteMade<T>;

/** An object that says itself what travels of it. */
export interface Telling<Told> {
  /** What travels of it. */
  toJSON(): Told;
}

/** What arrives of an object that is no builtin one. */
export type RemoteMade<T extends object> = [keyof T] extends [typeof Symbol.iterator]
  ? T
  : [MethodNames<T>] extends [never]
    ? RemoteData<T>
    : T extends Telling<infer Told>
      ? unknown extends Told
        ? Told
        : // One that tells itself would have to be told for ever.
          [Told] extends [T]
          ? RemoteData<T>
          : Arrived<Told>
      : // Only types that are written in place, or named by `type`, pass for index signatures.
        T extends Readonly<Record<string, unknown>>
        ? [Exclude<keyof T, MethodNames<T> | symbol>] extends [never]
          ? RemoteReference<T>
          : RemoteData<T>
        : RemoteReference<T>;

/** Data with what arrives of its members. Symbols never cross the wire, but they may brand a type. */
export type RemoteData<T> = { [K in keyof T]: K extends symbol ? T[K] : Arrived<T[K]> };

/** Names of the members that are functions and always there. */
export type MethodNames<T> = {
  [K in keyof T]-?: K extends string ? (string extends K ? never : IsMethod<T[K]> extends true ? K : never) : never;
}[keyof T];

/** Is it a function, whatever else may be known of it? */
export type IsMethod<T> = [T] extends [never]
  ? false
  : unknown extends T
    ? false
    : [T] extends [AnyFunction]
      ? true
      : false;

/**
 * A function of the other end. It takes what the function takes, without keyword arguments, and returns a promise.
 *
 * ```ts
 * using next = await query.counter();
 * await next(1);
 * ```
 */
export interface RemoteFunction<F extends AnyFunction> extends RemoteHold {
  (...args: Sent<Parameters<F>>): RemotePromise<RemoteResult<Awaited<ReturnType<F>>>>;
}

/**
 * An object of the other end: a proxy of its methods. They are called as those of {@link Remote}, without keyword arguments.
 *
 * `T` is the object's class, or an interface of it. Of its methods those are there which the class marks (`@Method`); a type does not
 * tell which. Members that are no methods are not there; those that are objects with methods are paths, as in {@link Remote}.
 *
 * ```ts
 * using cart = await shop.cart();
 * await cart.add("tea");
 * ```
 */
export type RemoteReference<T> = ReferenceMembers<T> & RemoteHold;

/** What is held of the other end, until it is let go of: by `using`, `await using`, or `release()`. */
export interface RemoteHold extends Disposable, AsyncDisposable {}

/** The members of {@link RemoteReference}. */
export type ReferenceMembers<T> = { readonly [K in keyof T as RemoteKey<T, K>]: ReferenceMember<T[K]> };

/** A method of a reference, or a path on the way to one. */
export type ReferenceMember<T> = T extends AnyFunction
  ? string extends keyof T
    ? T
    : (...args: Sent<Parameters<T>>) => RemotePromise<RemoteResult<Awaited<ReturnType<T>>>>
  : T extends object
    ? ReferenceMembers<T>
    : never;

/** Any function, for type-level matching only. */
export type AnyFunction = (...args: never[]) => unknown;

/** What stands for a remote service without being its type, such as what `defineInterface` returns. */
export interface TypedAs<I> {
  /** The type that proxies get. For the compiler only: at run time there is no such member. */
  readonly "~remote": I;
}

/** The type of the service that `T` is or stands for; {@link Dynamic} where what stands for it does not tell its methods. */
export type RemoteType<T> = T extends TypedAs<infer I> ? (string extends keyof I ? Dynamic : I) : T;

/**
 * A remote service, typed by its interface, its class, or `typeof` what `defineInterface` returned.
 *
 * - methods keep their parameters, and return a promise of what they return, however often it was wrapped;
 * - objects among the members become paths: `client.draw.me.a.sheep()`;
 * - members that are no methods are not there, for nothing but calls goes over the wire.
 *
 * `Remote<Dynamic>` is a proxy without types.
 */
export type Remote<T> = RemoteMembers<RemoteType<T>> & RemoteBase;

/** What every proxy has, whatever the service is. */
export interface RemoteBase {
  /** Closes the proxy, for `await using`. The connection stays as long as other proxies use it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A proxy whose calls block and return results, not promises. */
export interface Blocking {
  /** For the compiler only: at run time there is no such member. */
  readonly "~blocks": true;
}

/** The members of {@link Remote}. */
export type RemoteMembers<T> = {
  /**
   * A remote method, or a path to one. Keys that lead to neither are dropped; symbols never cross the wire.
   */
  readonly [K in keyof T as RemoteKey<T, K>]: RemoteMember<T[K]>;
};

/** Keeps the names of methods and of objects that hold some. */
export type RemoteKey<T, K extends keyof T> = K extends string
  ? NonNullable<T[K]> extends readonly unknown[] | Whole
    ? never
    : NonNullable<T[K]> extends AnyFunction | object
      ? K
      : never
  : never;

/** A method, or a path on the way to one. */
export type RemoteMember<T> = T extends (...args: infer A) => infer R
  ? // A function that returns nothing passes for a DynamicMember.
    string extends keyof T
    ? T
    : RemoteMethod<A, RemoteResult<Awaited<R>>>
  : T extends object
    ? RemoteMembers<T>
    : never;

/**
 * A remote method. What it takes stands first and alone, because compilers and editors show that of two signatures.
 */
export interface RemoteMethod<A extends readonly unknown[], R> {
  (...args: A): RemotePromise<R>;
  (...args: RemoteArguments<A>): RemotePromise<R>;
}

/** The parameters as they are; keyword arguments may stand for those that are left out (see `named`). */
export type RemoteArguments<A extends readonly unknown[]> = Sent<A> | WithNamed<Sent<A>>;

/** The parameters as their values may be given by callers. */
export type Sent<A extends readonly unknown[]> = { [K in keyof A]: SentValue<A[K]> };

/**
 * What may be given for a value: bytes from wherever where a method takes a stream of bytes, and what has arrived of such a
 * value, for references go home to their owner.
 */
export type SentValue<T> = [T] extends [Primitive]
  ? T
  : [NonNullable<T>] extends [ReadableStream<Uint8Array>]
    ? T | ByteSource
    : T | RemoteResult<T>;

/** Some of the parameters in order, then keyword arguments for the rest. */
export type WithNamed<A extends readonly unknown[]> =
  Required<A> extends readonly [infer Head, ...infer Rest]
    ? [rest: NamedMarker] | [Head, ...WithNamed<Rest>]
    : number extends A["length"]
      ? [rest: NamedMarker]
      : never;

/** The type of what `named()` makes, without its class. */
export interface NamedMarker {
  /** Values by argument name. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** A service about which nothing is known at compile time: any path can be called, results are `unknown`. */
export type Dynamic = Readonly<Record<string, DynamicMember>>;

/** A path of a {@link Dynamic} service: callable, and a path on. */
export interface DynamicMember {
  (...args: unknown[]): Promise<unknown> & AsyncIterable<unknown>;
  readonly [name: string]: DynamicMember;
}

/**
 * Interfaces that are typed by their name alone. Augment it to type yours:
 *
 * ```ts
 * declare module "lamplighter" {
 *   interface Interfaces { "com.foo.example": Query }
 * }
 * ```
 */
export interface Interfaces {
  /** The nameserver's own interface. */
  "org.pycom.nameserver": Nameserver;
}

/** The type behind an interface name: from {@link Interfaces}, else {@link Dynamic}. */
export type InterfaceType<Name extends string> = Name extends keyof Interfaces ? Interfaces[Name] : Dynamic;
