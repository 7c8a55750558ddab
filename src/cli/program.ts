import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import type { CallFlags } from "./commands/call.js";
import type { DispatcherFlags } from "./commands/dispatcher.js";
import type { IntrospectFlags } from "./commands/introspect.js";
import type { KeysFlags } from "./commands/keys.js";
import type { ListFlags } from "./commands/list.js";
import type { MonitorFlags } from "./commands/monitor.js";
import type { NodeFlags } from "./commands/node.js";
import type { PublishFlags } from "./commands/publish.js";
import type { SubscribeFlags } from "./commands/subscribe.js";
import type { WebFlags } from "./commands/web.js";
import { describeError, EXIT, reportOf, statusOfError } from "./exit.js";
import { logged, withKeys, withNameserver } from "./flags.js";
import { formatEntry, type LogOptions } from "./log.js";
import type { ServeFlags } from "./settings.js";
import { addWorkflowCommands } from "./workflow-program.js";

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
    .option("--config <file>", "JSON with address, registration, visibility, policy, statsPolicy, limits")
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
    .option(
      "--config <file>",
      "JSON with address, service, nameserver, authentication, policy, statsPolicy, limits, journal",
    )
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

  logged(withNameserver(program.command("publish")))
    .description(
      "publish values, each of them JSON, or the lines of standard input; prints `ready ADDRESS`, and waits for a subscriber",
    )
    .usage("[options] INTERFACE [JSON...]")
    .argument("<interface>")
    .argument("[json...]")
    .option("-a, --address <address>", "address to bind (default: tcp://127.0.0.1:0)")
    .option("--advertise <address>", "what others connect to, where it is not what is bound")
    .option("-s, --service <name>", "service name (default: /auto/ and 32 digits)")
    .option("--topic <topic>", "what the values are about")
    .option("--retain", "keep the last value for those who subscribe later")
    .option("--replay <count>", "keep so many of the last values for those who ask for them")
    .option("--keep", "stay when everything is published, until interrupted")
    .option("--config <file>", "as that of serve")
    .action(async (name: string, texts: string[], flags: PublishFlags) => {
      await (await commands()).publishCommand(name, texts, flags);
    });

  logged(withNameserver(program.command("subscribe")))
    .description("print what is published, one line of JSON a value, until interrupted")
    .argument("<interface>")
    .addOption(
      new Option("-c, --connect <address>", "the publisher at this address, without a nameserver").conflicts("service"),
    )
    .option("--service <name>", "only publishers of this service")
    .option("--topic <prefix...>", "only topics that begin so, one or several; behind the name of the interface")
    .option("--count <count>", "end after so many values")
    .option("--replay <count>", "begin with values of the past, at most so many of each publisher")
    .option("--buffer <count>", "values that may wait for whoever reads (default: 1000)")
    .addOption(
      new Option("--policy <policy>", "what becomes of values for which there is no room")
        .choices(OVERFLOW_POLICIES)
        .default("drop-oldest"),
    )
    .option("--full", "print each value with topic, sequence, service and incarnation, and gaps in their place")
    .option("--timeout <ms>", "end with 3 when nobody publishes in time (default: wait)")
    .action(async (name: string, flags: SubscribeFlags) => {
      await (await commands()).subscribeCommand(name, flags);
    });

  logged(program.command("dispatcher"))
    .description("run a dispatcher for nodes; prints `ready ADDRESS` when it serves")
    .option("-a, --address <address>", "address to bind (default: tcp://127.0.0.1:5333)")
    .option("--advertise <address>", "what others connect to, where it is not what is bound")
    .option("-n, --nameserver <address>", "register at this nameserver (default: at none)")
    .option("-s, --service <name>", "service name (default: /auto/ and 32 digits)")
    .option("--label <label>", "what dispatchers of other hosts call this one")
    .option("--link <label=address...>", "hand events for this label to the dispatcher at this address")
    .option("--heartbeat <ms>", "how often nodes are asked for a sign of life (default: 1000)")
    .option("--limit <ms>", "silence after which a node is taken for dead (default: 5000)")
    .action(async (flags: DispatcherFlags) => {
      await (await commands()).dispatcherCommand(flags);
    });

  logged(program.command("node"))
    .description(
      "run a node: `subscriber` prints events, `publisher` publishes one, a module brings nodes of its own; prints `ready ADDRESS` of the dispatcher",
    )
    .argument("<what>", "subscriber, publisher, or a .js or .ts file or package that exports nodes")
    .option("-d, --dispatcher-url <address>", "the dispatcher (default: tcp://127.0.0.1:5333)")
    .option("--name <name>", "name of the node (default: simple-subscriber, simple-publisher)")
    .option("--listen <host:port>", "the node's own address, for streams (default: 127.0.0.1, a free port)")
    .option("--event <event...>", "address of the event, [[node@]host/]event (default: simple_event)")
    .option("--payload <text>", "publisher: the attribute `payload` of the message")
    .option("--direct", "publisher: to one subscriber in turn, not to all")
    .option("--once", "end after the first event")
    .action(async (what: string, flags: NodeFlags) => {
      await (await commands()).nodeCommand(what, flags);
    });

  logged(withNameserver(program.command("web")))
    .description("serve HTTP: calls, events, dashboard, metrics; prints `ready URL` when it serves")
    .option("-a, --address <host:port>", "address to listen on (default: 127.0.0.1:8080)")
    .option("--port <port>", "the same, for a port of 127.0.0.1")
    .option(
      "-d, --dispatcher-url <address>",
      "the dispatcher of /subscribe and /publish (default: tcp://127.0.0.1:5333)",
    )
    .option("--allow <pattern...>", "what may be called: INTERFACE or INTERFACE/METHOD (default: all that is located)")
    .option("--origin <origin...>", "pages of these origins may ask (default: none)")
    .option("--host <name...>", "names by which browsers may reach it")
    .option("--path <folder>", "serve the files of a folder where nothing else answers")
    .option("--verify-secret <file>", "take only events and subscriptions that are signed with the secret in this file")
    .option("--logfile <file>", "write an access log")
    .option("--interval <ms>", "how often services are asked for their statistics (default: 1000)")
    .action(async (flags: WebFlags) => {
      await (await commands()).webCommand(flags);
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

  logged(withNameserver(program.command("monitor")))
    .description("show how services are doing, and what is called there, until interrupted")
    .option("--json", "one line of JSON each time")
    .option("--once", "show it once")
    .option("--interval <ms>", "time between two readings in milliseconds (default: 1000)")
    .option("--timeout <ms>", "how long a service may take to answer, in milliseconds (default: 1000)")
    .action(async (flags: MonitorFlags) => {
      await (await commands()).monitorCommand(flags);
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

  addWorkflowCommands(program);

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

function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Written here as well, so that help does without publish and subscribe. */
const OVERFLOW_POLICIES = ["drop-oldest", "drop-newest", "disconnect", "block"];

const EXAMPLES = `
Examples:
  lamplighter nameserver
  lamplighter serve query.js -s /com/foo/example/1
  lamplighter call com.foo.example create 42
  lamplighter call -c tcp://127.0.0.1:2013 com.foo.example create --named '{"value": 42}'
  lamplighter list --watch
  lamplighter publish demo.numbers 1 2 3
  lamplighter subscribe demo.numbers

Exit status: 0 success, 1 a host answered an error or its contract refuses the call, 2 wrong usage, 3 not found or not reachable, 4 sent and unanswered.`;
