import { SimpleMessage, SimpleNode } from "./simple.js";

const dispatcher = process.argv[2];
await using subscriber = await new SimpleNode({ name: "subscriber", dispatcher }).start();
await subscriber.subscribe("simple_event");

await using publisher = await new SimpleNode({ name: "publisher", dispatcher }).start();
await publisher.publish("simple_event", SimpleMessage, { payload: "hello" });
// To one node, by its name; here it is the only one.
await publisher.publish("subscriber@localhost/simple_event", SimpleMessage, { payload: "hello, subscriber" });
// Nobody is subscribed to that, and so nothing happens.
console.log(await publisher.publish("other_event", SimpleMessage, { payload: "hello, nobody" }));
