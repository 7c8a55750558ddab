import { ConfigurationError, type RpcError } from "../../errors.js";
import type { Channel } from "../../peer/channel.js";
import type { MethodContract } from "../../peer/contract.js";
import type { Protocol, ProtocolConnectOptions, ProtocolListener, ProtocolListenOptions } from "../../peer/protocol.js";
import { Code } from "../../wire/amp/format.js";
import type { CommandTable } from "./calls.js";
import { AmpChannel } from "./channel.js";
import { checkProtocolOptions, requireTlsAt } from "./check-options.js";
import { CommandBook } from "./command-book.js";
import { asDeclared } from "./error-of.js";
import { RemoteAmpError } from "./errors.js";
import { AmpListener } from "./listener.js";
import type { AmpProtocolOptions } from "./options.js";

/**
 * AMP as a protocol of clients and hosts, which connect again, try again, and are found through a nameserver:
 *
 * ```ts
 * const commands = { repeat: Repeat };
 * const math = client.connect<MethodsOfCommands<typeof commands>>("tcp://127.0.0.1:8000", undefined, { wire: amp(commands) });
 * await math.repeat({ text: "abc", times: 3 });
 * client.locate<MethodsOfCommands<typeof commands>>("demo.math", { wire: amp(commands) });
 * new Host({ address: ["tcp://127.0.0.1:2013", { address: "tcp://127.0.0.1:8000", wire: amp(commands) }] });
 * ```
 *
 * A method stands for the command that the table has for it, maybe under `interface.method`; any other method is a command of its own
 * name, whose values are guessed. Hosts answer the commands of the table by the methods that they stand for, and any other command by the
 * method of its name, with `interface.` in front where several interfaces have it.
 *
 * Clients make one connection for each address and object that this returns: make one, and use it everywhere.
 *
 * @param commands - by the name of the method that stands for them; default none
 * @throws ConfigurationError for what is no command, two of one name, and an option that there is not
 */
export function amp(commands: CommandTable = {}, options: AmpProtocolOptions = {}): Protocol {
  checkProtocolOptions(options);
  return new AmpProtocol(new CommandBook(commands), options);
}

class AmpProtocol implements Protocol {
  readonly name = "amp";
  readonly schemes: readonly string[] = ["tls", "tcp", "ipc"];
  readonly #book: CommandBook;
  readonly #options: AmpProtocolOptions;

  constructor(book: CommandBook, options: AmpProtocolOptions) {
    this.#book = book;
    this.#options = options;
  }

  isSecret(address: string): boolean {
    const { tls } = this.#options;
    return address.startsWith("tls://") && (!tls || tls.verify !== false);
  }

  connect(address: string, options: ProtocolConnectOptions): Channel {
    requireTlsAt(address, this.#options.tls);
    return new AmpChannel(address, this.#book, this.#options, options);
  }

  contractOf(interfaceName: string, method: string): Pick<MethodContract, "idempotent"> | undefined {
    return this.#book.find(interfaceName, method);
  }

  errorOf(interfaceName: string, method: string, error: RpcError): unknown {
    const { remote } = error;
    if (remote?.name === undefined || remote.name === Code.unhandled) return error;
    const { name: code, message: description } = remote;
    const command = this.#book.find(interfaceName, method);
    // What has a code of our own says more by that.
    const { message, outcome, service } = error;
    const cause =
      error.code === "UNKNOWN"
        ? new RemoteAmpError(code, description, {
            interface: interfaceName,
            method,
            service,
            outcome,
            message,
            remote,
            fatal: command?.fatalErrors.has(code),
            received: true,
            cause: error.cause,
          })
        : error;
    return asDeclared(command, code, description, cause);
  }

  async listen(address: string, options: ProtocolListenOptions): Promise<ProtocolListener> {
    const { switching } = this.#book;
    if (switching) {
      throw new ConfigurationError(
        `The command ${switching.name} switches the connection, which no host can give away: answer it with listen()`,
      );
    }
    requireTlsAt(address, this.#options.tls);
    return await new AmpListener(this.#book, this.#options, options).bind(address);
  }
}
