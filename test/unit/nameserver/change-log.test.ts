import { expect } from "chai";
import { ChangeLog } from "../../../src/nameserver/change-log.js";
import { MemoryRegistry } from "../../../src/nameserver/memory-registry.js";

describe("The changes of a registry", () => {
  it("wake at once who looked before the last of them, so that none is missed in between", async () => {
    const registry = new MemoryRegistry();
    const changes = new ChangeLog(registry);
    const stop = new AbortController();
    const seen = changes.count;
    const record = { service: "/a", interfaces: ["a"], address: "tcp://a:1", endpoints: [], tags: [], data: {} };
    registry.set({ record, leaseMs: 60_000, lease: undefined });
    expect(await changes.next(seen, 60_000, stop.signal)).to.equal(true);
    const waiting = changes.next(changes.count, 60_000, stop.signal);
    stop.abort();
    expect(await waiting).to.equal(false);
    changes.close();
    registry.close();
  });
});
