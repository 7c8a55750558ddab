import { createHash } from "node:crypto";
import type { Client } from "../client/client.js";
import { RpcError, rpcError } from "../errors.js";
import type { ServerCall } from "../peer/call-context.js";
import { AUTH_EXTENSION, AUTHENTICATOR_INTERFACE } from "../peer/record.js";
import type { Caller } from "../security/caller.js";

interface Validated {
  readonly caller: Promise<Caller>;
  readonly validUntil: number;
}

/**
 * Validates the tokens that come with calls, at whatever provides `org.pycom.authenticator` (docs/pycom-wire.md, section
 * 9.3). A token is asked for once, and again after {@link CACHE_MS}.
 */
export class TokenValidator {
  readonly #client: () => Client;
  readonly #validated = new Map<string, Validated>();

  /** @param client - asked for when the first token comes */
  constructor(client: () => Client) {
    this.#client = client;
  }

  /**
   * Who sent a call; `undefined` when no token came with it.
   *
   * @throws AccessDeniedError when the authenticator rejects the token
   * @throws ServiceNotFoundError when there is no authenticator, or no nameserver to ask for one
   */
  async validate(call: ServerCall): Promise<Caller | undefined> {
    const token = call.extensions[AUTH_EXTENSION];
    if (token === undefined || token === null) return undefined;
    if (typeof token !== "string") throw rpcError("ACCESS_DENIED", "The token is no string");
    // Tokens are secrets: what is kept of them is a hash.
    const key = createHash("sha256").update(token).digest("base64");
    const known = this.#validated.get(key);
    if (known && performance.now() < known.validUntil) return known.caller;
    const caller = this.#ask(token);
    if (this.#validated.size >= MAX_CACHED) this.#validated.clear();
    this.#validated.set(key, { caller, validUntil: performance.now() + CACHE_MS });
    caller.catch(() => this.#validated.delete(key));
    return caller;
  }

  async #ask(token: string): Promise<Caller> {
    try {
      const authenticator = this.#client().component(AUTHENTICATOR_INTERFACE);
      const answer = await authenticator.invoke("validate", { token }, { timeoutMs: VALIDATE_MS });
      const { name, roles, ...info } = answer as { name?: unknown; roles?: unknown };
      if (typeof name !== "string") throw rpcError("ACCESS_DENIED", "The authenticator did not say who this is");
      const granted = Array.isArray(roles) ? roles.filter((role): role is string => typeof role === "string") : [];
      return { name, roles: granted, proof: "token", info };
    } catch (error) {
      const failure = RpcError.from(error);
      if (failure.code === "ACCESS_DENIED") throw rpcError("ACCESS_DENIED", failure.message, { cause: failure });
      if (failure.code === "SERVICE_NOT_FOUND" || failure.outcome === "not-sent") {
        throw rpcError("SERVICE_NOT_FOUND", "No authenticator can be found", { cause: failure });
      }
      throw rpcError("UNKNOWN", "The authenticator did not answer", { cause: failure });
    }
  }
}

/** How long the authenticator's word holds, in milliseconds. */
const CACHE_MS = 5_000;
/** Tokens that are remembered. */
const MAX_CACHED = 10_000;
/** How long the authenticator may take: less than what a PyCOM client waits. */
const VALIDATE_MS = 3_000;
