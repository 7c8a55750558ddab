import { Client } from "../client/client.js";
import type { ClientEvent } from "../client/events.js";
import { createLogger, type LogOptions } from "./log.js";
import { keysSetting, nameserverSetting } from "./settings.js";

/** Flags of every command that asks services. */
export interface ClientFlags extends LogOptions {
  /** `-n`: nameserver. */
  readonly nameserver?: string;
  /** `--keys`: folder of keys. */
  readonly keys?: string;
}

/** The client of one command; `-v` tells what it does. */
export function createClient(flags: ClientFlags, timeoutMs?: number): Client {
  const log = createLogger(flags);
  return new Client({
    nameserver: nameserverSetting(flags.nameserver),
    timeoutMs,
    security: keysSetting(flags.keys),
    log,
    onEvent: (event) => {
      log.debug(describeEvent(event));
    },
  });
}

function describeEvent(event: ClientEvent): string {
  switch (event.type) {
    case "resolved":
      return `${event.interface} is provided by ${event.service} at ${event.address}`;
    case "connected":
      return `connected to ${event.address}`;
    case "disconnected":
      return `disconnected from ${event.address}: ${event.reason}`;
    case "retry":
      return `${event.interface}.${event.method} is tried again after ${event.attempt} failed: ${event.reason}`;
  }
}
