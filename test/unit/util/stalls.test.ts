import { expect } from "chai";
import { Stalls } from "../../../src/util/stalls.js";
import { until } from "../../support/until.js";

/** Keeps everything waiting. */
function block(ms: number): void {
  const endsAt = performance.now() + ms;
  while (performance.now() < endsAt);
}

describe("Stalls", () => {
  it("know how long what is read may have waited, and forget it", async () => {
    const stalls = new Stalls();
    stalls.start();
    try {
      expect(stalls.waitedMs).to.equal(0);
      block(600);
      expect(stalls.waitedMs).to.be.within(600, 5_000);
      // As what waits in a socket: timers come before it.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(stalls.waitedMs).to.be.within(600, 5_000);
      await until(() => stalls.waitedMs === 0);
    } finally {
      stalls.stop();
    }
  });

  it("are watched until nobody wants it any more", async () => {
    const stalls = new Stalls();
    stalls.start();
    stalls.start();
    stalls.stop();
    block(600);
    await new Promise((resolve) => setImmediate(resolve));
    await until(() => stalls.waitedMs === 0);
    stalls.stop();
    await until(() => stalls.waitedMs > 0);
  });
});
