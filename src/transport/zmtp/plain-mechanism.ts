import { ConfigurationError, ProtocolError } from "../../errors.js";
import type { Admission } from "../security.js";
import {
  type Command,
  decodeMetadata,
  encodeCommand,
  type Metadata,
  metadataFor,
  type OwnMetadata,
} from "./command.js";
import { admit, type Mechanism, type Step, unexpected } from "./mechanism.js";

/** The end that shows user and password (RFC 24). */
export class PlainClient implements Mechanism {
  readonly name = "PLAIN" as const;
  readonly #metadata: Buffer;
  readonly #hello: Buffer;
  #welcomed = false;

  /** @throws ConfigurationError when user or password are longer than 255 octets */
  constructor(
    metadata: Buffer,
    credentials: { readonly user: string | Uint8Array; readonly password: string | Uint8Array },
  ) {
    this.#metadata = metadata;
    this.#hello = encodeCommand(
      "HELLO",
      shortText("user", credentials.user),
      shortText("password", credentials.password),
    );
  }

  begin(): Buffer {
    return this.#hello;
  }

  receive(command: Command): Step {
    if (command.name === "WELCOME" && !this.#welcomed) {
      this.#welcomed = true;
      return { send: encodeCommand("INITIATE", this.#metadata) };
    }
    if (command.name !== "READY" || !this.#welcomed) throw unexpected(command, this.name);
    return {
      done: {
        metadata: decodeMetadata(command.body),
        identity: { mechanism: "plain", user: undefined, publicKey: undefined },
      },
    };
  }
}

/** The end that checks them. */
export class PlainServer implements Mechanism {
  readonly name = "PLAIN" as const;
  readonly #metadata: OwnMetadata;
  readonly #check: (user: Uint8Array, password: Uint8Array) => Admission;
  #user: string | undefined;

  constructor(metadata: OwnMetadata, check: (user: Uint8Array, password: Uint8Array) => Admission) {
    this.#metadata = metadata;
    this.#check = check;
  }

  begin(): undefined {
    return undefined;
  }

  async receive(command: Command): Promise<Step> {
    if (this.#user === undefined) {
      if (command.name !== "HELLO") throw unexpected(command, this.name);
      const { user, password } = readHello(command.body);
      this.#user = await admit(() => this.#check(user, password), "the user of a PLAIN handshake");
      return { send: encodeCommand("WELCOME") };
    }
    if (command.name !== "INITIATE") throw unexpected(command, this.name);
    const metadata: Metadata = decodeMetadata(command.body);
    return {
      send: encodeCommand("READY", metadataFor(this.#metadata, metadata)),
      done: { metadata, identity: { mechanism: "plain", user: this.#user, publicKey: undefined } },
    };
  }
}

function readHello(body: Buffer): { user: Buffer; password: Buffer } {
  const passwordAt = 1 + (body[0] ?? 0);
  const end = passwordAt + 1 + (body[passwordAt] ?? 0);
  if (body.length < 2 || body.length !== end) throw new ProtocolError("The HELLO of a PLAIN handshake is malformed");
  return {
    user: Buffer.from(body.subarray(1, passwordAt)),
    password: Buffer.from(body.subarray(passwordAt + 1)),
  };
}

function shortText(what: string, value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  if (bytes.length > 255)
    throw new ConfigurationError(`The ${what} of PLAIN may have 255 octets, this has ${bytes.length}`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
