import type { Duplex } from "node:stream";
import type { AmpFields, ReceivedValues, SentValues } from "../../wire/amp/index.js";
import type { AmpCommand, Command, CommandLike, ErrorTable } from "./command.js";

/** Nothing is declared: no arguments, a response without values, no errors. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/consistent-type-definitions -- without a single name
export type Nothing = {};

/** No values at all. */
export type NoValues = Readonly<Record<string, never>>;

/** The errors of a table, as a union. */
export type ErrorsIn<T extends ErrorTable> = { [K in keyof T]: InstanceType<T[K]> }[keyof T];

/**
 * What takes a connection over after a command that switches: it gets the stream at the first octet that is not AMP any more, and
 * owns it from then on.
 */
export type TakeOver = (socket: Duplex) => void;

/** The types of a command's arguments. */
export type ArgumentFields<C extends CommandLike> =
  C extends Command<infer A> ? A : C extends typeof AmpCommand ? DeclaredIn<C["arguments"]> : never;

/** The types of the values of a command's response. */
export type ResponseFields<C extends CommandLike> =
  C extends Command<AmpFields, infer R> ? R : C extends typeof AmpCommand ? DeclaredIn<C["response"]> : never;

/** Does a command want an answer? `boolean` where that is not known. */
export type RequiresAnswer<C extends CommandLike> =
  C extends Command<AmpFields, AmpFields, Error, infer Q>
    ? Q
    : C extends typeof AmpCommand
      ? C["requiresAnswer"]
      : never;

/** Does a command switch the connection? `boolean` where that is not known. */
export type Switches<C extends CommandLike> =
  C extends Command<AmpFields, AmpFields, Error, boolean, infer S>
    ? S
    : C extends typeof AmpCommand
      ? C["switches"]
      : never;

/** A command that switches the connection. */
export type SwitchingCommand =
  | Command<AmpFields, AmpFields, Error, boolean, true>
  | (typeof AmpCommand & {
      /** See {@link Command.switches}. */
      readonly switches: true;
    });

/** What a caller of a command gives, by name. */
export type CommandArguments<C extends CommandLike> = keyof ArgumentFields<C> extends never
  ? NoValues
  : SentValues<ArgumentFields<C>>;

/** What a responder of a command gets, by name. */
export type ReceivedArguments<C extends CommandLike> = ReceivedValues<ArgumentFields<C>>;

/** What a caller of a command gets: `undefined` where no answer is wanted. */
export type CommandResponse<C extends CommandLike> = [RequiresAnswer<C>] extends [false]
  ? undefined
  : ReceivedValues<ResponseFields<C>>;

/**
 * What a responder of a command returns: values by name, maybe none; or what takes the connection over, where the command switches.
 */
export type SentResponse<C extends CommandLike> = [Switches<C>] extends [true]
  ? TakeOver
  : keyof ResponseFields<C> extends never
    ? // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- nothing is returned where there is nothing to return
      NoValues | void
    : SentValues<ResponseFields<C>>;

/** Errors that a command declares, and that its callers get as what they are. */
export type CommandErrors<C extends CommandLike> =
  C extends Command<AmpFields, AmpFields, infer E>
    ? E
    : C extends typeof AmpCommand
      ? ErrorsIn<DeclaredIn<C["errors"]>> | ErrorsIn<DeclaredIn<C["fatalErrors"]>>
      : never;

/** What a class declares: what it only has from `AmpCommand` is nothing. */
export type DeclaredIn<T> = string extends keyof T ? Nothing : T;
