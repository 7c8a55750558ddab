import type { Client } from "../client/client.js";
import { RpcError } from "../errors.js";
import { methodNotAllowed } from "./problem.js";
import type { RequestHandler } from "./request-handler.js";
import { send } from "./send.js";

/**
 * `/health` and `/health/live` say that the process answers, `/health/ready` whether it can find services as well: 503 when no nameserver
 * can be reached. Asked at most once a second, however many ask here.
 */
export function healthHandler(client: Client): RequestHandler {
  let asked: Promise<NameserverHealth> | undefined;
  let askedAt = -Infinity;
  const ask = (): Promise<NameserverHealth> => {
    if (!asked || performance.now() - askedAt > FRESH_MS) {
      askedAt = performance.now();
      asked = askNameserver(client);
    }
    return asked;
  };
  return async (request, response, url) => {
    const probe = PROBES.get(url.pathname);
    if (!probe) return false;
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed(request, "GET, HEAD");
    const nameserver = probe.asksNameserver ? await ask() : undefined;
    const isReady = nameserver?.reachable !== false;
    send(request, response, {
      status: probe.mustBeReady && !isReady ? 503 : 200,
      type: "application/json; charset=utf-8",
      body: JSON.stringify({
        status: isReady ? "ok" : "degraded",
        uptimeSeconds: Math.floor(process.uptime()),
        ...(nameserver && { nameserver }),
      }),
      headers: { "cache-control": "no-store" },
    });
    return true;
  };
}

interface NameserverHealth {
  readonly reachable: boolean;
  /** What is wrong, as a code. */
  readonly code?: string;
}

async function askNameserver(client: Client): Promise<NameserverHealth> {
  try {
    await client.nameserverComponent().invoke("stat", null, { timeoutMs: ASK_MS, retry: false });
    return { reachable: true };
  } catch (error) {
    return { reachable: false, code: RpcError.isRpcError(error) ? error.code : "UNKNOWN" };
  }
}

const PROBES: ReadonlyMap<string, { readonly asksNameserver: boolean; readonly mustBeReady: boolean }> = new Map([
  ["/health", { asksNameserver: true, mustBeReady: false }],
  ["/health/live", { asksNameserver: false, mustBeReady: false }],
  ["/health/ready", { asksNameserver: true, mustBeReady: true }],
]);
const FRESH_MS = 1_000;
const ASK_MS = 2_000;
