import { once } from "node:events";
import { createInterface } from "node:readline";
import { start } from "node:repl";
import { PassThrough } from "node:stream";
import { inspect } from "node:util";
import { runInContext } from "node:vm";
import type { Client } from "../../client/client.js";
import { close, componentOf, introspect, proxy, statusOf, withOptions } from "../../client/component.js";
import { fromIntrospection } from "../../peer/contract.js";
import type { ServiceInfo } from "../../peer/nameserver-interface.js";
import { call } from "../../peer/proxy.js";
import { named } from "../../wire/named-arguments.js";
import { type ClientFlags, createClient } from "../client.js";
import { nameserverSetting } from "../settings.js";
import { hasColours } from "../table.js";

/** `lamplighter repl`: proxies in scope, top-level await, completion of interfaces and methods. */
export async function replCommand(flags: ClientFlags): Promise<void> {
  const address = nameserverSetting(flags.nameserver);
  await using client = createClient(flags);
  process.stderr.write(
    `lamplighter, nameserver ${address}\n` +
      "in scope: locate(interface), connect(address, interface), nameserver, client, named, withOptions, introspect, …\n" +
      'try: await nameserver.list_services();  const q = locate("com.foo.example");  await q.create(42)\n',
  );
  const colors = hasColours();
  const piped = process.stdin.isTTY ? undefined : new PassThrough();
  const repl = start({
    input: piped ?? process.stdin,
    output: process.stdout,
    terminal: process.stdin.isTTY && process.stdout.isTTY,
    prompt: process.stdout.isTTY ? "lamplighter> " : "",
    useColors: colors,
    // Node's own shows the inside of a proxy here; ours says what it is.
    writer: (value: unknown) => inspect(value, { colors }),
  });
  Object.assign(repl.context, {
    client,
    nameserver: client.nameserver(),
    locate: client.locate.bind(client),
    connect: client.connect.bind(client),
    named,
    withOptions,
    introspect,
    componentOf,
    proxy,
    statusOf,
    close,
    call,
  });
  completeRemoteNames(repl, client);
  const settled = trackEvaluations(repl);
  const ended = once(repl, "exit");
  if (piped) await feed(piped, settled, ended);
  await ended;
  await settled();
}

/** Hands lines from a pipe on one by one: each may need what those before it waited for. */
async function feed(input: PassThrough, settled: () => Promise<void>, ended: Promise<unknown>): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  // `.exit` ends the session, whatever else may come.
  void ended.then(() => {
    lines.close();
  });
  for await (const line of lines) {
    input.write(`${line}\n`);
    // The line is taken up in a turn of its own.
    await new Promise(setImmediate);
    await settled();
  }
  input.end();
}

/** Tells when all that was entered has been answered. */
function trackEvaluations(repl: ReturnType<typeof start>): () => Promise<void> {
  const running = new Set<Promise<void>>();
  const evaluate = repl.eval.bind(repl);
  const tracked: typeof repl.eval = (code, context, file, done) => {
    const evaluation = new Promise<void>((resolve) => {
      evaluate.call(repl, code, context, file, (error, result) => {
        done(error, result);
        resolve();
      });
    });
    running.add(evaluation);
    void evaluation.then(() => running.delete(evaluation));
  };
  Object.defineProperty(repl, "eval", { value: tracked });
  return async () => {
    await Promise.all(running);
  };
}

/** What is completed: the text that stands there, and what it may become. */
interface Completion {
  readonly begun: string;
  readonly names: readonly string[];
}

/**
 * Inside `locate("…` the interfaces that the nameserver knows; after a proxy that has not been called yet the methods that
 * its service tells. Everything else is completed as Node does, which finds the methods of a contract by itself.
 */
function completeRemoteNames(repl: ReturnType<typeof start>, client: Client): void {
  const complete = repl.completer.bind(repl);
  const told = new WeakMap<object, Promise<readonly string[]>>();
  const remoteNames = async (line: string): Promise<Completion | undefined> => {
    const begun = /\blocate\(\s*["'`]([\w.]*)$/.exec(line)?.[1];
    if (begun !== undefined) return { begun, names: await knownInterfaces(client) };
    const [, name = "", rest = ""] = /(?:^|[^\w$.])([A-Za-z_$][\w$]*)\.([\w$]*)$/.exec(line) ?? [];
    const remote = name === "" ? undefined : proxyNamed(repl, name);
    if (!remote || Object.keys(remote).length > 0) return undefined;
    let names = told.get(remote);
    if (!names) told.set(remote, (names = toldMethods(remote)));
    return { begun: `${name}.${rest}`, names: (await names).map((method) => `${name}.${method}`) };
  };
  const override = (line: string, done: (error: Error | null, result?: [string[], string]) => void): void => {
    remoteNames(line).then(
      (found) => {
        if (found) done(null, [found.names.filter((name) => name.startsWith(found.begun)), found.begun]);
        else (complete as unknown as (line: string, done: unknown) => void)(line, done);
      },
      () => {
        done(null, [[], line]);
      },
    );
  };
  Object.defineProperty(repl, "completer", { value: override });
}

/** The proxy that a variable holds; `const` and `let` of earlier lines are found only by running their bare name. */
function proxyNamed(repl: ReturnType<typeof start>, name: string): object | undefined {
  try {
    const value = runInContext(name, repl.context) as object;
    componentOf(value);
    return value;
  } catch {
    return undefined;
  }
}

/** First segments of the methods' names; none when nobody tells in time. */
async function toldMethods(remote: object): Promise<readonly string[]> {
  try {
    const { methods } = fromIntrospection(await introspect(remote, { timeoutMs: COMPLETION_MS }));
    return [...new Set([...methods.keys()].map((method) => method.split(".", 1)[0] ?? method))];
  } catch {
    return [];
  }
}

async function knownInterfaces(client: Client): Promise<string[]> {
  const services = (await client
    .nameserverComponent()
    .invoke("list_services", null, { timeoutMs: COMPLETION_MS })) as ServiceInfo[];
  return [...new Set(services.flatMap((service) => service.interfaces))];
}

/** Nobody waits longer for a completion. */
const COMPLETION_MS = 1_000;
