import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";

/** A child process of a test. */
export interface Child {
  readonly process: ChildProcess;
  /** Standard output so far. */
  readonly out: () => string;
  /** Standard error so far. */
  readonly err: () => string;
  /**
   * Settles with the first match on standard output, or on standard error; rejects when the process ends without it, and after
   * five minutes.
   */
  waitFor(pattern: RegExp, where?: "out" | "err"): Promise<RegExpExecArray>;
  /** Settles with the exit status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** What to start a child with. */
export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
  /** Standard input stays open, to be written to. */
  readonly interactive?: boolean;
}

/** Starts child processes. */
export type StartChild = (command: string, args: readonly string[], options?: ChildOptions) => Child;

/** Starts child processes; those that still run are killed after each test. What they print goes to `test.log` as well. */
export function useProcesses(): StartChild {
  const { start, end } = processes("test.log");
  afterEach(end);
  return start;
}

/**
 * Starts child processes for whoever ends them.
 *
 * @param log - file that gets what they print, too
 */
export function processes(log?: string): { readonly start: StartChild; readonly end: () => Promise<void> } {
  const running = new Set<ChildProcess>();
  const end = async (): Promise<void> => {
    for (const child of running) {
      // What has ended stays in the list until its output is closed, and ends no second time.
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGCONT");
      child.kill("SIGKILL");
      await ended;
    }
  };
  const start: StartChild = (command, args, options = {}) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      stdio: ["pipe", "pipe", "pipe"],
    });
    running.add(child);
    if (!options.interactive) child.stdin.end(options.input ?? "");
    let out = "";
    let err = "";
    const watchers = new Set<() => void>();
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (log !== undefined) appendFileSync(log, chunk);
      for (const look of watchers) look();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
      if (log !== undefined) appendFileSync(log, chunk);
      for (const look of watchers) look();
    });
    const ended = new Promise<number | NodeJS.Signals>((resolve) => {
      child.once("close", (status, signal) => {
        running.delete(child);
        resolve(status ?? signal ?? -1);
        for (const look of watchers) look();
      });
    });
    return {
      process: child,
      out: () => out,
      err: () => err,
      ended,
      waitFor: (pattern, where = "out") =>
        new Promise((resolve, reject) => {
          let inVain = false;
          const look = (): void => {
            const match = pattern.exec(where === "out" ? out : err);
            if (match) resolve(match);
            else if (!running.has(child)) reject(new Error(`ended without ${String(pattern)}: ${out}${err}`));
            else if (inVain) reject(new Error(`does not say ${String(pattern)}: ${out}${err}`));
            else return;
            clearTimeout(timer);
            watchers.delete(look);
          };
          const timer = setTimeout(() => {
            inVain = true;
            look();
          }, 300_000);
          watchers.add(look);
          look();
        }),
    };
  };
  return { start, end };
}
