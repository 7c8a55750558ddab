/** Compiled by `npm run typecheck`, never run. */
import type { Readable } from "node:stream";
import { Client, Interface, Method, named, type Remote, withOptions } from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(_proof?: T): void {
  // Only the type parameter matters.
}

declare module "../../src/index.js" {
  interface Interfaces {
    "demo.typed": { hello(name: string): Promise<number> };
  }
}

@Interface("demo.query")
class Query {
  readonly data = 5;
  #hidden = 1;
  @Method() create(value: number): { field1: number } {
    return { field1: value + this.#hidden };
  }
  @Method({ params: ["a", "b?"] }) add(a: number, b = 0): Promise<number> {
    return Promise.resolve(a + b);
  }
  readonly draw = { me: { sheep: (): string => "sheep" } };
}

const client = new Client();
const query = client.locate<Query>("demo.query");
const created = query.create(1);
expectType<Equal<Awaited<typeof created>, { field1: number }>>();
const added = query.add(1, 2);
expectType<Equal<typeof added, Promise<number>>>();
const sheep = query.draw.me.sheep();
expectType<Equal<typeof sheep, Promise<string>>>();
void query.add(1);
void query.add(1, named({ b: 2 }));
void query.add(named({ a: 1 }));
// @ts-expect-error -- a string is no number
void query.create("x");
// @ts-expect-error -- one argument too many
void query.add(1, 2, 3);
// @ts-expect-error -- no such method
void query.nope();
// @ts-expect-error -- data is no method, and does not cross the wire
void query.data;

const patient = withOptions(query, { timeoutMs: 1 });
expectType<Equal<typeof patient, Remote<Query>>>();

const typed = client.locate("demo.typed").hello("x");
expectType<Equal<typeof typed, Promise<number>>>();
// @ts-expect-error -- typed by the name of the interface
void client.locate("demo.typed").hello(1);

const dynamic = client.locate("demo.unknown").any?.path?.at?.all?.(1, "x");
expectType<Equal<typeof dynamic, (Promise<unknown> & AsyncIterable<unknown>) | undefined>>();

const listed = client.nameserver().list_services();
expectType<Equal<Awaited<typeof listed>[number]["service"], string>>();
const located = client.nameserver().locate<Query>("demo.query").create(1);
expectType<Equal<Awaited<typeof located>, { field1: number }>>();

interface Files {
  upload(data: ReadableStream<Uint8Array>, name?: string): Promise<number>;
  maybe(data: ReadableStream<Uint8Array> | null): Promise<number>;
  lines(data: ReadableStream<string>): Promise<number>;
  bytes(data: Uint8Array): Promise<number>;
}
const files = client.locate<Files>("demo.files");
declare const blob: Blob;
declare const readable: Readable;
void files.upload(new Uint8Array(1));
void files.upload(new ArrayBuffer(1), "name");
void files.upload(blob, named({ name: "name" }));
void files.upload(readable);
void files.maybe(readable);
void files.maybe(null);
// @ts-expect-error -- null where the method takes none
void files.upload(null);
// @ts-expect-error -- a text is no stream of bytes
void files.upload("text");
// @ts-expect-error -- nor are texts
void files.lines(new Uint8Array(1));
// @ts-expect-error -- the method takes bytes
void files.bytes(blob);
