import type { Logger } from "../util/log.js";

/** How a command logs. */
export interface LogOptions {
  /** Details as well. */
  readonly verbose?: boolean | undefined;
  /** `json`: one object a line; default lines for people. */
  readonly log?: string | undefined;
}

/** One line of `--log json`. */
export function formatEntry(level: string, entry: object): string {
  return JSON.stringify({ time: new Date().toISOString(), level, ...entry });
}

/** A logger to standard error; standard output belongs to results. */
export function createLogger(options: LogOptions): Logger {
  const write = (level: string, message: string): void => {
    const line = options.log === "json" ? formatEntry(level, { message }) : `${level}: ${message}`;
    process.stderr.write(`${line}\n`);
  };
  return {
    debug: (message) => {
      if (options.verbose) write("debug", message);
    },
    info: (message) => {
      write("info", message);
    },
    warn: (message) => {
      write("warning", message);
    },
    error: (message) => {
      write("error", message);
    },
  };
}
