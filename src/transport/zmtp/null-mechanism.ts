import { type Command, decodeMetadata, encodeCommand, type OwnMetadata } from "./command.js";
import { type Mechanism, type Step, unexpected } from "./mechanism.js";

/**
 * No security: each end sends `READY` (RFC 37, "The NULL Security Mechanism"). Both ends are alike, except that one whose words
 * depend on those of the peer waits for them.
 */
export class NullMechanism implements Mechanism {
  readonly name = "NULL" as const;
  readonly #metadata: OwnMetadata;

  constructor(metadata: OwnMetadata) {
    this.#metadata = metadata;
  }

  begin(): Buffer | undefined {
    return typeof this.#metadata === "function" ? undefined : encodeCommand("READY", this.#metadata);
  }

  receive(command: Command): Step {
    if (command.name !== "READY") throw unexpected(command, this.name);
    const metadata = decodeMetadata(command.body);
    return {
      send: typeof this.#metadata === "function" ? encodeCommand("READY", this.#metadata(metadata)) : undefined,
      done: { metadata, identity: { mechanism: "null", user: undefined, publicKey: undefined } },
    };
  }
}
