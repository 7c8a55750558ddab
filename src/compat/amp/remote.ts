import type { AmpCallOptions, CommandCall, CommandTable } from "./calls.js";
import type { Switches } from "./command-types.js";
import type { AmpPeer } from "./peer.js";
import type { UntypedArguments, UntypedValues } from "./untyped.js";

/** A command that nobody has defined here, as a method. */
export type UntypedCall = (args?: UntypedArguments, options?: AmpCallOptions) => Promise<UntypedValues>;

/** Commands that nobody has defined here, each as a method of its name. */
export type UntypedCalls = Readonly<Record<string, UntypedCall>>;

/** What a connection can do itself, besides calling commands. */
export type Verb = Exclude<keyof AmpPeer, symbol>;

/**
 * One method for each command of a table; those that switch the connection are none, as a call needs more than arguments there, and none can
 * have the name of a {@link Verb}.
 */
export type CallsOf<T extends CommandTable> = {
  readonly [K in keyof T as K extends Verb ? never : [Switches<T[K]>] extends [true] ? never : K]: CommandCall<T[K]>;
};

/**
 * The other end of a connection, as an object: all that an {@link AmpPeer} has, and a method for each command. Commands of no table are
 * called by their own names, with values whose types are guessed: `peer.Sum?.({ a: 1, b: 2 })` gives `{ total: "3" }`. The `?.` is
 * for compilers with `noUncheckedIndexedAccess`: the method is always there.
 */
export type AmpRemote<T extends CommandTable | undefined = undefined> = AmpPeer &
  (T extends CommandTable ? CallsOf<T> : UntypedCalls);
