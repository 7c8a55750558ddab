import { type Configuration, readConfiguration } from "../client/default-client.js";
import { CLIENT_DEFAULTS } from "../client/defaults.js";

/** Flags that `serve` and `main()` share. */
export interface ServeFlags {
  /** `-a`: address to bind. */
  readonly address?: string;
  /** `--advertise`: what others connect to. */
  readonly advertise?: string;
  /** `-n`: nameserver. */
  readonly nameserver?: string;
  /** `-s`: service name. */
  readonly service?: string;
  /** `--config`: file with the keys of docs/pycom-wire.md, section 17.1. */
  readonly config?: string;
  /** `-v`. */
  readonly verbose?: boolean;
  /** `--log`. */
  readonly log?: string;
}

/** What a host is started with. */
export interface ServeSettings {
  readonly address: string;
  readonly advertise: string | undefined;
  readonly nameserver: string | readonly string[];
  readonly service: string | undefined;
  readonly authentication: Configuration["authentication"];
}

/**
 * Flags win over the environment, that over the file, that over the defaults.
 *
 * @throws ConfigurationError when the file cannot be read
 */
export function serveSettings(flags: ServeFlags, configured: Configuration = {}): ServeSettings {
  const file = flags.config === undefined ? configured : { ...configured, ...readConfiguration(flags.config) };
  return {
    address: flags.address ?? file.address ?? "tcp://127.0.0.1:0",
    advertise: flags.advertise,
    nameserver: flags.nameserver ?? environmentNameserver() ?? file.nameserver ?? CLIENT_DEFAULTS.nameserver,
    service: flags.service ?? file.service,
    authentication: file.authentication,
  };
}

/** The nameserver of a client command. */
export function nameserverSetting(flag: string | undefined): string {
  return flag ?? environmentNameserver() ?? CLIENT_DEFAULTS.nameserver;
}

function environmentNameserver(): string | undefined {
  const { LAMPLIGHTER_NAMESERVER: named = "" } = process.env;
  return named === "" ? undefined : named;
}
