import type { Component } from "../../client/component.js";
import { RpcError } from "../../errors.js";
import { UNSUPPORTED_INTERFACE } from "../../peer/dispatcher.js";
import type { ServiceInfo } from "../../peer/nameserver-interface.js";
import { sleep } from "../../util/sleep.js";
import { type ClientFlags, createClient } from "../client.js";
import { CommandError, EXIT, statusOfError, usageError } from "../exit.js";
import { interrupted } from "../interrupted.js";
import { nameserverSetting, timeoutSetting } from "../settings.js";
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
  try {
    const services = (await nameserver.invoke("list_services", patterns, { signal })) as ServiceInfo[];
    return services.sort((a, b) => (a.service < b.service ? -1 : 1));
  } catch (error) {
    throw explain(error, flags);
  }
}

/** Says what of an error the flags have to do with. */
function explain(error: unknown, flags: ListFlags): unknown {
  if (!RpcError.isRpcError(error)) return error;
  const patterns = [
    ...(flags.interface === undefined ? [] : [`--interface ${flags.interface}`]),
    ...(flags.service === undefined ? [] : [`--service ${flags.service}`]),
  ];
  if (error.code === "BAD_REQUEST" && patterns.length > 0 && !error.message.startsWith(UNSUPPORTED_INTERFACE)) {
    return usageError(`${patterns.join(" or ")} is no regular expression that the nameserver takes: ${error.message}`);
  }
  if (error.code !== "UNAVAILABLE" || error.outcome !== "not-sent") return error;
  const hint = `Start one with "lamplighter nameserver -a ${nameserverSetting(flags.nameserver)}", or name another (-n, LAMPLIGHTER_NAMESERVER)`;
  return new CommandError(`No nameserver can be reached: ${error.message}`, statusOfError(error), {
    cause: error,
    hint,
  });
}

/** Prints the list, and again after each change, until interrupted. A nameserver that is gone is waited for. */
async function watch(nameserver: Component, flags: ListFlags): Promise<void> {
  const signal = interrupted();
  let since: string | null = null;
  let shown = "";
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped()) {
    try {
      const services = await listServices(nameserver, flags, signal);
      const text = JSON.stringify(services);
      if (text !== shown) print(services, flags);
      shown = text;
      const batch = await nameserver.invoke("watch", { since, wait_ms: WAIT_MS }, { timeoutMs: WAIT_MS * 2, signal });
      since = (batch as { cursor: string }).cursor;
    } catch (error) {
      if (isStopped()) return;
      if (RpcError.isRpcError(error) && error.code === "METHOD_NOT_FOUND") await sleep(PLAIN_POLL_MS, signal);
      else if (isHopeless(error)) throw error;
      else process.stderr.write(`${(error as Error).message}\n`);
    }
  }
}

/** Another try would fail in the same way. */
function isHopeless(error: unknown): boolean {
  if (error instanceof CommandError) return error.status === EXIT.usage;
  return RpcError.isRpcError(error) && error.code === "BAD_REQUEST";
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
  if (services.length === 0) {
    const matching = flags.interface !== undefined || flags.service !== undefined;
    process.stderr.write(`no service ${matching ? "matches" : "is registered"}\n`);
    return;
  }
  const rows = services.map(({ service, address, interfaces }) => [service, address, interfaces.join(" ")]);
  process.stdout.write(`${formatTable(["SERVICE", "ADDRESS", "INTERFACES"], rows)}\n`);
}
