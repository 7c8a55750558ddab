/**
 * What is killed by `npm run kill`: `provider.ts NAMESERVER FOLDER`. Writes each execution down where `kill -9` does not
 * reach it, before it answers.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { currentCall, defineInterface, Host, openJournal } from "../../build/index.js";

const [nameserver = "", folder = ""] = process.argv.slice(2);
const record = join(folder, "executions");
const journal = await openJournal(join(folder, "journal"), { sync: "normal" });
journal.database.exec("CREATE TABLE IF NOT EXISTS booked (id TEXT)");

const executed = async (id: string): Promise<string> => {
  appendFileSync(record, `${id}\n`);
  // Some are not answered at once, so that a kill finds them between the effect and the answer.
  if (id.endsWith("0")) await pause(Math.random() * 5);
  return id;
};

const host = new Host({ nameserver, service: "/bench/killed", journal });
host.provide(
  defineInterface("bench.killed", {
    methods: {
      put: { params: ["id"], run: executed },
      once: { params: ["id"], once: true, run: executed },
      book: {
        params: ["id"],
        once: "transaction",
        run: (id: string) =>
          currentCall().transaction((database) => {
            database.prepare("INSERT INTO booked VALUES (?)").run(id);
            return id;
          }),
      },
      count: async function* (to: number) {
        for (let n = 0; n < to; n++) {
          if (n % 10 === 0) await pause(1);
          yield n;
        }
      },
      sum: async (items: AsyncIterable<number>) => {
        let sum = 0;
        for await (const item of items) sum += item;
        return sum;
      },
      each: {
        params: ["to", "tell"],
        run: async (to: number, tell: (n: number) => Promise<number>) => {
          let sum = 0;
          for (let n = 0; n < to; n++) sum += await tell(n);
          return sum;
        },
      },
      adder: (base: number) => (n: number) => base + n,
      booked: {
        params: ["like"],
        idempotent: true,
        run: (like: string) => journal.database.prepare("SELECT id FROM booked WHERE id LIKE ?").all(like),
      },
    },
  }),
);
await host.start();
console.log(`ready ${host.address}`);
