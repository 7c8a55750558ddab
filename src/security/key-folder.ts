import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unwatchFile,
  watchFile,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ConfigurationError } from "../errors.js";
import { generateKeyPair, type KeyPair } from "../transport/index.js";
import { keysOf, keyText, readKey } from "./keys.js";

/**
 * A folder with everything that one process needs to prove who it is and to know others (docs/security.md):
 *
 * - `secret.key`: its own secret key, for nobody else to read (0600)
 * - `public.key`: the public key of that, to be handed on
 * - `trusted/NAME.key`: public keys of users, by the names that they get
 * - `nameserver.key`: the public key that the nameserver has to have
 *
 * Each file holds one key, 40 characters of Z85.
 */
export class KeyFolder {
  /** Where it is. */
  readonly path: string;
  /** The process's own keys. */
  readonly keys: KeyPair;
  #byKey = new Map<string, string>();

  private constructor(path: string, keys: KeyPair) {
    this.path = path;
    this.keys = keys;
    this.reload();
  }

  /**
   * Opens a folder that {@link KeyFolder.generate} made.
   *
   * @throws ConfigurationError when it holds no keys, or others may read the secret one
   */
  static open(path: string): KeyFolder {
    return new KeyFolder(path, keysOf(readSecret(join(path, SECRET))));
  }

  /**
   * Makes a folder with new keys; everything else in it stays.
   *
   * @throws ConfigurationError when it has keys already
   */
  static generate(path: string): KeyFolder {
    let keys = generateKeyPair();
    // As a word of a command, that would be taken for a flag.
    while (keyText(keys.publicKey).startsWith("-")) keys = generateKeyPair();
    mkdirSync(path, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(join(path, SECRET), `${keyText(keys.secretKey)}\n`, { mode: 0o600, flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      throw new ConfigurationError(`${path} has keys already: who trusts them would know this process no more`);
    }
    replace(join(path, PUBLIC), keys.publicKey);
    return new KeyFolder(path, keys);
  }

  /** Users that are trusted, with their public keys. */
  get trusted(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#byKey].map(([key, name]) => [name, readKey(key, name)]));
  }

  /** The key that the nameserver has to have; `undefined` when none was set. */
  get nameserverKey(): Uint8Array | undefined {
    return readPublic(join(this.path, NAMESERVER));
  }

  /** The name of whoever holds the secret to a public key; `undefined` for those who are not trusted. */
  userOf(publicKey: Uint8Array): string | undefined {
    return this.#byKey.get(keyText(publicKey));
  }

  /**
   * Trusts the holder of a key.
   *
   * @throws ConfigurationError when name or key are none, or the key is trusted under another name
   */
  trust(name: string, key: string | Uint8Array): void {
    requireName(name);
    const publicKey = readKey(key, `The key of ${name}`);
    const other = this.userOf(publicKey);
    if (other !== undefined && other !== name) {
      throw new ConfigurationError(`That key is trusted already, under the name ${other}`);
    }
    mkdirSync(join(this.path, TRUSTED), { recursive: true, mode: 0o700 });
    replace(join(this.path, TRUSTED, `${name}${SUFFIX}`), publicKey);
    this.reload();
  }

  /**
   * Trusts the holder of a key no more. Hosts that use the folder close its connections within a second.
   *
   * @returns whether it was trusted
   */
  revoke(name: string): boolean {
    requireName(name);
    const file = join(this.path, TRUSTED, `${name}${SUFFIX}`);
    const wasTrusted = readPublic(file) !== undefined;
    rmSync(file, { force: true });
    this.reload();
    return wasTrusted;
  }

  /** Sets the key that the nameserver has to have. */
  pinNameserver(key: string | Uint8Array): void {
    replace(join(this.path, NAMESERVER), readKey(key, "The nameserver's key"));
  }

  /** Reads anew who is trusted. A file that holds no key trusts nobody, and spoils no other. */
  reload(): void {
    const byKey = new Map<string, string>();
    for (const file of filesIn(join(this.path, TRUSTED))) {
      if (!file.endsWith(SUFFIX)) continue;
      const key = readPublic(join(this.path, TRUSTED, file));
      if (key) byKey.set(keyText(key), file.slice(0, -SUFFIX.length));
    }
    this.#byKey = byKey;
  }

  /**
   * Looks twice a second whether others are trusted now.
   *
   * @param changed - called after {@link KeyFolder.reload}
   * @returns ends it
   */
  watch(changed: () => void): () => void {
    const folder = join(this.path, TRUSTED);
    const look = (): void => {
      this.reload();
      changed();
    };
    watchFile(folder, { interval: LOOK_MS, persistent: false }, look);
    return () => {
      unwatchFile(folder, look);
    };
  }
}

/** Own keys as options give them: the pair, and the folder that it came from, if it did. */
export function openKeys(keys: string | KeyFolder | KeyPair | undefined): {
  readonly pair: KeyPair | undefined;
  readonly folder: KeyFolder | undefined;
} {
  const folder = typeof keys === "string" ? KeyFolder.open(keys) : keys;
  return folder instanceof KeyFolder ? { pair: folder.keys, folder } : { pair: folder, folder: undefined };
}

const SECRET = "secret.key";
const PUBLIC = "public.key";
const NAMESERVER = "nameserver.key";
const TRUSTED = "trusted";
const SUFFIX = ".key";
const LOOK_MS = 400;

function requireName(name: string): void {
  if (/^[A-Za-z0-9_@][\w.@-]{0,63}$/.test(name)) return;
  throw new ConfigurationError(
    `${JSON.stringify(name)} is no name of a user: up to 64 letters, digits and _ @ . -, not beginning with . or -`,
  );
}

/** What others may read is no secret. */
function readSecret(file: string): Uint8Array {
  let text: string;
  try {
    if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0) {
      throw new ConfigurationError(
        `Others may read the secret key ${file}. Close it: chmod 600, and think of new keys`,
      );
    }
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new ConfigurationError(`There is no secret key ${file}. Make one: lamplighter keys generate`);
  }
  return readKey(text, `The secret key ${file}`);
}

function readPublic(file: string): Uint8Array | undefined {
  try {
    return readKey(readFileSync(file, "utf8"), file);
  } catch {
    return undefined;
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whoever reads it meanwhile finds the former key, or the new one, and never half of one. */
function replace(file: string, key: Uint8Array): void {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, `${keyText(key)}\n`, { mode: 0o644 });
  renameSync(fresh, file);
}
