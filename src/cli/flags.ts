import { type Command, Option } from "commander";

/** Adds what every command takes. */
export function logged(command: Command): Command {
  return withKeys(command)
    .option("-v, --verbose", "log details to standard error")
    .addOption(new Option("--log <format>", "format of the log").choices(["text", "json"]).default("text"));
}

/** Adds the folder of keys. */
export function withKeys(command: Command): Command {
  return command.option("--keys <dir>", "folder of keys (default: LAMPLIGHTER_KEYS; none: clear text)");
}

/** Adds the nameserver. */
export function withNameserver(command: Command): Command {
  return command.option(
    "-n, --nameserver <address>",
    "nameserver (default: LAMPLIGHTER_NAMESERVER, else tcp://127.0.0.1:2012)",
  );
}
