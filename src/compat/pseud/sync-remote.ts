/// <reference lib="esnext.disposable" preserve="true" />

import type { Blocking, RemoteKey, RemoteType, WithNamed } from "../../peer/remote.js";

/**
 * A server as a blocking client sees it, typed as `Remote` is: the same methods and paths, which return the results
 * themselves. `SyncRemote<Dynamic>` is one without types.
 */
export type SyncRemote<T> = SyncMembers<RemoteType<T>> & Blocking;

/** The members of {@link SyncRemote}. */
export type SyncMembers<T> = {
  /** A remote method, or a path to one. */
  readonly [K in keyof T as RemoteKey<T, K>]: SyncMember<T[K]>;
};

/** A method, or a path on the way to one. */
export type SyncMember<T> = T extends (...args: infer A) => infer R
  ? // A function that returns nothing passes for a DynamicMember.
    string extends keyof T
    ? SyncDynamicMember
    : SyncMethod<A, Awaited<R>>
  : T extends object
    ? SyncMembers<T>
    : never;

/** A remote method; keyword arguments may stand for those that are left out (see `named`). */
export interface SyncMethod<A extends readonly unknown[], R> {
  (...args: A): R;
  (...args: WithNamed<A>): R;
}

/** A path about which nothing is known at compile time: callable, and a path on. */
export interface SyncDynamicMember {
  (...args: unknown[]): unknown;
  readonly [name: string]: SyncDynamicMember;
}
