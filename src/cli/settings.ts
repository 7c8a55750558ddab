import { type Configuration, readConfiguration } from "../client/default-client.js";
import { CLIENT_DEFAULTS } from "../client/defaults.js";
import { ConfigurationError } from "../errors.js";
import type { NameserverHostOptions } from "../nameserver/nameserver-host.js";
import type { AddressOption } from "../peer/bound-address.js";
import { didYouMean } from "../util/did-you-mean.js";
import type { Logger } from "../util/log.js";
import { usageError } from "./exit.js";

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
  /** `--journal`: where calls of `once` methods are written down. */
  readonly journal?: string;
  /** `--keys`: folder of keys. */
  readonly keys?: string;
  /** `--config`: file with the keys of docs/pycom-wire.md, section 17.1. */
  readonly config?: string;
  /** `-v`. */
  readonly verbose?: boolean;
  /** `--log`. */
  readonly log?: string;
}

/** What a host is started with. */
export interface ServeSettings {
  readonly address: AddressOption;
  readonly advertise: string | undefined;
  readonly nameserver: string | readonly string[];
  readonly service: string | undefined;
  readonly journal: string | undefined;
  readonly security: string | undefined;
  readonly authentication: Configuration["authentication"];
  readonly policy: Configuration["policy"];
  readonly statsPolicy: Configuration["statsPolicy"];
  readonly limits: Configuration["limits"];
}

/**
 * Flags win over the environment, that over the file, that over the defaults.
 *
 * @param configured - what the module itself has configured, below the file
 * @param log - told of keys in the file that mean nothing
 * @throws ConfigurationError when the file cannot be read, or a value is of the wrong kind
 */
export function serveSettings(flags: ServeFlags, configured: Configuration, log: Logger): ServeSettings {
  const file = flags.config === undefined ? configured : { ...configured, ...checked(flags.config, SERVE_KEYS, log) };
  return {
    address: flags.address ?? file.address ?? "tcp://127.0.0.1:0",
    advertise: flags.advertise,
    nameserver: flags.nameserver ?? environmentNameserver() ?? file.nameserver ?? CLIENT_DEFAULTS.nameserver,
    service: flags.service ?? file.service,
    journal: flags.journal ?? file.journal,
    security: keysSetting(flags.keys),
    authentication: file.authentication,
    policy: file.policy,
    statsPolicy: file.statsPolicy,
    limits: file.limits,
  };
}

/** What a nameserver takes from its file. */
export type NameserverSettings = Pick<
  NameserverHostOptions,
  "address" | "registration" | "visibility" | "policy" | "statsPolicy" | "limits"
>;

/**
 * The settings of a nameserver that have no flag.
 *
 * @param log - told of keys in the file that mean nothing
 * @throws ConfigurationError when the file cannot be read, or a value is of the wrong kind
 */
export function nameserverSettings(path: string, log: Logger): NameserverSettings {
  return checked(path, NAMESERVER_KEYS, log);
}

/** What a file says is believed only where it is of the right kind. A key that is misspelt is no reason not to serve. */
function checked(path: string, keys: Keys, log: Logger): Configuration & NameserverSettings {
  const file = readConfiguration(path) as Readonly<Record<string, unknown>>;
  const known = Object.keys(keys);
  for (const key of Object.keys(file)) {
    if (known.includes(key)) continue;
    const hint = didYouMean(key, known) || ` (the keys are ${known.join(", ")})`;
    log.warn(`The configuration ${path}: ${JSON.stringify(key)} means nothing here and is ignored${hint}`);
  }
  for (const [key, { fits, wanted }] of Object.entries(keys)) {
    const value = file[key];
    if (value !== undefined && !fits(value)) {
      throw new ConfigurationError(`The configuration ${path}: "${key}" wants ${wanted}, got ${JSON.stringify(value)}`);
    }
  }
  return file;
}

/** Keys of a file, and what their values have to be. */
type Keys = Readonly<Record<string, { readonly fits: (value: unknown) => boolean; readonly wanted: string }>>;

const isText = (value: unknown): boolean => typeof value === "string";
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

/** The keys that `serve` and `nameserver` take from a file. */
const COMMON_KEYS = {
  address: {
    fits: (value: unknown) => isText(value) || isObject(value),
    wanted: "an address as text or with its mechanisms, or a list of them",
  },
  policy: { fits: (value: unknown) => isText(value) || isObject(value), wanted: "rules" },
  statsPolicy: { fits: (value: unknown) => isText(value) || isObject(value), wanted: "rules" },
  limits: { fits: isObject, wanted: "numbers by name" },
} satisfies Keys;

const NAMESERVER_KEYS: Keys = {
  ...COMMON_KEYS,
  registration: { fits: Array.isArray, wanted: "a list of rules" },
  visibility: { fits: Array.isArray, wanted: "a list of rules" },
};

const SERVE_KEYS: Keys = {
  address: COMMON_KEYS.address,
  service: { fits: isText, wanted: "a name as text" },
  nameserver: {
    fits: (value: unknown) => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
    wanted: "an address as text, or a list of them",
  },
  authentication: {
    fits: (value: unknown) => (value as { policy?: unknown } | null)?.policy === "required",
    wanted: '{ "policy": "required" }',
  },
  journal: { fits: isText, wanted: "a file as text" },
  policy: COMMON_KEYS.policy,
  statsPolicy: COMMON_KEYS.statsPolicy,
  limits: COMMON_KEYS.limits,
};

/**
 * A deadline in milliseconds from the flag `--timeout`; `undefined` when it is not given.
 *
 * @throws CommandError with status 2 when it is no number above 0
 */
export function timeoutSetting(flag: string | undefined): number | undefined {
  return durationSetting("--timeout", flag);
}

/**
 * Milliseconds from a flag; `undefined` when it is not given.
 *
 * @param name - of the flag, for errors
 * @throws CommandError with status 2 when it is no number above 0
 */
export function durationSetting(name: string, flag: string | undefined): number | undefined {
  if (flag === undefined) return undefined;
  const ms = Number(flag);
  if (ms > 0 && Number.isFinite(ms)) return ms;
  throw usageError(`${name} wants milliseconds, got ${flag}`);
}

/** The nameserver of a client command. */
export function nameserverSetting(flag: string | undefined): string {
  return flag ?? environmentNameserver() ?? CLIENT_DEFAULTS.nameserver;
}

function environmentNameserver(): string | undefined {
  const { LAMPLIGHTER_NAMESERVER: named = "" } = process.env;
  return named === "" ? undefined : named;
}

/**
 * The folder of keys: the flag `--keys`, else the environment variable `LAMPLIGHTER_KEYS`; `undefined` for none, so that
 * everything is said in clear text.
 */
export function keysSetting(flag: string | undefined): string | undefined {
  const { LAMPLIGHTER_KEYS: named = "" } = process.env;
  return flag ?? (named === "" ? undefined : named);
}
