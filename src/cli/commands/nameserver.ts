import { NameserverHost } from "../../nameserver/nameserver-host.js";
import { createLogger, type LogOptions } from "../log.js";
import { runHost } from "../run-host.js";
import { keysSetting, nameserverSettings } from "../settings.js";

/** Flags of `lamplighter nameserver`. */
export interface NameserverFlags extends LogOptions {
  /** `-a`: address to bind. */
  readonly address?: string;
  /** `-s`: service name. */
  readonly service?: string;
  /** `--keys`: folder of keys. */
  readonly keys?: string;
  /** `--config`: file with what has no flag. */
  readonly config?: string;
}

/** `lamplighter nameserver` */
export async function nameserverCommand({ address, service, keys, config, ...flags }: NameserverFlags): Promise<void> {
  const log = createLogger(flags);
  const settings = config === undefined ? {} : nameserverSettings(config, log);
  await runHost(
    new NameserverHost({
      ...settings,
      ...(address !== undefined && { address }),
      service,
      security: keysSetting(keys),
      log,
    }),
    log,
  );
}
