import { ConfigurationError } from "../../errors.js";
import { brand, brandOf, hasBrand } from "../../util/shared.js";
import type { AmpFields } from "../../wire/amp/index.js";
import { type CommandSettings, requireOptions, type SettingsOf, settingsOf } from "./command-settings.js";
import type {
  ArgumentFields,
  CommandErrors,
  ErrorsIn,
  Nothing,
  RequiresAnswer,
  ResponseFields,
  Switches,
} from "./command-types.js";

/** A class of errors that a command can declare: its constructor takes the description as its first argument. */
export type AmpErrorClass<E extends Error = Error> = new (description: string) => E;

/** Classes of errors by the code that travels: `{ ZERO_DIVISION: ZeroDivisionError }`. */
export type ErrorTable = Readonly<Record<string, AmpErrorClass>>;

/**
 * What both ends have to know of a command (docs/amp-wire.md, sections 2 to 4): its name, and the types of its arguments, of the
 * values of its response and of its errors. Made by {@link defineCommand}, or of a class by {@link commandOf}. Immutable.
 */
export class Command<
  A extends AmpFields = AmpFields,
  R extends AmpFields = AmpFields,
  E extends Error = Error,
  Q extends boolean = boolean,
  S extends boolean = boolean,
> {
  /** The name that travels; octets, here as a text with one character for each. */
  readonly name: string;
  /** Types of the arguments, by name. */
  readonly arguments: A;
  /** Types of the values of the response, by name. */
  readonly response: R;
  /** Classes of errors after which the connection goes on, by code; inherited ones first. */
  readonly errors: ReadonlyMap<string, AmpErrorClass<E>>;
  /** Classes of errors after which the end that answers closes the connection, by code; inherited ones first. */
  readonly fatalErrors: ReadonlyMap<string, AmpErrorClass<E>>;
  /** Do callers ask for an answer? Those who do get one, whatever this says. */
  readonly requiresAnswer: Q;
  /** May it be called again when nobody knows whether it was run? */
  readonly idempotent: boolean;
  /** Does the end that answers close the connection after its response? Twisted: a `QuitBox`. */
  readonly quits: boolean;
  /** Does its response turn the connection into something else? Twisted: a `ProtocolSwitchCommand`. */
  readonly switches: S;

  /** Use {@link defineCommand}. */
  constructor(settings: CommandSettings) {
    this.name = settings.name;
    this.arguments = settings.arguments as A;
    this.response = settings.response as R;
    this.errors = settings.errors as ReadonlyMap<string, AmpErrorClass<E>>;
    this.fatalErrors = settings.fatalErrors as ReadonlyMap<string, AmpErrorClass<E>>;
    this.requiresAnswer = settings.requiresAnswer as Q;
    this.idempotent = settings.idempotent;
    this.quits = settings.quits;
    this.switches = settings.switches as S;
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is Command {
    return hasBrand(value, COMMAND);
  }
}

const COMMAND = brandOf("amp.Command");
brand(Command.prototype, COMMAND);

/** What {@link defineCommand} is told. Whatever is left out is as in the command that it extends. */
export interface CommandDefinition<
  A extends AmpFields,
  R extends AmpFields,
  E extends ErrorTable,
  F extends ErrorTable,
  Q extends boolean,
  S extends boolean,
  P extends CommandLike,
> {
  /** The name that travels; case matters. Characters up to U+00FF stand for an octet each. */
  readonly name: string;
  /** A command whose errors it has as well, and whose other settings are the defaults of its own. Default none. */
  readonly extends?: P;
  /** Types of the arguments, by name. Default none. */
  readonly arguments?: A;
  /** Types of the values of the response, by name. Default none. */
  readonly response?: R;
  /** Errors that callers get as what they are, by code: a class, and so those that extend it. Default none. */
  readonly errors?: E;
  /** Further ones, after which the end that answers closes the connection. Default none. */
  readonly fatalErrors?: F;
  /** `false`: callers send it and learn nothing more, not even that it failed. Default true. */
  readonly requiresAnswer?: Q;
  /** May be run twice without harm, so that a caller may try again when nobody knows whether it was run. Default false. */
  readonly idempotent?: boolean;
  /** The end that answers closes the connection after the response. Default false. */
  readonly quits?: boolean;
  /** The responder returns a function, which takes the connection over; there is no response then. Default false. */
  readonly switches?: S;
}

/**
 * Defines a command:
 *
 * ```ts
 * const Divide = defineCommand({
 *   name: "Divide",
 *   arguments: { numerator: integer(), denominator: integer() },
 *   response: { result: float() },
 *   errors: { ZERO_DIVISION: ZeroDivisionError },
 * });
 * ```
 *
 * Errors of the command that it extends are added to its own; of two under one code, or of one class, its own is the one that counts.
 *
 * @throws ConfigurationError for everything that cannot be so, with the command's name
 */
export function defineCommand<
  P extends CommandLike = never,
  A extends AmpFields = [P] extends [never] ? Nothing : ArgumentFields<P>,
  R extends AmpFields = [P] extends [never] ? Nothing : ResponseFields<P>,
  E extends ErrorTable = Nothing,
  F extends ErrorTable = Nothing,
  Q extends boolean = [P] extends [never] ? true : RequiresAnswer<P>,
  S extends boolean = [P] extends [never] ? false : Switches<P>,
>(
  definition: CommandDefinition<A, R, E, F, Q, S, P>,
): Command<A, R, ErrorsIn<E> | ErrorsIn<F> | CommandErrors<P>, Q, S> {
  requireOptions(definition);
  const parent = definition.extends === undefined ? undefined : commandOf(definition.extends);
  return new Command(settingsOf(definition, parent));
}

/**
 * A command as a class, to be extended:
 *
 * ```ts
 * class Sum extends AmpCommand {
 *   static override arguments = { a: integer(), b: integer() };
 *   static override response = { total: integer() };
 * }
 * ```
 *
 * Its name is that of the class, unless it has a `commandName` of its own: give it one where names of classes are shortened by a
 * bundler. Errors of the classes that it extends are added to its own, and what else it does not say is theirs. It is read once, when
 * it is first used. TypeScript allows `arguments` with `useDefineForClassFields`, its default from ES2022 on.
 */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- what is extended is its static side
export abstract class AmpCommand {
  /** The name that travels; not inherited. Default the name of the class. */
  static readonly commandName?: string;
  /** Types of the arguments, by name. */
  static readonly arguments: AmpFields = {};
  /** Types of the values of the response, by name. */
  static readonly response: AmpFields = {};
  /** See {@link CommandDefinition.errors}. TypeScript wants those of the parent repeated: `{ ...Parent.errors, MORE: More }`. */
  static readonly errors: ErrorTable = {};
  /** See {@link CommandDefinition.fatalErrors}. */
  static readonly fatalErrors: ErrorTable = {};
  /** See {@link CommandDefinition.requiresAnswer}; `readonly`, so that TypeScript knows what calls give. */
  static readonly requiresAnswer: boolean = true;
  /** See {@link CommandDefinition.idempotent}. */
  static readonly idempotent: boolean = false;
  /** See {@link CommandDefinition.quits}. */
  static readonly quits: boolean = false;
  /** See {@link CommandDefinition.switches}; `readonly`, so that TypeScript knows what responders return. */
  static readonly switches: boolean = false;
}

const COMMAND_CLASS = brandOf("amp.CommandClass");
brand(AmpCommand, COMMAND_CLASS);

/** A command as an object or as a class. */
export type CommandLike = Command | typeof AmpCommand;

/** Commands of classes. */
const commands = new WeakMap<object, Command>();

/**
 * The command that is meant: an object as it is, a class as the object that says the same.
 *
 * @throws ConfigurationError for what is neither, and for a class with something that cannot be so
 */
export function commandOf(like: CommandLike): Command {
  const given: unknown = like;
  if (Command.is(given)) return given;
  if (!isCommandClass(given)) {
    throw new ConfigurationError(
      "This is no command: give what defineCommand() returns, or a class that extends AmpCommand",
    );
  }
  let command = commands.get(given);
  if (!command) {
    command = ofClass(given);
    commands.set(given, command);
  }
  return command;
}

function isCommandClass(value: unknown): value is typeof AmpCommand {
  return typeof value === "function" && COMMAND_CLASS in value && !Object.hasOwn(value, COMMAND_CLASS);
}

/** Errors are added up from class to class; everything else is inherited by the language itself. */
function ofClass(Class: typeof AmpCommand): Command {
  const Parent: unknown = Object.getPrototypeOf(Class);
  const parent = isCommandClass(Parent) ? commandOf(Parent) : undefined;
  const own = (name: "errors" | "fatalErrors"): ErrorTable => (Object.hasOwn(Class, name) ? Class[name] : {});
  const settings: SettingsOf = {
    name: Object.hasOwn(Class, "commandName") ? Class.commandName : Class.name,
    arguments: Class.arguments,
    response: Class.response,
    errors: own("errors"),
    fatalErrors: own("fatalErrors"),
    requiresAnswer: Class.requiresAnswer,
    idempotent: Class.idempotent,
    quits: Class.quits,
    switches: Class.switches,
  };
  return new Command(settingsOf(settings, parent));
}
