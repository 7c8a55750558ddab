import { ConfigurationError } from "../errors.js";
import type { Admission, KeyPair, ListenerSecurity, PeerIdentity, PeerOrigin } from "../transport/index.js";
import type { Logger } from "../util/log.js";
import { FailedLogins } from "./failed-logins.js";
import { type KeyFolder, openKeys } from "./key-folder.js";
import { isSameKey, keyText, readKey } from "./keys.js";

/** How ends of a connection can prove who they are. */
export type Mechanism = "curve" | "plain" | "null";

/** Decides who may come in. What it has no check for, it does not let in. */
export interface Authenticator {
  /**
   * May the holder of this key come in?
   *
   * @returns the user's name, or `undefined` to refuse
   */
  readonly checkKey?: ((publicKey: Uint8Array, origin: PeerOrigin) => Admission) | undefined;
  /** The same for a user with a password, both as they came. Compare secrets with `isSameSecret`. */
  readonly checkPassword?: ((user: Uint8Array, password: Uint8Array, origin: PeerOrigin) => Admission) | undefined;
}

/** How a host or nameserver proves who it is, and whom it lets in (docs/security.md). */
export interface HostSecurity {
  /** Its own keys: a folder (`lamplighter keys generate`), also by its path, or a pair. Needed for `curve`. */
  readonly keys?: string | KeyFolder | KeyPair | undefined;
  /**
   * How peers may prove who they are, at addresses that do not say it themselves; default `["curve"]`. `null` lets in whoever comes,
   * without proof and in clear text: PyCOM's peers can do nothing else.
   */
  readonly mechanisms?: readonly Mechanism[] | undefined;
  /** Decides who may come in; default: the users whom the folder trusts. */
  readonly authenticator?: Authenticator | undefined;
  /** The public key of the nameserver, which asks hosts whether they are alive; default: the one that the folder holds. */
  readonly nameserverKey?: string | Uint8Array | undefined;
  /**
   * Wrong passwords from one IP address in a minute, after which no password of it is looked at for the rest of that; default
   * 20. Keys cannot be guessed, and who has one is not kept out by what others on the same address do.
   */
  readonly maxFailedLogins?: number | undefined;
}

const MECHANISMS: readonly string[] = ["curve", "plain", "null"] satisfies Mechanism[];

/** The name that the nameserver gets where its key is pinned; no user has such a one. */
const NAMESERVER_USER = "(nameserver)";

/** Judges who may come in, by what {@link HostSecurity} say. */
export class Gate {
  readonly #keys: KeyPair | undefined;
  readonly #folder: KeyFolder | undefined;
  readonly #mechanisms: readonly Mechanism[];
  readonly #authenticator: Authenticator;
  /** Is there anything that says whose keys are let in, but for the nameserver's? */
  readonly #knowsKeys: boolean;
  readonly #failed: FailedLogins;
  readonly #log: Logger;

  /** @throws ConfigurationError when the options contradict each other, or the folder has no keys */
  constructor(options: HostSecurity, log: Logger) {
    const { keys, mechanisms = ["curve"], authenticator, nameserverKey } = options;
    const { pair, folder } = openKeys(keys);
    this.#folder = folder;
    this.#keys = pair;
    this.#mechanisms = mechanisms;
    this.#knowsKeys = (authenticator ? authenticator.checkKey : folder) !== undefined;
    const pinned = nameserverKey === undefined ? undefined : readKey(nameserverKey, "The nameserver's key");
    const checkKey = authenticator ? authenticator.checkKey : (key: Uint8Array) => folder?.userOf(key);
    this.#authenticator = {
      checkPassword: authenticator?.checkPassword,
      checkKey:
        checkKey &&
        (async (key, origin) => {
          // The nameserver asks now and then whether a host is alive, whoever else is let in.
          const known = pinned ?? folder?.nameserverKey;
          return (await checkKey(key, origin)) ?? (known && isSameKey(key, known) ? NAMESERVER_USER : undefined);
        }),
    };
    this.#failed = new FailedLogins(options.maxFailedLogins ?? 20, 60_000);
    this.#log = log;
    this.require(mechanisms);
  }

  /**
   * Are these mechanisms, and can this gate judge by them?
   *
   * @throws ConfigurationError when nobody could come in by one of them
   */
  require(mechanisms: readonly Mechanism[]): void {
    if (mechanisms.length === 0) {
      throw new ConfigurationError("The list of mechanisms is empty: nobody could come in");
    }
    const unknown = mechanisms.find((mechanism) => !MECHANISMS.includes(mechanism));
    if (unknown !== undefined) {
      throw new ConfigurationError(`${JSON.stringify(unknown)} is no mechanism; there are ${MECHANISMS.join(", ")}`);
    }
    if (mechanisms.includes("curve") && !this.#keys) throw new ConfigurationError("The mechanism curve needs keys");
    if (mechanisms.includes("curve") && !this.#knowsKeys) {
      throw new ConfigurationError("Nobody's key is trusted: give a folder of keys, or an authenticator with checkKey");
    }
    if (mechanisms.includes("plain") && !this.#authenticator.checkPassword) {
      throw new ConfigurationError("The mechanism plain needs an authenticator with checkPassword");
    }
  }

  /** How peers may prove who they are, at addresses that do not say it themselves. */
  get mechanisms(): readonly Mechanism[] {
    return this.#mechanisms;
  }

  /** What callers have to know beforehand where these mechanisms hold; `undefined` without keys. */
  publicKey(mechanisms: readonly Mechanism[]): Uint8Array | undefined {
    return mechanisms.includes("curve") ? this.#keys?.publicKey : undefined;
  }

  /** Lets in by these mechanisms, for a listener. */
  listenerSecurity(mechanisms: readonly Mechanism[]): ListenerSecurity {
    const { checkKey, checkPassword } = this.#authenticator;
    const has = (mechanism: Mechanism): boolean => mechanisms.includes(mechanism);
    return {
      null: has("null") ? true : undefined,
      plain:
        has("plain") && checkPassword
          ? (user, password, origin) =>
              this.#judge(
                origin,
                () => this.#failed.check(origin.remoteAddress, () => checkPassword(user, password, origin)),
                "a password",
              )
          : undefined,
      curve:
        has("curve") && this.#keys && checkKey
          ? {
              keys: this.#keys,
              admit: (key, origin) => this.#judge(origin, () => checkKey(key, origin), `the key ${keyText(key)}`),
            }
          : undefined,
    };
  }

  /** Would a peer that is in be let in again? Passwords are not kept, so only keys can be looked at. */
  async stillAdmits({ publicKey, user }: PeerIdentity, origin: PeerOrigin): Promise<boolean> {
    if (!publicKey) return true;
    return (await this.#authenticator.checkKey?.(publicKey, origin)) === user && user !== undefined;
  }

  /**
   * Looks whether others are trusted now, if a folder says who is.
   *
   * @param changed - called when that is so
   * @returns ends it
   */
  watch(changed: () => void): () => void {
    return this.#folder?.watch(changed) ?? (() => undefined);
  }

  async #judge(origin: PeerOrigin, check: () => Admission, what: string): Promise<string | undefined> {
    const user = await check();
    const from = origin.remoteAddress === "" ? "A peer on this machine" : origin.remoteAddress;
    if (user === undefined) this.#log.warn(`${from} was not let in with ${what}`);
    return user;
  }
}
