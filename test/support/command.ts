import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Child, type ChildOptions, useProcesses } from "./processes.js";

/** The built command. */
export const MAIN: string = resolve("build/cli/main.js");

/** How a command ended. */
export interface Ended {
  readonly status: number | NodeJS.Signals;
  readonly out: string;
  readonly err: string;
}

/** The built command, as a user runs it; no nameserver is at its default address. */
export interface Command {
  /** Starts it. */
  start(args: readonly string[], options?: ChildOptions): Child;
  /** Starts it and waits for its end. */
  run(args: readonly string[], options?: ChildOptions): Promise<Ended>;
  /** Starts `node` with other arguments. */
  node(args: readonly string[], options?: ChildOptions): Child;
  /** Waits for `ready`. */
  ready(child: Child): Promise<string>;
  /** A file that is removed at the end. */
  file(name: string, content: string): string;
  /** The folder of these files. */
  folder(): string;
}

/** Runs the built command; what still runs after a test is killed. */
export function useCommand(): Command {
  const spawn = useProcesses();
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "lamplighter-cli-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const node = (args: readonly string[], options: ChildOptions = {}): Child =>
    spawn(process.execPath, args, { ...options, env: { LAMPLIGHTER_NAMESERVER: "tcp://127.0.0.1:1", ...options.env } });
  const start = (args: readonly string[], options?: ChildOptions): Child => node([MAIN, ...args], options);
  return {
    node,
    start,
    async run(args, options) {
      const child = start(args, options);
      return { status: await child.ended, out: child.out(), err: child.err() };
    },
    async ready(child) {
      return (await child.waitFor(/^ready (\S+)$/m))[1] ?? "";
    },
    file(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    folder: () => folder,
  };
}

/** Environment that makes the command believe it writes to a terminal. */
export const ON_TERMINAL: NodeJS.ProcessEnv = { NODE_OPTIONS: `--import ${resolve("test/fixtures/terminal.js")}` };
