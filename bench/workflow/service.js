/** What the steps call: a service in a process of its own, that says where it is and lives until its input ends. */
import { defineInterface, Host } from "../../build/index.js";

const [, , nameserver] = process.argv;
const host = new Host({ nameserver });
host.provide(
  defineInterface("bench.step", {
    methods: {
      next: { params: ["n"], run: (n) => n + 1 },
    },
  }),
);
await host.start();
console.log(`ready ${host.address}`);
process.stdin.resume();
process.stdin.on("end", () => void host.close());
