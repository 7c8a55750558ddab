/// <reference lib="esnext.disposable" preserve="true" />

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
export type Pipelined<T> = T extends readonly unknown[] | AnyFunction | AsyncIterable<unknown>
  ? unknown
  : T extends object
    ? { readonly [K in keyof T as PipelinedKey<K>]: PipelinedMember<T[K]> }
    : unknown;

/** Keys that a promise has itself lead to the promise. */
export type PipelinedKey<K> = K extends string ? Exclude<K, keyof Promise<unknown>> : never;

/** A method of a result, or a member of it. */
export type PipelinedMember<T> = T extends (...args: infer A) => infer R
  ? (...args: A) => RemotePromise<RemoteResult<Awaited<R>>>
  : RemotePromise<T>;

/** The items of a {@link RemotePromise} of a stream. */
export type RemoteItems<T> = T extends AsyncIterable<infer Item> ? AsyncIterable<Item> : unknown;

/** What arrives of a method's result: async generators as streams, everything else as it is. */
export type RemoteResult<T> =
  T extends ReadableStream<unknown> ? T : T extends AsyncIterable<infer Item> ? RemoteStream<Item> : T;

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

/** The members of {@link Remote}. */
export type RemoteMembers<T> = {
  /**
   * A remote method, or a path to one. Keys that lead to neither are dropped; symbols never cross the wire.
   */
  readonly [K in keyof T as RemoteKey<T, K>]: RemoteMember<T[K]>;
};

/** Keeps the names of methods and of objects that hold some. */
export type RemoteKey<T, K extends keyof T> = K extends string
  ? NonNullable<T[K]> extends AnyFunction | object
    ? K
    : never
  : never;

/** A method, or a path on the way to one. */
export type RemoteMember<T> = T extends DynamicMember
  ? T
  : T extends (...args: infer A) => infer R
    ? RemoteMethod<A, RemoteResult<Awaited<R>>>
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

/** What may be given where a method takes a stream of bytes: bytes from wherever. Everything else is given as it is taken. */
export type SentValue<T> = [NonNullable<T>] extends [never]
  ? T
  : [NonNullable<T>] extends [ReadableStream<Uint8Array>]
    ? T | ByteSource
    : T;

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
