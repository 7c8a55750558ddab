import { setTimeout } from "node:timers/promises";
import { SimpleMessage, SimpleNode } from "./simple.js";

const dispatcher = process.argv[2];
await using first = await new SimpleNode({ name: "first", dispatcher }).start();
await using second = await new SimpleNode({ name: "second", dispatcher }).start();
for (const node of [first, second]) await node.subscribe("simple_event");

await using publisher = await new SimpleNode({ name: "publisher", dispatcher }).start();
for (const payload of ["one", "two", "three", "four"]) {
  // Each to one of the two, in turn.
  await publisher.publish("simple_event", SimpleMessage, { payload, _delivery_mode: "direct" });
  await setTimeout(100);
}
