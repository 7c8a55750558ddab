// The first call of a fresh process, blocking or not: `blocking-call.js blocking|promise ADDRESS`. Ends when it is answered.
import { Client, SyncClient } from "../build/compat/pseud/index.js";

const [, , kind, address] = process.argv;
if (kind === "blocking") {
  const client = new SyncClient({ serverId: "bench" });
  client.connect(address);
  client.echo(1);
} else {
  const client = new Client({ serverId: "bench" });
  await client.connect(address);
  await client.echo(1);
}
process.stdout.write("answered\n", () => process.exit());
