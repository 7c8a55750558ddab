import { ConfigurationError } from "../../../errors.js";
import type { Authenticator } from "../../../security/gate.js";
import { KeyFolder } from "../../../security/key-folder.js";
import { readKey } from "../../../security/keys.js";
import { isSameSecret } from "../../../security/secrets.js";
import type { KeyPair, LinkSecurity } from "../../../transport/index.js";
import { textOf, toOctets } from "../octets.js";
import type { KeysOption, SecuritySettings } from "./plugin.js";

/**
 * The keys of an endpoint.
 *
 * @throws ConfigurationError when there are none, or they are no keys
 */
export function requireKeys({ keys }: SecuritySettings, plugin: string): KeyPair | KeyFolder {
  if (keys === undefined) throw new ConfigurationError(`The security plugin ${plugin} needs keys (option keys)`);
  return readKeys(keys);
}

/**
 * The keys of an option.
 *
 * @throws ConfigurationError when they are none
 */
export function readKeys(keys: KeysOption): KeyPair | KeyFolder {
  if (typeof keys === "string") return KeyFolder.open(keys);
  if (keys instanceof KeyFolder) return keys;
  return {
    publicKey: readKey(keys.publicKey, "The public key"),
    secretKey: readKey(keys.secretKey, "The secret key"),
  };
}

/** Proves a client by its keys, to the one server that has the right key. */
export function curveLink(settings: SecuritySettings, plugin: string): LinkSecurity {
  const keys = requireKeys(settings, plugin);
  const pair = keys instanceof KeyFolder ? keys.keys : keys;
  const { serverKey } = settings;
  if (serverKey === undefined) {
    throw new ConfigurationError(`The security plugin ${plugin} needs the server's public key (option serverKey)`);
  }
  return { mechanism: "curve", keys: pair, serverKey: readKey(serverKey, "The server's key") };
}

/**
 * Checks passwords by a list, or as the application does.
 *
 * @throws ConfigurationError when there is neither
 */
export function passwordCheck(
  { users, authenticator }: SecuritySettings,
  plugin: string,
): NonNullable<Authenticator["checkPassword"]> {
  if (authenticator?.checkPassword) return authenticator.checkPassword;
  if (!users) {
    throw new ConfigurationError(
      `The security plugin ${plugin} needs passwords: users: { name: "password" }, or an authenticator with checkPassword`,
    );
  }
  const passwords = new Map(Object.entries(users).map(([name, password]) => [name, toOctets(password)]));
  return (user, password) => {
    const name = textOf(user);
    const expected = name === undefined ? undefined : passwords.get(name);
    // Whoever is not known takes as long to be refused as one who is.
    const isRight = isSameSecret(password, expected ?? UNKNOWN);
    return expected && isRight ? name : undefined;
  };
}

const UNKNOWN = Buffer.from("nobody has this password");
