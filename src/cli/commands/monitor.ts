import { Monitor } from "../../gateway/monitor/monitor.js";
import type { MonitorSnapshot, ServiceView } from "../../gateway/monitor/view.js";
import { sleep } from "../../util/sleep.js";
import { type ClientFlags, createClient } from "../client.js";
import { CommandError, EXIT } from "../exit.js";
import { durationText, latencyText, plainText, rateText } from "../figures.js";
import { createLogger } from "../log.js";
import { durationSetting, nameserverSetting } from "../settings.js";
import { formatTable } from "../table.js";

/** Flags of `lamplighter monitor`. */
export interface MonitorFlags extends ClientFlags {
  readonly json?: boolean;
  readonly once?: boolean;
  readonly interval?: string;
  readonly timeout?: string;
}

/** `lamplighter monitor` */
export async function monitorCommand(flags: MonitorFlags): Promise<void> {
  const intervalMs = durationSetting("--interval", flags.interval) ?? 1_000;
  const timeoutMs = durationSetting("--timeout", flags.timeout);
  await using client = createClient(flags);
  const monitor = new Monitor({ client, intervalMs, timeoutMs });
  try {
    if (flags.once) await showOnce(monitor, intervalMs, flags);
    else await follow(monitor, intervalMs, flags);
  } finally {
    monitor.close();
  }
}

/** Rates need two readings. */
async function showOnce(monitor: Monitor, intervalMs: number, flags: MonitorFlags): Promise<void> {
  const first = await monitor.read();
  if (first.nameserver.isReachable !== true) {
    const address = nameserverSetting(flags.nameserver);
    throw new CommandError(
      `The nameserver ${address} does not answer: ${first.nameserver.detail ?? ""}`,
      EXIT.unreachable,
      { hint: `Start one with "lamplighter nameserver -a ${address}", or name another (-n, LAMPLIGHTER_NAMESERVER)` },
    );
  }
  await sleep(intervalMs);
  await monitor.read();
  show(monitor, flags);
}

/** Shows it again and again, until interrupted. */
async function follow(monitor: Monitor, intervalMs: number, flags: MonitorFlags): Promise<void> {
  const stop = new AbortController();
  const end = (): void => {
    stop.abort();
  };
  process.once("SIGINT", end).once("SIGTERM", end);
  // Who reads along has gone.
  process.stdout.once("error", end);
  await monitor.read();
  monitor.subscribe(() => undefined);
  if (process.stdout.isTTY && !flags.json) process.stdout.write(CLEAR);
  const log = createLogger(flags);
  let isKnownAway = false;
  while (!stop.signal.aborted) {
    show(monitor, flags);
    // A table without its heading, as a pipe gets it, does not say why it is empty.
    const { isReachable, address, detail } = monitor.snapshot(0).nameserver;
    const isAway = isReachable === false;
    if (isAway && !isKnownAway && !process.stdout.isTTY)
      log.warn(`the nameserver ${address} does not answer: ${detail ?? ""}`);
    isKnownAway = isAway;
    await sleep(intervalMs, stop.signal);
  }
}

function show(monitor: Monitor, flags: MonitorFlags): void {
  const snapshot = monitor.snapshot(Infinity);
  if (flags.json) process.stdout.write(`${JSON.stringify(withLastPoints(snapshot))}\n`);
  else if (!process.stdout.isTTY) process.stdout.write(`${table(snapshot.services)}\n${flags.once ? "" : "\n"}`);
  else if (flags.once) process.stdout.write(`${heading(snapshot)}\n${table(snapshot.services)}\n`);
  else process.stdout.write(screen(snapshot));
}

/** The past is for pages that draw it. */
function withLastPoints(snapshot: MonitorSnapshot): MonitorSnapshot {
  return { ...snapshot, services: snapshot.services.map((one) => ({ ...one, points: one.points.slice(-1) })) };
}

/** The whole terminal anew, line by line in its old place, so that nothing flickers. */
function screen(snapshot: MonitorSnapshot): string {
  const { rows, columns } = sizeOf(process.stdout);
  const lines = [heading(snapshot), "", ...table(snapshot.services).split("\n")];
  const shown = lines.length < rows ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more`];
  return `${HOME}${shown.map((line) => `${cut(line, columns)}${TO_END_OF_LINE}\n`).join("")}${TO_END_OF_SCREEN}`;
}

/** Not every terminal says how large it is. */
function sizeOf({ rows = 24, columns = 80 }: { readonly rows?: number; readonly columns?: number }): Size {
  return { rows, columns };
}

interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** Codes of colours take no room. */
function cut(line: string, columns: number): string {
  return line.startsWith(ESCAPE) ? line : line.slice(0, columns);
}

function heading({ at, nameserver, services, omitted }: MonitorSnapshot): string {
  const state = nameserver.isReachable === false ? ` does not answer: ${nameserver.detail ?? ""}` : "";
  const present = services.filter(({ health }) => health !== "gone").length;
  const more = omitted > 0 ? `, and ${omitted} more` : "";
  return `${new Date(at).toISOString().slice(11, 19)} UTC  ${present} services${more}  nameserver ${nameserver.address}${plainText(state)}`;
}

function table(services: readonly ServiceView[]): string {
  const head = ["SERVICE", "HEALTH", "CALLS/S", "ERRORS/S", "P50", "P99", "PENDING", "LEASE", "UP", "RESTARTS"];
  const rows = services.map((service) => {
    const isThere = service.health === "answers";
    const point = isThere ? service.points.at(-1) : undefined;
    return [
      plainText(service.service),
      service.health,
      rateText(point?.calls),
      rateText(point?.errors),
      latencyText(point?.p50Ms),
      latencyText(point?.p99Ms),
      String((isThere ? service.pending : null) ?? "-"),
      durationText(service.lease?.leftMs),
      durationText(isThere ? service.uptimeMs : null),
      String(service.restarts),
    ];
  });
  return formatTable(head, rows);
}

const ESCAPE = "\u001b[";
const CLEAR = `${ESCAPE}2J`;
const HOME = `${ESCAPE}H`;
const TO_END_OF_LINE = `${ESCAPE}K`;
const TO_END_OF_SCREEN = `${ESCAPE}J`;
