/**
 * Loaded by mocha before all tests. After each test file nothing may be left open: no socket of ours, no TCP handle, no
 * timer. What closes late is waited for, for a moment; what stays is a leak and fails the file.
 */
import { expect } from "chai";
import type { RootHookObject, Suite } from "mocha";
import { openSockets } from "../../src/transport/index.js";

const COUNTED = ["TCPSocketWrap", "TCPServerWrap", "PipeWrap", "PipeServerWrap", "Timeout", "Immediate", "ProcessWrap"];

function openResources(): string[] {
  const handles = process.getActiveResourcesInfo().filter((name) => COUNTED.includes(name));
  return [...handles, ...Array.from(openSockets, () => "ZeroMQSocket")].sort();
}

/** mocha sets a timer for a hook that returns a promise, once it has returned: both counts have to see it. */
function hookTimerSet(): Promise<void> {
  return new Promise(setImmediate);
}

async function expectNothingLeft(before: readonly string[]): Promise<void> {
  let left: string[] = [];
  for (let turn = 0; turn < 100; turn++) {
    await hookTimerSet();
    left = [...openResources()];
    for (const name of before) {
      const index = left.indexOf(name);
      if (index >= 0) left.splice(index, 1);
    }
    if (left.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
    // The timer of this very wait has fired by now and is not counted.
  }
  expect(left, "left open by this file").to.deep.equal([]);
}

export const mochaHooks: RootHookObject = {
  beforeAll(this: Mocha.Context) {
    const root = (this.test as unknown as { parent: Suite }).parent;
    for (const suite of root.suites) {
      let before: string[] = [];
      suite.beforeAll("count what is open", async () => {
        await hookTimerSet();
        before = openResources();
      });
      // Added last, so it runs after the file's own hooks.
      suite.afterAll("nothing is left open", async () => {
        await expectNothingLeft(before);
      });
    }
  },
};
