import { Client, configure, locate } from "lamplighter";

// Whoever has a nameserver has everything: proxies of what it knows, itself included.
await using client = new Client();
const ns = client.nameserver();
const example = ns.locate({ interface: "org.pycom.nameserver" });
for (const info of await example.list_services()) console.log(info.service);

// One configuration for the whole process, and components with explicit verbs. No scheme means tcp://.
configure({ nameserver: process.env.LAMPLIGHTER_NAMESERVER?.replace("tcp://", "") ?? "127.0.0.1:2012" });
const query = locate("com.foo.example");
console.log(await query.invoke("create", 42));
console.log(Object.keys((await query.introspect()).methods).join(" "));
