import { ConfigurationError } from "../../../errors.js";
import { didYouMean } from "../../../util/did-you-mean.js";
import { shared } from "../../../util/shared.js";
import { trustedCurve, untrustedCurve } from "./curve.js";
import { noop } from "./noop.js";
import { plain, trustedPeer } from "./plain.js";
import type { SecurityPlugin } from "./plugin.js";

const plugins = shared("pseud.security", () => {
  const own = [noop, plain, trustedPeer, trustedCurve, untrustedCurve];
  const byName = new Map<string, SecurityPlugin>(own.map((plugin) => [plugin.name, plugin]));
  // As pseud itself calls it.
  return byName.set("noop_auth_backend", noop);
});

/**
 * Makes a way to know who is calling known under its name, in all endpoints of the process.
 *
 * @throws ConfigurationError when the name is taken by another one
 */
export function registerSecurity(plugin: SecurityPlugin): void {
  const known = plugins.get(plugin.name);
  if (known && known !== plugin) throw new ConfigurationError(`A security plugin ${plugin.name} is registered already`);
  plugins.set(plugin.name, plugin);
}

/**
 * The plugin of an option.
 *
 * @throws ConfigurationError for an unknown name
 */
export function findSecurity(option: string | SecurityPlugin | undefined): SecurityPlugin {
  if (option === undefined) return noop;
  if (typeof option === "object") return option;
  const plugin = plugins.get(option);
  if (plugin) return plugin;
  throw new ConfigurationError(
    `There is no security plugin ${JSON.stringify(option)}${didYouMean(option, plugins.keys())}`,
  );
}
