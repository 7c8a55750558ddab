import { BadRequestError, ConfigurationError, RpcError } from "../../errors.js";
import { CallPromise } from "../../peer/call-promise.js";
import type { CallOptions } from "../../peer/invoker.js";
import { createProxy, type ProxyHandle } from "../../peer/proxy.js";
import type { AmpCallOptions, CommandTable } from "./calls.js";
import { type Command, type CommandLike, commandOf } from "./command.js";
import type { AmpEnd } from "./end.js";
import type { AmpRemote } from "./remote.js";
import { untypedBox, untypedValues } from "./untyped.js";
import { joinedOptions, VERBS, verbsOf } from "./verbs.js";

/** Commands by the method that calls them. */
export type Commands = ReadonlyMap<string, Command>;

/**
 * The commands of a table.
 *
 * @throws ConfigurationError for what is no command, and for a method that would hide one of the connection's own
 */
export function commandsOf(table: CommandTable | undefined): Commands {
  const given: unknown = table ?? {};
  if (typeof given !== "object" || given === null) {
    throw new ConfigurationError("The option commands is an object with commands by method: { sum: Sum }");
  }
  const commands = new Map<string, Command>();
  for (const [name, like] of Object.entries<CommandLike>(given as CommandTable)) {
    if (Object.hasOwn(VERBS, name)) {
      throw new ConfigurationError(
        `commands.${name} could never be called, as ${name} is the connection's own: give the command another method`,
      );
    }
    commands.set(name, commandOf(like));
  }
  return commands;
}

/** Makes the object for an end of a connection. */
export function remoteOf<T extends CommandTable | undefined = undefined>(
  end: AmpEnd,
  commands: Commands = NONE,
): AmpRemote<T> {
  // The type parameter speaks for the other side, as everywhere.
  return createProxy(new PeerHandle(end, commands, undefined)) as unknown as AmpRemote<T>;
}

const NONE: Commands = new Map();

class PeerHandle implements ProxyHandle<CallPromise<unknown>> {
  readonly locals: ReadonlyMap<string, unknown>;
  readonly #end: AmpEnd;
  readonly #commands: Commands;
  readonly #options: CallOptions | undefined;

  constructor(end: AmpEnd, commands: Commands, options: CallOptions | undefined) {
    this.#end = end;
    this.#commands = commands;
    this.#options = options;
    this.locals = new Map(Object.entries(verbsOf(end, options)));
  }

  invoke(method: string, args: readonly unknown[]): CallPromise<unknown> {
    return new CallPromise((resolve, reject) => {
      this.#call(method, args).then(resolve, reject);
    });
  }

  describe(): string {
    const { label, isOpen, isSecure } = this.#end;
    return `RemoteProxy<amp @ ${label} ${isOpen ? (isSecure ? "secure" : "connected") : "closed"}>`;
  }

  methods(): readonly string[] {
    return [...this.#commands.keys()];
  }

  close(): Promise<void> {
    return this.#end.close();
  }

  withOptions(options: CallOptions): ProxyHandle<CallPromise<unknown>> {
    return new PeerHandle(this.#end, this.#commands, { ...this.#options, ...options });
  }

  /** What it throws fails the call as well. */
  #call(method: string, given: readonly unknown[]): Promise<unknown> {
    const [args = {}, last] = given;
    const own = (last ?? undefined) as AmpCallOptions | undefined;
    if (given.length > 2 || typeof args !== "object" || args === null) {
      throw new BadRequestError(`${method} takes its arguments by name, as one object: ${method}({ … })`, { method });
    }
    const options = this.#options ? joinedOptions(this.#options, own, method) : own;
    const command = this.#commands.get(method);
    if (command) return this.#end.call(command, args, options);
    let box: Map<string, Uint8Array>;
    try {
      box = untypedBox(args, this.#end.dialect);
    } catch (error) {
      throw RpcError.from(error, "BAD_REQUEST", { method });
    }
    return this.#end.callBox(method, box, options).then(untypedValues);
  }
}
