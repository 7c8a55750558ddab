import { ConfigurationError } from "../../../errors.js";
import { didYouMean } from "../../../util/did-you-mean.js";
import { shared } from "../../../util/shared.js";
import { type IntervalOptions, intervalHeartbeat } from "./interval.js";
import type { HeartbeatPlugin } from "./plugin.js";

/** Neither sends nor misses anything. */
const noop: HeartbeatPlugin = { name: "noop", client: () => ({}), server: () => ({}) };

const plugins = shared(
  "pseud.heartbeats",
  () =>
    new Map<string, HeartbeatPlugin>([
      [noop.name, noop],
      ["interval", intervalHeartbeat()],
      // As pseud itself calls them.
      ["noop_heartbeat_backend", noop],
      ["testing_heartbeat_backend", intervalHeartbeat({ intervalMs: 100, limitMs: 200 }, "testing_heartbeat_backend")],
    ]),
);

/**
 * Makes a heartbeat known under its name, in all endpoints of the process.
 *
 * @throws ConfigurationError when the name is taken by another one
 */
export function registerHeartbeat(plugin: HeartbeatPlugin): void {
  const known = plugins.get(plugin.name);
  if (known && known !== plugin) throw new ConfigurationError(`A heartbeat ${plugin.name} is registered already`);
  plugins.set(plugin.name, plugin);
}

/**
 * The heartbeat of an option.
 *
 * @throws ConfigurationError for an unknown name
 */
export function findHeartbeat(option: string | HeartbeatPlugin | IntervalOptions | undefined): HeartbeatPlugin {
  if (option === undefined) return noop;
  if (typeof option === "object") return "name" in option ? option : intervalHeartbeat(option);
  const plugin = plugins.get(option);
  if (plugin) return plugin;
  throw new ConfigurationError(`There is no heartbeat ${JSON.stringify(option)}${didYouMean(option, plugins.keys())}`);
}
