import { setTimeout } from "node:timers/promises";
import { Catch, NodeCollection, type Received } from "lamplighter/nodeset";
import { SimpleMessage, SimpleNode } from "./simple.js";

/** A node with an event that takes long. */
class BusyNode extends SimpleNode {
  @Catch("slow_event") async onSlowEvent({ payload }: Received<SimpleMessage>) {
    console.log(`${this.name} begins with ${payload}`);
    await setTimeout(200);
    console.log(`${this.name} has done ${payload}`);
  }

  @Catch("last_event") onLastEvent({ payload }: Received<SimpleMessage>) {
    console.log(`${this.name} caught ${payload}`);
  }
}

// Two nodes over one connection; only the collection is started.
await using collection = new NodeCollection({ dispatcher: process.argv[2] });
const busy = collection.adapt(new BusyNode({ name: "busy" }));
const simple = collection.adapt(new SimpleNode({ name: "simple" }));
await collection.start();
for (const event of ["simple_event", "slow_event", "last_event"]) await busy.subscribe(event);

// What takes long keeps nothing else waiting.
await simple.publish("slow_event", SimpleMessage, { payload: "the long one" });
await simple.publish("simple_event", SimpleMessage, { payload: "the second" });
await simple.publish("last_event", SimpleMessage, { payload: "the third" });
await setTimeout(400);
