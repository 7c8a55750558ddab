import { readFileSync } from "node:fs";
import { ConfigurationError } from "../errors.js";
import type { AddressOption } from "../peer/bound-address.js";
import type { AuthenticationPolicy } from "../peer/dispatcher.js";
import type { HostLimits } from "../peer/limits.js";
import type { Policy } from "../security/policy.js";
import { Client } from "./client.js";
import type { Component } from "./component.js";
import type { ClientOptions, LocateOptions } from "./options.js";

/**
 * One configuration for the whole process, as in PyCOM (docs/pycom-wire.md, section 17.1): the keys of PyCOM's
 * configuration files, and every option of a client.
 */
export interface Configuration extends ClientOptions {
  /** Address to bind and to register, or several. */
  readonly address?: AddressOption;
  /** Service name. */
  readonly service?: string;
  /** File in which a host writes down the calls of `once` methods. */
  readonly journal?: string;
  /** Policy of interfaces that have none of their own. */
  readonly authentication?: AuthenticationPolicy;
  /** Who may call what. */
  readonly policy?: Policy;
  /** Who may ask for the statistics of a host. */
  readonly statsPolicy?: Policy;
  /** How much of a host its peers may take. */
  readonly limits?: HostLimits;
}

let current: Configuration = {};
let client: Client | undefined;

/**
 * Sets the configuration that {@link locate}, {@link nameserver} and `main` use. What is given is merged into what was
 * set before: first the members of the JSON file, then the values.
 *
 * @throws ConfigurationError when the file cannot be read or is no JSON object
 */
export function configure(values: Configuration): void;
export function configure(file: string, values?: Configuration): void;
export function configure(first: string | Configuration, values: Configuration = {}): void {
  const added = typeof first === "string" ? { ...readConfiguration(first), ...values } : first;
  current = { ...current, ...added };
  // Components made before keep the client they have; it closes its connections when they are idle.
  client = undefined;
}

/** What has been configured so far. PyCOM: `configuration`. */
export function configuration(): Configuration {
  return current;
}

/**
 * A component of whatever service provides an interface, by the process's configuration. Returns at once.
 */
export function locate(interfaceName: string, service?: string | LocateOptions): Component {
  return defaultClient().component(interfaceName, service);
}

/** The component of the configured nameserver. */
export function nameserver(): Component {
  return defaultClient().nameserverComponent();
}

/**
 * The client behind {@link locate} and {@link nameserver}. It needs no closing: its connections close when they have been
 * idle for a moment, so a script that has done its work ends.
 */
export function defaultClient(): Client {
  client ??= new Client({ idleTimeoutMs: 250, ...current });
  return client;
}

/** Closes the client behind {@link locate} and {@link nameserver}; the next use makes a new one. */
export async function closeDefaultClient(): Promise<void> {
  const closing = client;
  client = undefined;
  await closing?.close();
}

/**
 * Reads a configuration file.
 *
 * @throws ConfigurationError that names the file and what is wrong with it
 */
export function readConfiguration(file: string): Configuration {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ConfigurationError(`Cannot read the configuration ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigurationError(`The configuration ${file} is no JSON object`);
  }
  return value;
}
