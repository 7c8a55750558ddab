import { type Command, decodeMetadata, encodeCommand } from "./command.js";
import { type Mechanism, type Step, unexpected } from "./mechanism.js";

/** No security: each end sends `READY` (RFC 37, "The NULL Security Mechanism"). Both ends are alike. */
export class NullMechanism implements Mechanism {
  readonly name = "NULL" as const;
  readonly #metadata: Buffer;

  constructor(metadata: Buffer) {
    this.#metadata = metadata;
  }

  begin(): Buffer {
    return encodeCommand("READY", this.#metadata);
  }

  receive(command: Command): Step {
    if (command.name !== "READY") throw unexpected(command, this.name);
    return {
      done: {
        metadata: decodeMetadata(command.body),
        identity: { mechanism: "null", user: undefined, publicKey: undefined },
      },
    };
  }
}
