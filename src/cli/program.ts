import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import type { CallFlags } from "./commands/call.js";
import type { IntrospectFlags } from "./commands/introspect.js";
import type { KeysFlags } from "./commands/keys.js";
import type { ListFlags } from "./commands/list.js";
import { describeError, EXIT, reportOf, statusOfError } from "./exit.js";
import { formatEntry, type LogOptions } from "./log.js";
import type { ServeFlags } from "./settings.js";

/** How the program was started. */
export interface ProgramOptions {
  /** A module that is loaded already, by `main()` at its end. */
  readonly imported?: string;
}

/** Runs one command and sets the exit status. Never rejects. */
export async function runProgram(argv: readonly string[], options: ProgramOptions = {}): Promise<void> {
  let log: string | undefined;
  try {
    const program = buildProgram(options);
    program.hook("preAction", (_program, command) => {
      ({ log } = command.opts<LogOptions>());
    });
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.success : EXIT.usage;
      return;
    }
    process.stderr.write(`${log === "json" ? formatEntry("error", reportOf(error)) : describeError(error)}\n`);
    process.exitCode = statusOfError(error);
  }
}

/** Help and version do without them. */
const commands = () => import("./commands/index.js");

function buildProgram(options: ProgramOptions): Command {
  const program = new Command("lamplighter")
    .description("Remote services as local objects that survive restarts")
    .version(packageVersion())
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => `${command.name()} ${command.usage()}`,
    })
    .addHelpText("after", EXAMPLES);

  logged(program.command("nameserver"))
    .description("run a nameserver; prints `ready ADDRESS` when it serves")
    .option("-a, --address <address>", "address to bind; port 0 takes a free one (default: tcp://127.0.0.1:2012)")
    .option("-s, --service <name>", "name under which it lists itself", "/org/pycom/nameserver")
    .option("--config <file>", "JSON with address, registration, visibility, policy, limits")
    .action(async (flags: LogOptions & { address?: string; service: string; config?: string }) => {
      await (await commands()).nameserverCommand(flags);
    });

  logged(withNameserver(program.command("serve")))
    .description("serve the interfaces that modules export; prints `ready ADDRESS` when it serves")
    .argument("<module...>", ".js or .ts files, or packages")
    .option("-a, --address <address>", "address to bind (default: tcp://127.0.0.1:0)")
    .option("--advertise <address>", "what others connect to, where it is not what is bound")
    .option("-s, --service <name>", "service name (default: /auto/ and 32 digits)")
    .option("--journal <file>", "where calls of `once` methods are written down; needs the package libsql")
    .option("--config <file>", "JSON with address, service, nameserver, authentication, policy, limits, journal")
    .action(async (modules: string[], flags: ServeFlags) => {
      const { serveCommand, serveImported } = await commands();
      if (options.imported === undefined) await serveCommand(modules, flags);
      else await serveImported(options.imported, flags);
    });

  logged(withNameserver(program.command("call")))
    .description("call a method and print its raw result as one line of JSON, a stream as one line an item")
    .usage("[options] INTERFACE METHOD [JSON...]")
    // Which of them is missing is told by the names that the usage gives them.
    .argument("[words...]")
    .addOption(new Option("-c, --connect <address>", "call this address, without a nameserver").conflicts("service"))
    .option(
      "--wire <name>",
      "the wire to speak with --connect: pycom, lamp, or pseud or amp, which want NAME [JSON...] (default: pycom)",
    )
    .option("--named <json>", "arguments by name")
    .option("--command <file#export>", "with --wire amp: the definition of the command; without one values are texts")
    .option("--tls-ca <file>", "with --wire amp: certificates that whoever is at a tls:// address is known by")
    .option("--service <name>", "only this service")
    .option("--attach <file>", "send a file as the attachment")
    .option("--save <file>", "write the answer's attachment to a file")
    .option("--timeout <ms>", "deadline in milliseconds (default: 30000)")
    .option("--session <id>", "take up a session")
    .option("--user <name>", "log in at the authenticator")
    .option("--credentials <json>", 'what the authenticator wants, such as \'{"password":"…"}\'')
    .option("--token <token>", "a token obtained before")
    .action(async (words: string[], flags: CallFlags) => {
      await (await commands()).callCommand(words, flags);
    });

  logged(withNameserver(program.command("list")))
    .description("list registered services")
    .option("--interface <re>", "regular expression that an interface matches from its first character")
    .option("--service <re>", "regular expression that the service matches from its first character")
    .option("--json", "as one line of JSON")
    .option("--timeout <ms>", "deadline in milliseconds, with --watch of each question (default: 30000)")
    .option("--watch", "print again after each change, until interrupted")
    .action(async (flags: ListFlags) => {
      await (await commands()).listCommand(flags);
    });

  logged(withNameserver(program.command("introspect")))
    .description("show what an interface offers")
    .argument("<interface>")
    .option("--json", "the raw answer as one line of JSON")
    .action(async (name: string, flags: IntrospectFlags) => {
      await (await commands()).introspectCommand(name, flags);
    });

  logged(withNameserver(program.command("repl")))
    .description("try services out: proxies in scope, top-level await, completion")
    .action(async (flags: LogOptions & { nameserver?: string }) => {
      await (await commands()).replCommand(flags);
    });

  logged(withNameserver(program.command("doctor")))
    .description("look at this installation and the nameserver, and say what to mend")
    .action(async (flags: LogOptions & { nameserver?: string }) => {
      await (await commands()).doctorCommand(flags);
    });

  const keys = program.command("keys").description("keys for encryption, and whose are trusted (docs/security.md)");
  withKeys(keys.command("generate"))
    .description("make a folder with new keys, and print the public one")
    .action(async (flags: KeysFlags) => {
      (await commands()).generateKeysCommand(flags);
    });
  withKeys(keys.command("show"))
    .description("print the public key, the nameserver's, and those that are trusted")
    .action(async (flags: KeysFlags) => {
      (await commands()).showKeysCommand(flags);
    });
  withKeys(keys.command("trust"))
    .description("let the holder of a key in, under a name; or say which key the nameserver has to have")
    .argument("<words...>", "NAME KEY; with --nameserver the KEY")
    .option("--nameserver", "the key is the nameserver's")
    .action(async (words: string[], flags: KeysFlags) => {
      (await commands()).trustKeyCommand(words, flags);
    });
  withKeys(keys.command("revoke"))
    .description("let somebody in no more; connections that are open are closed within a second")
    .argument("<name>")
    .action(async (name: string, flags: KeysFlags) => {
      (await commands()).revokeKeyCommand(name, flags);
    });

  return program;
}

function withKeys(command: Command): Command {
  return command.option("--keys <dir>", "folder of keys (default: LAMPLIGHTER_KEYS; none: clear text)");
}

function logged(command: Command): Command {
  return withKeys(command)
    .option("-v, --verbose", "log details to standard error")
    .addOption(new Option("--log <format>", "format of the log").choices(["text", "json"]).default("text"));
}

function withNameserver(command: Command): Command {
  return command.option(
    "-n, --nameserver <address>",
    "nameserver (default: LAMPLIGHTER_NAMESERVER, else tcp://127.0.0.1:2012)",
  );
}

function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

const EXAMPLES = `
Examples:
  lamplighter nameserver
  lamplighter serve query.js -s /com/foo/example/1
  lamplighter call com.foo.example create 42
  lamplighter call -c tcp://127.0.0.1:2013 com.foo.example create --named '{"value": 42}'
  lamplighter list --watch

Exit status: 0 success, 1 a host answered an error or its contract refuses the call, 2 wrong usage, 3 not found or not reachable, 4 sent and unanswered.`;
