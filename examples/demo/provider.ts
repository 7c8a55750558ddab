/**
 * One provider of the demo: writes down each execution before it answers, so that the demo can compare what callers were
 * told with what happened.
 *
 *     provider.ts NAMESERVER SERVICE FILE
 *
 * Prints `ready ADDRESS TIME` when it is registered.
 */
import { defineInterface, Host } from "lamplighter";
import { ExecutionWriter } from "./record.js";

const [nameserver = "", service = "", file = ""] = process.argv.slice(2);
const record = new ExecutionWriter(file, `${service}@${process.pid}`);

const host = new Host({ nameserver, service, maxConcurrent: 100 });
host.provide(
  defineInterface("demo.work", {
    methods: {
      /** May run twice without harm: clients repeat it. */
      get: {
        params: { id: "string" },
        idempotent: true,
        run: (id: string) => {
          record.write(id, true);
          return id;
        },
      },
      /** Tells which process answers. */
      pid: { idempotent: true, run: () => process.pid },
      /** Must not run twice: clients never repeat it once it may have run. */
      put: {
        params: { id: "string" },
        run: async (id: string) => {
          record.write(id, false);
          // Some answers take a moment, so that a kill finds calls that have run and are not answered yet.
          if (id.endsWith("0")) await new Promise((done) => setTimeout(done, 2));
          return id;
        },
      },
      /** Must not run twice either, and fails after it has run. */
      fail: {
        params: { id: "string" },
        run: (id: string) => {
          record.write(id, false);
          throw new Error("as it was asked to");
        },
      },
    },
  }),
);
process.once("SIGTERM", () => {
  void host.close();
});
await host.start();
console.log(`ready ${host.address} ${performance.timeOrigin + performance.now()}`);
