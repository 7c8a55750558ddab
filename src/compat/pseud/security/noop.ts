import type { SecurityPlugin } from "./plugin.js";

/** Everybody may call, and nobody has a name. */
export const noop: SecurityPlugin = {
  name: "noop",
  server: () => ({ predicateArguments: () => ({}) }),
  client: () => ({}),
};
