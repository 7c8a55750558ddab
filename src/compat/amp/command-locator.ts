import { ConfigurationError, RpcError } from "../../errors.js";
import { isThenable } from "../../util/thenable.js";
import { type Box, decodeFields, encodeFields, type SentValues } from "../../wire/amp/index.js";
import { type Command, type CommandLike, commandOf } from "./command.js";
import type { ReceivedArguments, SentResponse, TakeOver } from "./command-types.js";
import { BadArgumentsError, BadLocalReturnError } from "./errors.js";
import type { BoxResponder, ResponderContext, ResponderLocator } from "./locator.js";

/** What answers a command: gets its arguments by name, and returns the values of its response by name, at once or later. */
export type ResponderFunction<C extends CommandLike> = (
  args: ReceivedArguments<C>,
  context: ResponderContext,
) => SentResponse<C> | Promise<SentResponse<C>>;

/** Any responder; which command it is for is known beside it. */
export type AnyResponder = (args: never, context: ResponderContext) => unknown;

/** A command and what answers it; made by {@link respond}. */
export interface ResponderEntry {
  /** What is answered. */
  readonly command: Command;
  /** What answers it. */
  readonly run: AnyResponder;
}

/**
 * What answers a command, for a list of them: `[respond(Upper, ({ text }) => ({ text: text.toUpperCase() })), …]`.
 *
 * @throws ConfigurationError for a command that cannot be so, and for what is no function
 */
export function respond<C extends CommandLike>(command: C, run: ResponderFunction<C>): ResponderEntry {
  const meant = commandOf(command);
  if (typeof run !== "function") {
    throw new ConfigurationError(`What answers the command ${JSON.stringify(meant.name)} has to be a function`);
  }
  return { command: meant, run };
}

/** Responders of commands, by their names. */
export class CommandLocator implements ResponderLocator {
  readonly #responders = new Map<string, BoxResponder>();

  /**
   * Makes one.
   *
   * @param entries - responders; more can be added by {@link CommandLocator.respond}
   * @throws ConfigurationError as that
   */
  constructor(entries: Iterable<ResponderEntry> = []) {
    for (const { command, run } of entries) this.#add(command, run);
  }

  /**
   * Adds a responder.
   *
   * @returns itself
   * @throws ConfigurationError for a second one of a command, and as the function {@link respond}
   */
  respond<C extends CommandLike>(command: C, run: ResponderFunction<C>): this {
    const entry = respond(command, run);
    this.#add(entry.command, entry.run);
    return this;
  }

  /** Names of the commands that are answered. */
  get names(): readonly string[] {
    return [...this.#responders.keys()];
  }

  locateResponder(name: string): BoxResponder | undefined {
    return this.#responders.get(name);
  }

  #add(command: Command, run: AnyResponder): void {
    if (this.#responders.has(command.name)) throw twoResponders(command.name);
    this.#responders.set(command.name, new CommandResponder(command, run));
  }
}

/** What two responders of one command in one place are. */
export function twoResponders(name: string): ConfigurationError {
  return new ConfigurationError(`Two responders answer the command ${JSON.stringify(name)}: one of them is never run`);
}

/** Turns boxes into arguments, and responses into boxes (docs/amp-wire.md, section 3). */
class CommandResponder implements BoxResponder {
  readonly command: Command;
  readonly #run: AnyResponder;

  constructor(command: Command, run: AnyResponder) {
    this.command = command;
    this.#run = run;
  }

  /** What is returned at once is answered at once: a promise for it would cost as much as all else. */
  respond(box: Box, context: ResponderContext): Box | TakeOver | Promise<Box | TakeOver> {
    const result: unknown = this.#run(this.#argumentsOf(box, context) as never, context);
    if (!isThenable(result)) return this.#answerOf(result, context);
    return Promise.resolve(result).then((value) => this.#answerOf(value, context));
  }

  #answerOf(result: unknown, context: ResponderContext): Box | TakeOver {
    return this.command.switches ? this.#takeOverOf(result) : this.#boxOf(result, context);
  }

  #argumentsOf(box: Box, { peer }: ResponderContext): unknown {
    const { name: method, arguments: fields } = this.command;
    try {
      return decodeFields(fields, box, { context: peer });
    } catch (error) {
      throw new BadArgumentsError(`The command ${JSON.stringify(method)} cannot be run: ${reasonOf(error)}`, {
        method,
        cause: error,
      });
    }
  }

  #boxOf(result: unknown, { peer, dialect }: ResponderContext): Box {
    const { response } = this.command;
    // Who has nothing to say may return nothing.
    const values = result === undefined && Object.keys(response).length === 0 ? {} : result;
    try {
      return encodeFields(response, values as SentValues<typeof response>, {
        root: "result",
        extras: "ignore",
        dialect,
        context: peer,
      });
    } catch (error) {
      throw this.#badReturn(reasonOf(error), error);
    }
  }

  #takeOverOf(result: unknown): TakeOver {
    if (typeof result === "function") return result as TakeOver;
    throw this.#badReturn("it is no function, which a command that switches needs to hand the connection over");
  }

  #badReturn(why: string, cause?: unknown): BadLocalReturnError {
    const { name: method } = this.command;
    return new BadLocalReturnError(`What the responder of ${JSON.stringify(method)} returned cannot be sent: ${why}`, {
      method,
      cause,
    });
  }
}

/** Types of an application's own, and getters of what is returned, may throw what has no text. */
function reasonOf(error: unknown): string {
  return error instanceof RpcError ? error.message : "its values cannot be read or written";
}
