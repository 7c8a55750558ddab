import { BadRequestError, RpcError } from "../../errors.js";
import { CallPromise } from "../../peer/call-promise.js";
import type { CallOptions } from "../../peer/invoker.js";
import { createProxy, type ProxyHandle } from "../../peer/proxy.js";
import type { AmpCallOptions, CallsOf, CommandTable } from "./calls.js";
import { type Command, type CommandLike, commandOf } from "./command.js";
import type { AmpEnd } from "./end.js";
import type { AmpVerbs } from "./options.js";
import { type UntypedArguments, type UntypedValues, untypedBox, untypedValues } from "./untyped.js";

/** A command that nobody has defined here, as a method. */
export type UntypedCall = (args?: UntypedArguments, options?: AmpCallOptions) => Promise<UntypedValues>;

/** Commands that nobody has defined here, each as a method of its name. */
export type UntypedCalls = Readonly<Record<string, UntypedCall>>;

/**
 * The other end of a connection, as an object: the verbs of {@link AmpVerbs}, and a method for each command. Commands of no table are
 * called by their own names, with values whose types are guessed: `peer.Sum({ a: 1, b: 2 })` gives `{ total: "3" }`.
 */
export type AmpRemote<T extends CommandTable | undefined = undefined> = AmpVerbs &
  (T extends CommandTable ? CallsOf<T> : UntypedCalls);

/** Makes the object for an end of a connection. */
export function remoteOf<T extends CommandTable | undefined>(end: AmpEnd, table: T): AmpRemote<T> {
  const commands = new Map(Object.entries<CommandLike>(table ?? {}).map(([name, like]) => [name, commandOf(like)]));
  // The type parameter speaks for the other side, as everywhere.
  return createProxy(new PeerHandle(end, commands, verbsOf(end))) as unknown as AmpRemote<T>;
}

function verbsOf(end: AmpEnd): ReadonlyMap<string, unknown> {
  const verbs: { readonly [K in keyof Omit<AmpVerbs, symbol>]: unknown } = {
    callRemote: end.callRemote.bind(end),
    callBox: end.callBox.bind(end),
    startTls: end.startTls.bind(end),
    switchProtocol: end.switchProtocol.bind(end),
    close: end.close.bind(end),
    closed: end.closed,
    info: end.info,
  };
  return new Map(Object.entries(verbs));
}

class PeerHandle implements ProxyHandle<CallPromise<unknown>> {
  readonly locals: ReadonlyMap<string, unknown>;
  readonly #end: AmpEnd;
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #options: CallOptions;

  constructor(
    end: AmpEnd,
    commands: ReadonlyMap<string, Command>,
    locals: ReadonlyMap<string, unknown>,
    options: CallOptions = {},
  ) {
    this.locals = locals;
    this.#end = end;
    this.#commands = commands;
    this.#options = options;
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
    return new PeerHandle(this.#end, this.#commands, this.locals, { ...this.#options, ...options });
  }

  /** What it throws fails the call as well. */
  #call(method: string, given: readonly unknown[]): Promise<unknown> {
    const [args = {}, own] = given;
    if (given.length > 2 || typeof args !== "object" || args === null) {
      throw new BadRequestError(`${method} takes its arguments by name, as one object: ${method}({ … })`, { method });
    }
    const options: AmpCallOptions = own ? { ...this.#options, ...own } : this.#options;
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
