import { batch, Client, defineInterface, named, release, withOptions } from "lamplighter";
import { OutOfPaper } from "./out-of-paper.js";
import type { Press } from "./press.js";

await using client = new Client();
// What the services that this client calls may ask of it.
client.provide(defineInterface("com.foo.clerk", { methods: { approve: (title: string) => title === "Poems" } }));

// The same proxy with other options: for all calls of `press`, or for one.
const press = withOptions(client.locate<Press>("com.foo.press"), { timeoutMs: 5_000 });
console.log(await withOptions(press, { waitForMs: 1_000, retry: false }).sheets());

// One message there, one back.
const orders = await batch(() => [press.order("Poems", named({ copies: 3 })), press.order("Accounts")]);
console.log(orders.join(", "));

// The book stays at the service, and the function here.
const book = await press.open("Poems");
const printed = await book.print(2, (page) => {
  console.log(`page ${page}`);
});
console.log(printed);
release(book);
console.log(client.references.length);

try {
  await press.order("Poems", 1_000);
} catch (error) {
  if (!(error instanceof OutOfPaper)) throw error;
  console.log(`${error.message}; ${error.sheets} would do`);
}
