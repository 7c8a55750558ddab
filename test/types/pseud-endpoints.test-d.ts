/** Compiled by `npm run typecheck`, never run. */
import { Client, Server } from "../../src/compat/pseud/index.js";
import type { Dynamic, Remote } from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(_proof?: T): void {
  // Only the type parameter matters.
}

interface Painter {
  draw(what: string): string;
}

// Whoever is called has the type that one says, and without one any path.
const server = new Server({ id: "service" });
const alice = server.sendTo<Painter>("alice");
expectType<Equal<typeof alice, Remote<Painter>>>();
const anybody = server.sendTo("anybody");
expectType<Equal<typeof anybody, Remote<Dynamic>>>();
void anybody.draw?.me?.a?.sheep?.();

// A client calls its server, and has verbs of its own.
const client = new Client<Painter>({ serverId: "service" });
const drawn = client.draw("sheep");
expectType<Equal<typeof drawn extends PromiseLike<infer R> ? R : never, string>>();
void client.connect("tcp://127.0.0.1:1");
const job = client.register((name: string) => name.length, { name: "length" });
expectType<Equal<ReturnType<typeof job>, number>>();
// @ts-expect-error -- a number is no string
void client.draw(1);
// @ts-expect-error -- there is no such method
void client.paint();
// @ts-expect-error -- a server calls nobody by itself
void server.draw("sheep");
