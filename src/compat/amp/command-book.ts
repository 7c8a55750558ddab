import { ConfigurationError } from "../../errors.js";
import type { CommandTable } from "./calls.js";
import { type Command, commandOf } from "./command.js";

/** A command, and the method that stands for it here. */
export interface BookedCommand {
  /** The key in the table: a method's name, maybe with that of its interface in front. */
  readonly method: string;
  /** What both ends know of it. */
  readonly command: Command;
}

/** The commands of a table, found by either name. Names from outside lead nowhere but here. */
export class CommandBook {
  readonly #byMethod = new Map<string, Command>();
  readonly #byName = new Map<string, BookedCommand>();

  /** @throws ConfigurationError for what is no command, and for two of one name */
  constructor(table: CommandTable) {
    for (const [method, like] of Object.entries(table)) {
      const command = commandOf(like);
      const other = this.#byName.get(command.name);
      if (other && other.command !== command) {
        throw new ConfigurationError(
          `The commands ${other.method} and ${method} are both called ${JSON.stringify(command.name)}, and would be taken for each other`,
        );
      }
      this.#byMethod.set(method, command);
      if (!other) this.#byName.set(command.name, { method, command });
    }
  }

  /**
   * The command that a method stands for: of its interface, if the table says so, else of any.
   *
   * @param interfaceName - `""` for none
   */
  find(interfaceName: string, method: string): Command | undefined {
    const own = interfaceName === "" ? undefined : this.#byMethod.get(`${interfaceName}.${method}`);
    return own ?? this.#byMethod.get(method);
  }

  /** What is known of a command that somebody asks for. */
  asked(name: string): BookedCommand | undefined {
    return this.#byName.get(name);
  }

  /** A command that makes of a connection something else, which a host has nobody to give to. */
  get switching(): Command | undefined {
    return [...this.#byMethod.values()].find(({ switches }) => switches);
  }
}
