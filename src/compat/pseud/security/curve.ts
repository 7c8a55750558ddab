import { ConfigurationError } from "../../../errors.js";
import { FailedLogins } from "../../../security/failed-logins.js";
import { type Authenticator, Gate } from "../../../security/gate.js";
import { KeyFolder } from "../../../security/key-folder.js";
import { keyText, readKey } from "../../../security/keys.js";
import type { PeerIdentity } from "../../../transport/index.js";
import type { Challenge, SecurityPlugin, SecuritySettings } from "./plugin.js";
import { curveLink, passwordCheck, requireKeys } from "./settings.js";

/** Keys that the server knows: everything is encrypted, and a key tells its user. */
export const trustedCurve: SecurityPlugin = {
  name: "trusted_curve",
  server: (settings) => {
    const keys = requireKeys(settings, "trusted_curve");
    const authenticator = keyCheck(settings, keys);
    const gate = new Gate({ keys, mechanisms: ["curve"], authenticator }, settings.log);
    return { listener: gate.listenerSecurity(["curve"]) };
  },
  client: (settings) => ({ link: curveLink(settings, "trusted_curve") }),
};

/**
 * Keys that nobody knows beforehand: everything is encrypted, and login and password tell the user (docs/pseud-wire.md, section 5).
 */
export const untrustedCurve: SecurityPlugin = {
  name: "untrusted_curve",
  server: (settings) => {
    const challenge = new KeyTrust(settings);
    const gate = new Gate(
      {
        keys: requireKeys(settings, "untrusted_curve"),
        mechanisms: ["curve"],
        authenticator: { checkKey: (key) => challenge.nameOf(key) },
      },
      settings.log,
    );
    return { listener: gate.listenerSecurity(["curve"]), challenge };
  },
  client: (settings) => {
    const { userId, password = new Uint8Array() } = settings;
    if (userId === undefined) throw new ConfigurationError("Who logs in with a password has a name (option userId)");
    return { link: curveLink(settings, "untrusted_curve"), login: { login: userId, password } };
  },
};

function keyCheck({ users, authenticator }: SecuritySettings, keys: unknown): Authenticator | undefined {
  if (authenticator?.checkKey) return authenticator;
  if (users) {
    const names = new Map(
      Object.entries(users).map(([name, key]) => [keyText(readKey(key, `The key of ${name}`)), name]),
    );
    return { checkKey: (key) => names.get(keyText(key)) };
  }
  // The folder says who is trusted.
  if (keys instanceof KeyFolder) return undefined;
  throw new ConfigurationError(
    "The security plugin trusted_curve needs the keys of its users: users: { name: key }, a folder of keys, or an authenticator " +
      "with checkKey",
  );
}

/** Trusts the keys of those who have logged in. */
class KeyTrust implements Challenge {
  readonly #check: ReturnType<typeof passwordCheck>;
  readonly #failed: FailedLogins;
  readonly #log: SecuritySettings["log"];
  /** Users by key, the one that has logged in longest ago first. */
  readonly #trusted = new Map<string, string>();

  constructor(settings: SecuritySettings) {
    this.#check = passwordCheck(settings, "untrusted_curve");
    this.#failed = new FailedLogins(settings.maxFailedLogins ?? 20, 60_000);
    this.#log = settings.log;
  }

  /** What the connection of a key is called: its user, or the key itself while that is not known. */
  nameOf(key: Uint8Array): string {
    const text = keyText(key);
    return this.#trusted.get(text) ?? text;
  }

  userOf({ publicKey }: PeerIdentity): string | undefined {
    return publicKey && this.#trusted.get(keyText(publicKey));
  }

  async logIn(...[login, identity, origin]: Parameters<Challenge["logIn"]>): Promise<string | undefined> {
    const { publicKey } = identity;
    if (!publicKey || this.#failed.isBlocked(origin.remoteAddress)) return undefined;
    const user = await this.#check(login.login, login.password, origin);
    if (user === undefined) {
      this.#failed.failed(origin.remoteAddress);
      this.#log.warn(`${origin.remoteAddress || "A peer on this machine"} was not let in with a password`);
      return undefined;
    }
    this.#trusted.set(keyText(publicKey), user);
    const [oldest] = this.#trusted.keys();
    if (this.#trusted.size > MAX_TRUSTED && oldest !== undefined) this.#trusted.delete(oldest);
    return user;
  }
}

/** Keys that are remembered; the others log in anew. */
const MAX_TRUSTED = 100_000;
