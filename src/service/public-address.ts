import { networkInterfaces } from "node:os";
import { isNetworkAddress, isWildcard, parseAddress } from "../transport/index.js";
import type { Logger } from "../util/log.js";

/**
 * What others connect to.
 *
 * @param real - what was bound
 * @param advertised - what the host was told to say instead; port 0 stands for the bound port
 * @throws ConfigurationError for a wrong address
 */
export function publicAddress(real: string, advertised: string | undefined, log: Logger): string {
  const bound = parseAddress(real);
  if (advertised !== undefined) {
    const wanted = parseAddress(advertised);
    if (!isNetworkAddress(wanted) || wanted.port !== 0 || !isNetworkAddress(bound)) return wanted.text;
    return parseAddress(`${wanted.text.slice(0, -1)}${bound.port}`).text;
  }
  if (!isNetworkAddress(bound) || !isWildcard(bound)) return bound.text;
  const host = firstOutsideAddress();
  log.warn(`${real} stands for all addresses of this machine; advertising ${host} (option advertise changes it)`);
  return `${bound.scheme}://${host}:${bound.port}`;
}

function firstOutsideAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    const outside = addresses?.find((candidate) => candidate.family === "IPv4" && !candidate.internal);
    if (outside) return outside.address;
  }
  return "127.0.0.1";
}
