import { start } from "node:repl";
import { inspect } from "node:util";
import { runInContext } from "node:vm";
import type { Client } from "../../client/client.js";
import { close, componentOf, introspect, proxy, statusOf, withOptions } from "../../client/component.js";
import { named } from "../../peer/arguments.js";
import type { ServiceInfo } from "../../peer/nameserver-interface.js";
import { call } from "../../peer/proxy.js";
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
  const repl = start({
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
  completeInterfaces(repl, client);
  const settled = trackEvaluations(repl);
  await new Promise<void>((resolve) => {
    repl.once("exit", resolve);
  });
  await settled();
}

/** Input from a pipe ends while its last lines still wait for answers. */
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

/**
 * Inside `locate("…` the interfaces that the nameserver knows. Everything else is completed as Node does: of a proxy the
 * methods, once its contract is here, which is asked for when `proxy.` is completed for the first time.
 */
function completeInterfaces(repl: ReturnType<typeof start>, client: Client): void {
  const complete = repl.completer.bind(repl);
  const override = (line: string, done: (error: Error | null, result?: [string[], string]) => void): void => {
    const begun = /\blocate\(\s*["'`]([\w.]*)$/.exec(line)?.[1];
    if (begun === undefined) {
      void learnContract(repl, line).then(() => {
        (complete as unknown as (line: string, done: unknown) => void)(line, done);
      });
      return;
    }
    knownInterfaces(client).then(
      (names) => {
        done(null, [names.filter((name) => name.startsWith(begun)), begun]);
      },
      () => {
        done(null, [[], begun]);
      },
    );
  };
  Object.defineProperty(repl, "completer", { value: override });
}

/** Never rejects: without a contract there is nothing to complete, and that is all. */
async function learnContract(repl: ReturnType<typeof start>, line: string): Promise<void> {
  const name = /(?:^|[^\w$.])([A-Za-z_$][\w$]*)\.\w*$/.exec(line)?.[1];
  if (name === undefined) return;
  try {
    // Only so are `const` and `let` of earlier lines found; a bare name has no side effects.
    const value: unknown = runInContext(name, repl.context);
    if (typeof value !== "object" && typeof value !== "function") return;
    if (value === null || Object.keys(value).length > 0) return;
    await introspect(value, { timeoutMs: 1_000 });
  } catch {
    // No such name, no proxy, or nobody who answers.
  }
}

async function knownInterfaces(client: Client): Promise<string[]> {
  const services = (await client
    .nameserverComponent()
    .invoke("list_services", null, { timeoutMs: 1_000 })) as ServiceInfo[];
  return [...new Set(services.flatMap((service) => service.interfaces))];
}
