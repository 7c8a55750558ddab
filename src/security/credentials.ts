import { ConfigurationError, rpcError } from "../errors.js";
import type { KeyPair, LinkSecurity, PlainSecurity } from "../transport/index.js";
import { type KeyFolder, openKeys } from "./key-folder.js";
import { readKey } from "./keys.js";

/** How a client, or a host where it is one, proves who it is, and whom it believes (docs/security.md). */
export interface CredentialOptions {
  /** Its own keys: a folder (`lamplighter keys generate`), also by its path, or a pair. */
  readonly keys?: string | KeyFolder | KeyPair | undefined;
  /** The public key that the nameserver has to have; default: the one that the folder holds. 40 characters of Z85, or 32 octets. */
  readonly nameserverKey?: string | Uint8Array | undefined;
  /** User and password for services without a key, in clear text: on unix sockets and networks that are trusted. */
  readonly plain?: Omit<PlainSecurity, "mechanism"> | undefined;
  /**
   * May services without a key be called, in clear text? With keys default false: such a call fails instead of going out open
   * to everybody. Without keys true.
   */
  readonly clearText?: boolean | undefined;
}

/** What {@link CredentialOptions} come to: how to connect to whom. */
export class Credentials {
  /** The key that the nameserver has to have; `undefined` where it needs none. */
  readonly nameserverKey: Uint8Array | undefined;
  readonly #keys: KeyPair | undefined;
  readonly #plain: PlainSecurity | undefined;
  readonly #clearText: boolean;

  /** @throws ConfigurationError when the folder has no keys, or a key is none */
  constructor(options: CredentialOptions = {}) {
    const { keys, nameserverKey, plain } = options;
    const { pair, folder } = openKeys(keys);
    this.#keys = pair;
    this.nameserverKey =
      nameserverKey === undefined ? folder?.nameserverKey : readKey(nameserverKey, "The nameserver's key");
    this.#plain = plain && { mechanism: "plain", ...plain };
    this.#clearText = options.clearText ?? (plain !== undefined || this.#keys === undefined);
    if (this.nameserverKey && !this.#keys) {
      throw new ConfigurationError("The nameserver's key is pinned, and this end has none of its own: give it keys");
    }
  }

  /** Can a service be called that has, or has not, a key? */
  canReach(hasKey: boolean): boolean {
    return hasKey ? this.#keys !== undefined : this.#clearText;
  }

  /**
   * How to connect to a service.
   *
   * @param serverKey - the public key that it has to have; `undefined` for one that has none
   * @param address - for errors
   * @throws AccessDeniedError, `not-sent`, when that would be clear text, and must not be, or needs keys
   */
  linkSecurity(serverKey: string | Uint8Array | undefined, address: string): LinkSecurity {
    if (serverKey !== undefined) {
      if (this.#keys) {
        return { mechanism: "curve", keys: this.#keys, serverKey: readKey(serverKey, `The key of ${address}`) };
      }
      throw denied(`${address} wants encryption (CURVE), and this client has no keys: give it some (option security)`);
    }
    if (this.#clearText) return this.#plain ?? { mechanism: "null" };
    throw denied(
      `${address} has no key, and this client sends nothing in clear text. Let its host have keys, pin the key it should ` +
        "have, or allow it: security.clearText",
    );
  }

  /**
   * For protocols that have neither our keys nor encryption of their own.
   *
   * @throws AccessDeniedError, `not-sent`, when nothing may be said in clear text
   */
  requireClearText(address: string): void {
    if (this.#clearText) return;
    throw denied(
      `What is said to ${address} everybody can hear, and this client sends nothing in clear text. Let the protocol encrypt it, or ` +
        "allow it: security.clearText",
    );
  }
}

/** The credentials of an option. */
export function credentialsOf(option: string | CredentialOptions | Credentials | undefined): Credentials {
  if (option === undefined) return NO_CREDENTIALS;
  if (option instanceof Credentials) return option;
  return new Credentials(typeof option === "string" ? { keys: option } : option);
}

/** Proves nothing, and needs no proof. */
export const NO_CREDENTIALS: Credentials = new Credentials();

function denied(message: string): Error {
  return rpcError("ACCESS_DENIED", message, { outcome: "not-sent" });
}
