import { setTimeout as sleep } from "node:timers/promises";
import { main, publisher } from "lamplighter";

const pauseMs = Number(process.env.PAUSE_MS ?? 1000);

export const numbers = publisher("demo.interface.name", async function* () {
  while (true) {
    yield Math.random();
    await sleep(pauseMs);
  }
});

main();
