import type { CommandLike } from "./command.js";
import type { CommandArguments, CommandResponse, Nothing, Switches } from "./command-types.js";

/** How a command is called. */
export interface AmpCallOptions {
  /** Milliseconds until the call fails, whatever becomes of it; `Infinity`: never. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
}

/** Commands by the name of the method that calls them. */
export type CommandTable = Readonly<Record<string, CommandLike>>;

/** What a call of a command is given: its arguments, which may be left out where none is required, and options. */
export type CallParameters<C extends CommandLike> =
  Nothing extends CommandArguments<C>
    ? [args?: CommandArguments<C>, options?: AmpCallOptions]
    : [args: CommandArguments<C>, options?: AmpCallOptions];

/** A command as a method. */
export type CommandCall<C extends CommandLike> = (...call: CallParameters<C>) => Promise<CommandResponse<C>>;

/** A command as a method of a client's proxy, whose options are given by `withOptions`. */
export type CommandMethod<C extends CommandLike> =
  Nothing extends CommandArguments<C>
    ? (args?: CommandArguments<C>) => CommandResponse<C>
    : (args: CommandArguments<C>) => CommandResponse<C>;

/**
 * The commands of a table as the methods of a service, for clients: `client.locate<MethodsOfCommands<typeof table>>(…)`. Those that
 * switch the connection are none.
 */
export type MethodsOfCommands<T extends CommandTable> = {
  readonly [K in keyof T as [Switches<T[K]>] extends [true] ? never : K]: CommandMethod<T[K]>;
};
