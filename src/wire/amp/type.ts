import type { Box } from "./box.js";

/**
 * A type of argument: how one value becomes the octets of one value of a box, and back (docs/amp-wire.md, section 3). Those that are
 * built in and those of an application are of this form.
 *
 * `context` is the connection, as it is given by whoever has one; `undefined` where there is none.
 */
export interface AmpType<Sent, Received = Sent> {
  /**
   * The octets of a value; 65,535 at most.
   *
   * @throws WrongValueError for what is no such value; anything else that it throws becomes one
   */
  encode(value: Sent, context?: unknown): Uint8Array;
  /**
   * The value of octets, which belong to what was read: copy them if they are kept.
   *
   * @throws MalformedValueError for what is no such value; anything else that it throws becomes one
   */
  decode(octets: Uint8Array, context?: unknown): Received;
}

/** Must a sender give it, or may it leave it out? */
export type Presence = "required" | "optional";

/**
 * An argument that is not one value under its own name: optional ones, and those of an application that take several keys of a box, or
 * none, as one that is made from the connection.
 */
export interface AmpField<Sent, Received = Sent, P extends Presence = Presence> {
  /** Must a sender give it? */
  readonly presence: P;
  /**
   * Adds what there is to add to a box.
   *
   * @param name - of the argument
   * @param value - `null` or `undefined` where the sender gave none, which happens to optional ones only
   * @throws as {@link AmpType.encode}
   */
  write(box: Map<string, Uint8Array>, name: string, value: Sent | null | undefined, context?: unknown): void;
  /**
   * Could it write or read this key, besides that of its own name? No other argument can be named so. Default: no key.
   *
   * @param name - of the argument
   */
  mayUse?(name: string, key: string): boolean;
  /**
   * What a box has for it.
   *
   * @throws as {@link AmpType.decode}
   */
  read(box: Box, name: string, context?: unknown): Received;
}

/** Any type of argument. */
export type AnyType = AmpType<never, unknown>;

/** Any argument: a type, which is required then, or what `optional` and applications make. */
export type AnyField = AnyType | AmpField<never, unknown>;

/**
 * Arguments, or values of an answer, or members of a row, by name: `{ text: unicode(), times: optional(integer()) }`.
 *
 * A name is the key in the box, as it travels; characters up to U+00FF stand for an octet each.
 */
export type AmpFields = Readonly<Record<string, AnyField>>;

/** What a sender gives for an argument. */
export type SentBy<F> =
  F extends AmpField<infer Sent, unknown> ? Sent : F extends AmpType<infer Sent, unknown> ? Sent : never;

/** What a receiver gets for an argument. */
export type ReceivedBy<F> =
  F extends AmpField<never, infer Received> ? Received : F extends AmpType<never, infer Received> ? Received : never;

/** Names of the arguments that a sender may leave out. */
export type OptionalNames<F extends AmpFields> = {
  [K in keyof F]: F[K] extends AmpField<never, unknown, "optional"> ? K : never;
}[keyof F];

/** What a sender gives: optional arguments may be absent, `null` or `undefined`. */
export type SentValues<F extends AmpFields> = Flat<
  { readonly [K in Exclude<keyof F, OptionalNames<F>>]: SentBy<F[K]> } & {
    readonly [K in OptionalNames<F>]?: SentBy<F[K]> | null | undefined;
  }
>;

/** What a receiver gets: every name is there, optional arguments that did not come as `null`. */
export type ReceivedValues<F extends AmpFields> = { [K in keyof F]: ReceivedBy<F[K]> };

/** The same type, as one object. */
export type Flat<T> = { [K in keyof T]: T[K] };
