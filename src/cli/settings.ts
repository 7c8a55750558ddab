import { type Configuration, readConfiguration } from "../client/default-client.js";
import { CLIENT_DEFAULTS } from "../client/defaults.js";
import { ConfigurationError } from "../errors.js";

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
  const file = flags.config === undefined ? configured : { ...configured, ...checkedConfiguration(flags.config) };
  return {
    address: flags.address ?? file.address ?? "tcp://127.0.0.1:0",
    advertise: flags.advertise,
    nameserver: flags.nameserver ?? environmentNameserver() ?? file.nameserver ?? CLIENT_DEFAULTS.nameserver,
    service: flags.service ?? file.service,
    authentication: file.authentication,
  };
}

/** What a file says is believed only where it is of the right kind. */
function checkedConfiguration(path: string): Configuration {
  const file: Configuration = readConfiguration(path);
  for (const [key, { fits, wanted }] of Object.entries(KEYS)) {
    const value: unknown = file[key as keyof typeof KEYS];
    if (value !== undefined && !fits(value)) {
      throw new ConfigurationError(`The configuration ${path}: "${key}" wants ${wanted}, got ${JSON.stringify(value)}`);
    }
  }
  return file;
}

const isText = (value: unknown): boolean => typeof value === "string";

/** The keys that `serve` takes from a file. */
const KEYS = {
  address: { fits: isText, wanted: "an address as text" },
  service: { fits: isText, wanted: "a name as text" },
  nameserver: {
    fits: (value: unknown) => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
    wanted: "an address as text, or a list of them",
  },
  authentication: {
    fits: (value: unknown) => (value as { policy?: unknown } | null)?.policy === "required",
    wanted: '{ "policy": "required" }',
  },
} as const;

/** The nameserver of a client command. */
export function nameserverSetting(flag: string | undefined): string {
  return flag ?? environmentNameserver() ?? CLIENT_DEFAULTS.nameserver;
}

function environmentNameserver(): string | undefined {
  const { LAMPLIGHTER_NAMESERVER: named = "" } = process.env;
  return named === "" ? undefined : named;
}
