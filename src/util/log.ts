import { ConfigurationError } from "../errors.js";

/**
 * Where the library tells what it does on its own account. Nothing is printed by default. `console` fits, and so does
 * pino.
 */
export interface Logger {
  /** Details for finding a fault. */
  debug(message: string): void;
  /** Normal life: started, registered, stopped. */
  info(message: string): void;
  /** Something is not as it should be and is being dealt with. */
  warn(message: string): void;
  /** Something failed that nobody else will report. */
  error(message: string): void;
}

/** Says nothing. */
export const SILENT: Logger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
};

function ignore(): void {
  // The default logger drops what it is told.
}

/**
 * Nothing for a logger, or for none.
 *
 * @throws ConfigurationError for what is no logger
 */
export function requireLogger(log: unknown): void {
  if (log === undefined) return;
  const methods: readonly (keyof Logger)[] = ["debug", "info", "warn", "error"];
  const given = log as Partial<Record<string, unknown>> | null;
  if (methods.every((method) => typeof given?.[method] === "function")) return;
  throw new ConfigurationError("The option log has the methods debug, info, warn and error, as console has");
}

/** The same log, for where nobody is that could take what it throws. */
export function unfailing(log: Logger): Logger {
  const at = (level: keyof Logger) => (message: string) => {
    try {
      log[level](message);
    } catch {
      // There is no place left to tell it.
    }
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
