import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/**
 * A package that is loaded when it is first used, without waiting: a process that never uses it starts sooner, and does
 * without it. Native addons and cryptography cost more than all of our own code.
 */
export function lazily(name: string): () => unknown {
  let loaded: unknown;
  return () => (loaded ??= require(name) as unknown);
}
