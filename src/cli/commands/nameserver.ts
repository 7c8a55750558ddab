import { NameserverHost } from "../../nameserver/nameserver-host.js";
import { createLogger, type LogOptions } from "../log.js";
import { runHost } from "../run-host.js";

/** `lamplighter nameserver` */
export async function nameserverCommand(flags: LogOptions & { address?: string; service?: string }): Promise<void> {
  const log = createLogger(flags);
  await runHost(new NameserverHost({ address: flags.address, service: flags.service, log }), log);
}
