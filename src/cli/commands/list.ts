import type { Component } from "../../client/component.js";
import { RpcError } from "../../errors.js";
import type { ServiceInfo } from "../../peer/nameserver-interface.js";
import { sleep } from "../../util/sleep.js";
import { type ClientFlags, createClient } from "../client.js";
import { timeoutSetting } from "../settings.js";
import { formatTable } from "../table.js";

/** Flags of `lamplighter list`. */
export interface ListFlags extends ClientFlags {
  readonly interface?: string;
  readonly service?: string;
  readonly json?: boolean;
  readonly timeout?: string;
  readonly watch?: boolean;
}

/** `lamplighter list` */
export async function listCommand(flags: ListFlags): Promise<void> {
  await using client = createClient(flags, timeoutSetting(flags.timeout));
  const nameserver = client.nameserverComponent();
  if (!flags.watch) {
    print(await listServices(nameserver, flags), flags);
    return;
  }
  await watch(nameserver, flags);
}

async function listServices(nameserver: Component, flags: ListFlags, signal?: AbortSignal): Promise<ServiceInfo[]> {
  const patterns = { interface: flags.interface ?? null, service: flags.service ?? null };
  const services = (await nameserver.invoke("list_services", patterns, { signal })) as ServiceInfo[];
  return services.sort((a, b) => (a.service < b.service ? -1 : 1));
}

/** Prints the list, and again after each change, until interrupted. A nameserver that is gone is waited for. */
async function watch(nameserver: Component, flags: ListFlags): Promise<void> {
  const stop = new AbortController();
  const end = (): void => {
    stop.abort();
  };
  process.once("SIGINT", end).once("SIGTERM", end);
  // Who reads along has gone: there is nobody to tell of the next change.
  process.stdout.once("error", end);
  let since: string | null = null;
  let shown = "";
  const isStopped = (): boolean => stop.signal.aborted;
  while (!isStopped()) {
    try {
      const services = await listServices(nameserver, flags, stop.signal);
      const text = JSON.stringify(services);
      if (text !== shown) print(services, flags);
      shown = text;
      const batch = await nameserver.invoke(
        "watch",
        { since, wait_ms: WAIT_MS },
        { timeoutMs: WAIT_MS * 2, signal: stop.signal },
      );
      since = (batch as { cursor: string }).cursor;
    } catch (error) {
      if (isStopped()) return;
      if (RpcError.isRpcError(error) && error.code === "METHOD_NOT_FOUND") await sleep(PLAIN_POLL_MS, stop.signal);
      else if (RpcError.isRpcError(error) && error.code === "BAD_REQUEST") throw error;
      else process.stderr.write(`${(error as Error).message}\n`);
    }
  }
}

/** How long one question may wait for a change. */
const WAIT_MS = 25_000;
/** PyCOM's own nameserver tells of no changes; it is asked this often. */
const PLAIN_POLL_MS = 2_000;

function print(services: readonly ServiceInfo[], flags: ListFlags): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(services)}\n`);
    return;
  }
  const rows = services.map(({ service, address, interfaces }) => [service, address, interfaces.join(" ")]);
  process.stdout.write(`${formatTable(["SERVICE", "ADDRESS", "INTERFACES"], rows)}\n`);
}
