/** What `npm run endure` calls: prints `ready ADDRESS`, and tells its memory to whoever asks over the channel of its fork. */
import { defineInterface, Host } from "../../build/index.js";
import { memoryInUse } from "./memory.js";

let produced = 0;
let endedAt = 0;

const host = new Host({ nameserver: false });
host.provide(
  defineInterface("bench.endure", {
    methods: {
      echo: (value: unknown) => value,
      adder: (base: number) => (n: number) => base + n,
      endless: async function* () {
        produced = 0;
        endedAt = 0;
        try {
          for (;;) yield produced++;
        } finally {
          endedAt = performance.timeOrigin + performance.now();
        }
      },
      count: function* (to: number) {
        for (let n = 0; n < to; n++) yield n;
      },
      copy: {
        params: ["data"],
        results: "copy",
        attachments: { incoming: "data", outgoing: "copy", stream: true },
        run: (data: ReadableStream<Uint8Array>) => data,
      },
      produced: () => ({ produced, endedAt }),
    },
  }),
);
await host.start();
process.on("message", () => process.send?.(memoryInUse()));
process.on("disconnect", () => process.exit());
console.log(`ready ${host.address}`);
