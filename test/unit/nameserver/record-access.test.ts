import { expect } from "chai";
import { RecordAccess, type RecordPolicy } from "../../../src/nameserver/record-access.js";
import type { RegistryChange } from "../../../src/nameserver/registry.js";
import type { ServiceRecord } from "../../../src/peer/record.js";
import type { Caller } from "../../../src/security/caller.js";
import { SILENT } from "../../../src/util/log.js";
import { keepLog } from "../../support/log.js";

const ann: Caller = { name: "ann", roles: [], proof: "key", info: {} };

function record(service: string, ...interfaces: string[]): ServiceRecord {
  return { service, interfaces, address: "tcp://127.0.0.1:1", endpoints: [], tags: [], data: {} };
}

const access = (policy: RecordPolicy) => new RecordAccess(policy, "registration", SILENT);

describe("A policy about records", () => {
  it("covers a record whose service and all of whose interfaces a rule names", async () => {
    const rules = access([{ users: ["ann"], service: "/orders/*", interface: ["com.orders.*", "com.health"] }]);
    expect(await rules.permits(ann, record("/orders/1", "com.orders.a", "com.health"))).to.equal(true);
    expect(await rules.permits(ann, record("/orders/1", "com.orders.a", "com.payments"))).to.equal(false);
    expect(await rules.permits(ann, record("/order", "com.orders.a"))).to.equal(false);
    expect(await rules.permits({ ...ann, name: "bob" }, record("/orders/1", "com.health"))).to.equal(false);
    expect(await rules.permits(undefined, record("/orders/1", "com.health"))).to.equal(false);
    expect(await access([]).permits(ann, record("/orders/1"))).to.equal(false);
    expect(await access([{ service: "/open/*" }]).permits(undefined, record("/open/1", "any"))).to.equal(true);
  });

  it("asks a function, of which only true allows, and refuses when it fails", async () => {
    const { log, lines } = keepLog();
    const failing = new RecordAccess(() => Promise.reject(new Error("no table")), "visibility", log);
    expect(await failing.permits(ann, record("/a"))).to.equal(false);
    expect(lines("error")[0]).to.match(/\/a is refused: Error: no table/);
    expect(
      await access((caller, { service }) => caller === ann && service === "/a").permits(ann, record("/a")),
    ).to.equal(true);
    expect(await access((() => "yes") as unknown as RecordPolicy).permits(ann, record("/a"))).to.equal(false);
  });

  it("tells those who see a record only before or after a change that it goes, or comes", async () => {
    const secret = record("/a", "secret");
    const open = record("/a", "open");
    const changes: RegistryChange[] = [
      { type: "added", record: secret },
      { type: "changed", record: open, before: secret },
      { type: "changed", record: open, before: open },
      { type: "changed", record: secret, before: open },
      { type: "changed", record: secret, before: secret },
      { type: "removed", record: secret },
      { type: "removed", record: open },
    ];
    const seen = await access([{ interface: "open" }]).changes(ann, changes);
    expect(seen.map(({ type, record: { interfaces } }) => [type, ...interfaces])).to.deep.equal([
      ["added", "open"],
      ["changed", "open"],
      ["removed", "open"],
      ["removed", "open"],
    ]);
  });

  it("is refused when it makes no sense", () => {
    expect(() => access([{ services: "/a" } as object])).to.throw(/did you mean "service"/);
    expect(() => access({} as unknown as RecordPolicy)).to.throw(/a list of rules, or a function/);
  });
});
