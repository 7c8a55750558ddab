/** Compiled by `npm run typecheck`, never run. */
import { SyncClient } from "../../src/compat/pseud/index.js";
import { call, named, type RemotePromise, withOptions } from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(_proof?: T): void {
  // Only the type parameter matters.
}

interface Service {
  readonly version: string;
  hello(name: string, times?: number): string;
  later(): Promise<Date>;
  nothing(): void;
  readonly draw: { readonly me: { sheep(): { colour: string } } };
}

const client = new SyncClient<Service>({ serverId: "service" });

// Results are values, however often they were wrapped.
const hello = client.hello("x");
expectType<Equal<typeof hello, string>>();
const later = client.later();
expectType<Equal<typeof later, Date>>();
const sheep = client.draw.me.sheep();
expectType<Equal<typeof sheep, { colour: string }>>();
expectType<Equal<ReturnType<typeof client.nothing>, void>>();
const named_ = client.hello("x", named({ times: 2 }));
expectType<Equal<typeof named_, string>>();
const patient = withOptions(client, { timeoutMs: 1 }).hello("x");
expectType<Equal<typeof patient, string>>();
const byName = call(client, "then");
expectType<Equal<typeof byName, unknown>>();
expectType<Equal<ReturnType<typeof client.close>, void>>();
// @ts-expect-error -- a number is no string
client.hello(1);
// @ts-expect-error -- there is no such method
client.bye();
// @ts-expect-error -- what is no method is not there
void client.version;

// Without types any path can be called.
const untyped = new SyncClient();
const value = untyped.draw?.me?.a?.sheep?.(1, named({ colour: "black" }));
expectType<Equal<typeof value, unknown>>();
untyped.connect("tcp://127.0.0.1:1");

// Other proxies still return promises.
declare const other: object;
const promised = call(other, "then");
expectType<Equal<typeof promised, RemotePromise<unknown>>>();
