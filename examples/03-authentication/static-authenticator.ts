/**
 * `org.pycom.authenticator` for a fixed list of users, kept in a JSON file with hashed passwords:
 *
 *     { "ann": { "salt": "…", "hash": "…", "roles": ["admin"] } }
 *
 * `tsx static-authenticator.ts hash PASSWORD` prints such an entry. The file is named by USERS_FILE. Tokens are random, live in
 * memory, and last for an hour; neither they nor passwords are ever logged.
 */
import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { AccessDeniedError, Interface, Method, main } from "lamplighter";

interface User {
  readonly salt: string;
  readonly hash: string;
  readonly roles: readonly string[];
}

interface Grant {
  readonly name: string;
  readonly roles: readonly string[];
  readonly validUntil: number;
}

const TOKEN_LIFETIME_MS = 3_600_000;
const MAX_TOKENS = 100_000;
const HASH_BYTES = 32;

const derive = promisify<string, Buffer, number, Buffer>(scrypt);

@Interface("org.pycom.authenticator", { authentication: "never" })
export class StaticAuthenticator {
  readonly #users = new Map<string, User>();
  /** By hash of the token: what leaks from memory is of no use. */
  readonly #grants = new Map<string, Grant>();

  constructor(file = process.env.USERS_FILE ?? "users.json") {
    const users = JSON.parse(readFileSync(file, "utf8")) as Record<string, User>;
    for (const [name, user] of Object.entries(users)) this.#users.set(name, user);
  }

  @Method({ params: { user: "string", credentials: "object" } })
  async authenticate(user: string, credentials: { readonly password?: unknown }) {
    const known = this.#users.get(user);
    const password = typeof credentials.password === "string" ? credentials.password : "";
    // An unknown user costs as much time as a wrong password.
    const salt = Buffer.from(known?.salt ?? "00", "hex");
    const given = await derive(password, salt, HASH_BYTES);
    const wanted = known ? Buffer.from(known.hash, "hex") : randomBytes(HASH_BYTES);
    const fits = given.length === wanted.length && timingSafeEqual(given, wanted);
    if (!known || !fits) throw new AccessDeniedError("Wrong user or password");
    const token = randomBytes(24).toString("base64url");
    this.#sweep();
    this.#grants.set(keyOf(token), { name: user, roles: known.roles, validUntil: Date.now() + TOKEN_LIFETIME_MS });
    return { token };
  }

  @Method({ params: { token: "string" }, idempotent: true })
  validate(token: string) {
    const grant = this.#grants.get(keyOf(token));
    if (!grant || grant.validUntil < Date.now()) throw new AccessDeniedError("The token is invalid or has expired");
    return { name: grant.name, roles: grant.roles };
  }

  #sweep(): void {
    for (const [key, grant] of this.#grants) {
      if (grant.validUntil >= Date.now() && this.#grants.size < MAX_TOKENS) break;
      this.#grants.delete(key);
    }
  }
}

function keyOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

if (process.argv[2] === "hash") {
  const salt = randomBytes(16);
  const hash = await derive(process.argv[3] ?? "", salt, HASH_BYTES);
  console.log(JSON.stringify({ salt: salt.toString("hex"), hash: hash.toString("hex"), roles: [] }));
} else {
  main();
}
