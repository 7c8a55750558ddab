/** Compiled by `npm run typecheck`, never run. */
import { Client, defineInterface, type InterfaceDefinition, type InterfaceOf, named, proxy } from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(_proof?: T): void {
  // Only the type parameter matters.
}

const definition = defineInterface("demo.defined", {
  stateful: true,
  methods: {
    create: (value: number) => ({ field1: value }),
    later: (name: string, times?: number) => Promise.resolve(name.repeat(times ?? 1)),
    add: { params: { a: "number", b: "number" }, idempotent: true, run: (a: number, b: number) => a + b },
    one: { params: ["a"], results: "value", run: (a: string) => a.length },
    divmod: { params: ["a", "b"], results: ["quotient", "remainder"], run: (a: number, b: number) => [a / b, a % b] },
    pair: { results: ["name", "size"], run: (): Promise<[string, number]> => Promise.resolve(["", 0]) },
    told: { results: ["name", "size"], run: () => ({ name: "", size: 0, surplus: true }) },
    renamed: { name: "other", run: () => "" },
    "draw.sheep": () => "sheep",
  },
});

const client = new Client();
const remote = client.locate<typeof definition>("demo.defined");

// The function form keeps parameters and result.
const created = remote.create(1);
expectType<Equal<Awaited<typeof created>, { field1: number }>>();
const later = remote.later("x");
expectType<Equal<typeof later, Promise<string>>>();
// @ts-expect-error -- a string is no number
void remote.create("x");
// @ts-expect-error -- one argument too few
void remote.create();

// So does the form with options.
const added = remote.add(1, 2);
expectType<Equal<typeof added, Promise<number>>>();
void remote.add(1, named({ b: 2 }));
// @ts-expect-error -- a string is no number
void remote.add(1, "2");
// @ts-expect-error -- one argument too many
void remote.add(1, 2, 3);

// One declared result is its value, several are an object.
const one = remote.one("x");
expectType<Equal<typeof one, Promise<number>>>();
const divided = remote.divmod(7, 2);
expectType<Equal<Awaited<typeof divided>, { quotient: number; remainder: number }>>();
const pair = remote.pair();
expectType<Equal<Awaited<typeof pair>, { name: string; size: number }>>();
const told = remote.told();
expectType<Equal<Awaited<typeof told>["size"], number>>();
expectType<Equal<keyof Awaited<typeof told>, "name" | "size">>();

// Methods go by their remote names.
const other = remote.other();
expectType<Equal<typeof other, Promise<string>>>();
const sheep = remote["draw.sheep"]();
expectType<Equal<typeof sheep, Promise<string>>>();
// @ts-expect-error -- the name that it has at the service only
void remote.renamed();
// @ts-expect-error -- no such method
void remote.nope();
// @ts-expect-error -- the definition itself does not cross the wire
void remote.methods;

// The same wherever a proxy gets its type.
type Defined = InterfaceOf<typeof definition>;
expectType<Equal<ReturnType<Defined["create"]>, { field1: number }>>();
expectType<Equal<Parameters<Defined["later"]>, [name: string, times?: number | undefined]>>();
const byAddress = client.connect<Defined>("tcp://127.0.0.1:1", "demo.defined").create(1);
expectType<Equal<Awaited<typeof byAddress>, { field1: number }>>();
const byNameserver = client.nameserver().locate<typeof definition>("demo.defined").create(1);
expectType<Equal<Awaited<typeof byNameserver>, { field1: number }>>();
const byComponent = proxy<typeof definition>(client.component("demo.defined")).create(1);
expectType<Equal<Awaited<typeof byComponent>, { field1: number }>>();

declare module "../../src/index.js" {
  interface Interfaces {
    "demo.defined": typeof definition;
  }
}
const byName = client.locate("demo.defined").create(1);
expectType<Equal<Awaited<typeof byName>, { field1: number }>>();

// A definition whose type tells nothing gives a proxy without types.
const untold: InterfaceDefinition = definition;
const dynamic = client.locate<typeof untold>("demo.defined").any?.path?.(1, "x");
expectType<Equal<typeof dynamic, (Promise<unknown> & AsyncIterable<unknown>) | undefined>>();
