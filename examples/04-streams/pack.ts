import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { Client, withOptions } from "lamplighter";
import type { Packer } from "./packer.js";

const [from = "package.json", to = "package.json.gz"] = process.argv.slice(2);
await using client = new Client();
// The deadline of a call lasts until its answer, however long that takes to send.
const packer = withOptions(client.locate<Packer>("com.foo.packer"), { timeoutMs: 3_600_000 });
await writeFile(to, await packer.pack(createReadStream(from)));
console.log(`packed ${from}`);
