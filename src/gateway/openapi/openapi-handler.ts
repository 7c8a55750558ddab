import type { Client } from "../../client/client.js";
import type { Contract } from "../../peer/contract.js";
import type { ServiceInfo } from "../../peer/nameserver-interface.js";
import type { Callables } from "../calls/callables.js";
import { methodNotAllowed } from "../problem.js";
import type { RequestHandler } from "../request-handler.js";
import { send } from "../send.js";
import { describeApi, type OpenApiInfo } from "./openapi.js";

/** `/openapi.json`: what can be called, made anew when it is asked for and older than some seconds. */
export function openApiHandler(client: Client, callables: Callables, info: OpenApiInfo): RequestHandler {
  let made: Promise<string> | undefined;
  let madeAt = -Infinity;
  return async (request, response, url) => {
    if (url.pathname !== "/openapi.json") return false;
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed(request, "GET, HEAD");
    if (!made || performance.now() - madeAt > FRESH_MS) {
      madeAt = performance.now();
      made = describe(client, callables, info);
      // Who asks next asks again.
      made.catch(() => {
        made = undefined;
      });
    }
    send(request, response, { type: "application/json; charset=utf-8", body: await made });
    return true;
  };
}

async function describe(client: Client, callables: Callables, info: OpenApiInfo): Promise<string> {
  const patterns = { interface: null, service: null };
  const services = (await client
    .nameserverComponent()
    .invoke("list_services", patterns, { timeoutMs: ASK_MS })) as readonly ServiceInfo[];
  const names = [...new Set(services.flatMap(({ interfaces }) => interfaces))]
    .filter((name) => callables.isAllowed(name))
    .sort()
    .slice(0, MAX_INTERFACES);
  const signal = AbortSignal.timeout(ASK_MS);
  const contracts: Contract[] = [];
  // A few at a time, in the order of their names.
  for (let start = 0; start < names.length; start += AT_A_TIME) {
    const asked = names.slice(start, start + AT_A_TIME).map(async (name) => {
      const contract = await callables.contractOf(name, signal);
      return contract && { ...contract, name };
    });
    for (const told of await Promise.allSettled(asked)) {
      // What cannot be asked, or tells only to who is known, is left out.
      if (told.status === "fulfilled" && told.value) contracts.push(told.value);
    }
  }
  return JSON.stringify(describeApi(contracts, info, (name, method) => callables.isAllowed(name, method)));
}

const FRESH_MS = 5_000;
const ASK_MS = 5_000;
const MAX_INTERFACES = 1_000;
const AT_A_TIME = 16;
