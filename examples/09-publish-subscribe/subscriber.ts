import { subscriber } from "lamplighter";

const client = subscriber<number>("demo.interface.name");
client.on("gap", ({ reason, missed }) => {
  console.log(`missed ${missed ?? "perhaps some"}: ${reason}`);
});

console.log(await client.take(10)); // 10 random numbers in 10 seconds
for await (const n of client) console.log(n); // and as long as you like
