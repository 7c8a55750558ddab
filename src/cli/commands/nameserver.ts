import { NameserverHost } from "../../nameserver/nameserver-host.js";
import { createLogger, type LogOptions } from "../log.js";
import { runHost } from "../run-host.js";
import { keysSetting } from "../settings.js";

/** Flags of `lamplighter nameserver`. */
export interface NameserverFlags extends LogOptions {
  /** `-a`: address to bind. */
  readonly address?: string;
  /** `-s`: service name. */
  readonly service?: string;
  /** `--keys`: folder of keys. */
  readonly keys?: string;
}

/** `lamplighter nameserver` */
export async function nameserverCommand({ address, service, keys, ...flags }: NameserverFlags): Promise<void> {
  const log = createLogger(flags);
  await runHost(new NameserverHost({ address, service, security: keysSetting(keys), log }), log);
}
