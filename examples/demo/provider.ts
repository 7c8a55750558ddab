/**
 * One provider of the demo: writes down each execution before it answers, so that the demo can compare what callers were
 * told with what happened. What was written survives `kill -9`; only a power cut could lose it.
 */
import { openSync, writeSync } from "node:fs";
import { currentCall, defineInterface, Host } from "lamplighter";

const [nameserver = "", service = "", recordFile = ""] = process.argv.slice(2);
const record = openSync(recordFile, "a");

function execute(id: string): string {
  writeSync(record, `${id}\n`);
  return id;
}

const host = new Host({ nameserver, service, maxConcurrent: 100 });
host.provide(
  defineInterface("demo.work", {
    methods: {
      /** May run twice without harm: clients repeat it. */
      get: { params: { id: "string" }, idempotent: true, run: execute },
      /** Must not run twice: clients never repeat it once it may have run. */
      put: {
        params: { id: "string" },
        run: async (id: string) => {
          execute(id);
          // Some answers take a moment, so that a kill finds calls that have run and are not answered yet.
          if (currentCall().remainingMs > 0 && id.endsWith("0")) await new Promise((done) => setTimeout(done, 2));
          return id;
        },
      },
    },
  }),
);
process.once("SIGTERM", () => {
  void host.close();
});
await host.start();
console.log(`ready ${host.address}`);
