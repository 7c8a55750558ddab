import { configuration } from "../../client/default-client.js";
import { Host } from "../../nameserver/host.js";
import type { Provided } from "../../peer/exposed/definition.js";
import { usageError } from "../exit.js";
import { findProvided, loadProvided } from "../load-module.js";
import { createLogger } from "../log.js";
import { runHost } from "../run-host.js";
import { type ServeFlags, serveSettings } from "../settings.js";

/** `lamplighter serve MODULE...` */
export async function serveCommand(modules: readonly string[], flags: ServeFlags): Promise<void> {
  const provided: Provided[] = [];
  for (const name of modules) provided.push(...(await loadProvided(name)));
  await serveProvided(provided, flags);
}

/** Serves a module that is being run as the program, and calls `main()` at its end. */
export async function serveImported(url: string, flags: ServeFlags): Promise<void> {
  const provided = findProvided((await import(url)) as Record<string, unknown>);
  if (provided.length === 0) throw usageError("This module exports no interface, so main() has nothing to serve");
  await serveProvided(provided, flags);
}

/** Serves what was found, with the flags of `serve`. */
async function serveProvided(provided: readonly Provided[], flags: ServeFlags): Promise<void> {
  const log = createLogger(flags);
  const host = new Host({ ...serveSettings(flags, configuration(), log), log });
  for (const one of provided) host.provide(one);
  await runHost(host, log);
}
