import { networkInterfaces } from "node:os";
import { isWildcard, parseAddress, parseAnyAddress } from "../transport/index.js";
import type { Logger } from "../util/log.js";

/**
 * What others connect to.
 *
 * @param real - what was bound
 * @param advertised - what the host was told to say instead; port 0 stands for the bound port
 * @throws ConfigurationError for a wrong address
 */
export function publicAddress(real: string, advertised: string | undefined, log: Logger): string {
  const { scheme, text, location: bound } = parseAnyAddress(real);
  if (advertised !== undefined) {
    const isAlike = bound.scheme === "tcp" && !advertised.includes("://");
    const wanted = parseAnyAddress(isAlike ? `${scheme}://${advertised}` : advertised);
    // Of other schemes than what is bound only those make sense that everybody knows.
    if (wanted.scheme !== scheme) parseAddress(advertised);
    if (wanted.location.scheme !== "tcp" || wanted.location.port !== 0 || bound.scheme !== "tcp") return wanted.text;
    return parseAnyAddress(`${wanted.text.slice(0, -1)}${bound.port}`).text;
  }
  if (!isWildcard(bound) || bound.scheme !== "tcp") return text;
  const host = firstOutsideAddress();
  log.warn(`${real} stands for all addresses of this machine; advertising ${host} (option advertise changes it)`);
  return `${scheme}://${host}:${bound.port}`;
}

function firstOutsideAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    const outside = addresses?.find((candidate) => candidate.family === "IPv4" && !candidate.internal);
    if (outside) return outside.address;
  }
  return "127.0.0.1";
}
