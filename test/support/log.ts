import type { Logger } from "../../src/index.js";

/** A log that is kept, and what was told at a level. */
export function keepLog(): { readonly log: Logger; readonly lines: (level: keyof Logger) => readonly string[] } {
  const told: { readonly level: keyof Logger; readonly message: string }[] = [];
  const at = (level: keyof Logger) => (message: string) => {
    told.push({ level, message });
  };
  return {
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    lines: (level) => told.filter((entry) => entry.level === level).map((entry) => entry.message),
  };
}
