import { resolve } from "node:path";
import type { Child } from "./processes.js";

/** What `test/fixtures/pseud-server.js` serves. */
export interface ServerProcess {
  hello(name: string): string;
  echo(...args: unknown[]): unknown[];
  minus(a: number, b: number): number;
  whoami(): string;
  calls(): number;
  boom(name?: string): void;
  held(): string;
  release(): string;
  die(): void;
  callBack(): unknown;
  readonly draw: { readonly me: { readonly a: { sheep(...args: unknown[]): string } } };
}

/** Starts servers of pseud as processes of their own: one in the thread of a blocking client could not answer it. */
export function pseudServers(
  start: (command: string, args: readonly string[]) => Child,
): (options?: object) => Promise<{ readonly address: string; readonly child: Child }> {
  return async (options = {}) => {
    const script = resolve("test/fixtures/pseud-server.js");
    const child = start(process.execPath, [script, JSON.stringify(options)]);
    const [, address = ""] = await child.waitFor(/^ready (\S+)$/m);
    return { address, child };
  };
}
