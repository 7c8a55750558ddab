import { Client } from "lamplighter";
import type { Query } from "./query.js";

await using client = new Client();
const query = client.locate<Query>("com.foo.example");
console.log(await query.create(42));
console.log(await query.add(1, 2));
