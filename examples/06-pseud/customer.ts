import { Client, named } from "lamplighter/pseud";
import type { Shop } from "./shop.js";

await using client = new Client<Shop>({ serverId: "shop", security: "plain", userId: "alice", password: "s3cret" });
client.register(() => "beeeh", { name: "draw.me.a.sheep" });
await client.connect(process.argv[2] ?? "tcp://127.0.0.1:5555");

console.log(await client.hello("Charly"));
console.log(await client.please.order("box", named({ copies: 3 })));
console.log(await client.portrait.of("alice"));
