/** Compiled by `npm run typecheck`, never run. */
import {
  type CallStep,
  Client,
  callsTo,
  defineInterface,
  defineWorkflow,
  ref,
  type StepDefinition,
  type TasksOf,
  type ValueReference,
} from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(_proof?: T): void {
  // Only the type parameter matters.
}

interface Order {
  id: string;
  items: { sku: string; count: number }[];
  note?: string;
}

interface Shop {
  reserve(order: Order): Promise<{ id: number; items: string[] }>;
  pay(amount: number, currency: "EUR" | "USD", test?: boolean): { paid: boolean };
  ping(): void;
  draw: { sheep(name: string): Promise<string> };
  readonly name: string;
}

const shop = callsTo<Shop>("demo.shop");

// Methods keep their arguments and their results; paths are paths.
const reserved = shop.reserve({ name: "reserved", input: { id: "1", items: [{ sku: "a", count: 1 }] } });
expectType<Equal<typeof reserved, CallStep<{ id: number; items: string[] }>>>();
expectType<Equal<ReturnType<typeof shop.draw.sheep>, CallStep<string>>>();
const step: StepDefinition = shop.ping();

// Values may be references, in the whole and in parts.
void shop.reserve({ input: ref("input.order") });
void shop.reserve({ input: { id: "${input.id}", items: ref("input.items"), note: "of ${run.id}" } });
void shop.reserve({ input: { id: "1", items: [{ sku: ref("input.sku"), count: ref("input.count") }] } });
void shop.pay({ args: [ref(reserved, "id"), "EUR"], timeoutMs: 5, retry: { attempts: 3 }, compensate: shop.ping() });
void shop.pay({ input: { amount: 1, currency: ref("input.currency") } });
void shop.pay({ input: null });
void shop.draw.sheep({ input: ref(reserved, "items", 0) });

// References know what they refer to.
expectType<Equal<ReturnType<typeof refId>, ValueReference<number>>>();
function refId() {
  return ref(reserved, "id");
}
void shop.pay({ args: [ref(reserved, "id"), "EUR"] });
// @ts-expect-error -- a text is no number
void shop.pay({ args: [ref(reserved, "items", 0), "EUR"] });
// @ts-expect-error -- the result has no such member
void ref(reserved, "ids");

// What is wrong is wrong.
// @ts-expect-error -- a text that is no number, and nobody says what it refers to
void shop.pay({ args: ["${input.amount}", "EUR"] });
// @ts-expect-error -- no such method
void shop.reserv();
// @ts-expect-error -- a member that is no method
void shop.name();
// @ts-expect-error -- a text that is no reference
void shop.pay({ args: ["5", "EUR"] });
// @ts-expect-error -- none of the texts
void shop.pay({ args: [5, "GBP"] });
// @ts-expect-error -- one argument too few
void shop.pay({ args: [5] });
// @ts-expect-error -- one argument too many
void shop.pay({ args: [5, "EUR", true, 1] });
// @ts-expect-error -- a member is missing
void shop.reserve({ input: { id: "1" } });
// @ts-expect-error -- there is no such option
void shop.ping({ timeout: 5 });

// Definitions of interfaces and names of interfaces say their types too; unknown ones have any method.
const counter = defineInterface("demo.counter", { methods: { add: (by: number) => ({ sum: by }) } });
const added = callsTo<typeof counter>("demo.counter").add({ args: [1] });
expectType<Equal<typeof added, CallStep<{ sum: number }>>>();
const located = callsTo("org.pycom.nameserver", { service: "/x" });
void located.locate;
// @ts-expect-error -- the nameserver has no such method
void located.nothing;
const unknown = callsTo("demo.unknown").anything?.({ input: { a: ["${input}"] } });
expectType<Equal<typeof unknown, CallStep<unknown> | undefined>>();

// A definition is looked at by the compiler, and knows its tasks.
const orders = defineWorkflow({
  tasks: {
    order: [
      reserved,
      step,
      { code: "mail", input: "${steps.reserved}" },
      { when: { exists: "result" }, then: { value: 1 } },
    ],
    late: { params: ["id"], steps: [{ task: "order" }] },
  },
  schedules: { nightly: { task: "late", cron: "0 3 * * *" } },
});
expectType<Equal<keyof typeof orders.tasks, "order" | "late">>();
const remote = new Client().locate<TasksOf<typeof orders>>("lamplighter.workflow", "/demo/orders");
void remote.order({ id: 1 });
// @ts-expect-error -- no such task
void remote.orders();
// @ts-expect-error -- a schedule of no task
void defineWorkflow({ tasks: { a: [step] }, schedules: { s: { task: "b", cron: "* * * * *" } } });
// @ts-expect-error -- no kind of step has this
void defineWorkflow({ tasks: { a: [{ interface: "a", intput: 1 }] } });
// @ts-expect-error -- time-outs are numbers
void defineWorkflow({ tasks: { a: [{ interface: "a", timeoutMs: "5s" }] } });
