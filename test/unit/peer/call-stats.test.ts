import { expect } from "chai";
import { defineInterface } from "../../../src/index.js";
import { buildInterface } from "../../../src/peer/exposed/definition.js";
import { CallStats } from "../../../src/peer/stats/call-stats.js";

const host = { errors: undefined, journal: undefined, contract: () => ({ incarnation: "", maxMessageBytes: 1 }) };
const build = (name: string, ...methods: string[]) =>
  buildInterface(
    defineInterface(name, { methods: Object.fromEntries(methods.map((method) => [method, () => null])) }),
    host,
  );

describe("CallStats", () => {
  it("counts what is declared by name, references and everything else together", () => {
    const stats = new CallStats();
    const exposed = build("a", "one", "two");
    stats.exposed([exposed]);
    stats.of(exposed.methods.get("one"), false).begun();
    stats.of(undefined, false).begun();
    stats.of(undefined, true).begun();
    stats.of(build("b", "one").methods.get("one"), true).begun();
    const counted = stats.read().map(({ interface: name, method, calls }) => [name, method, calls]);
    expect(counted).to.deep.equal([
      ["a", "one", 1],
      ["", "(references)", 2],
      ["", "(unknown)", 1],
    ]);
  });

  it("goes on counting where an interface is replaced, and forgets methods that are gone", () => {
    const stats = new CallStats();
    const before = build("a", "kept", "gone");
    stats.exposed([before]);
    stats.of(before.methods.get("kept"), false).begun();
    stats.of(before.methods.get("gone"), false).begun();
    const after = build("a", "kept");
    stats.exposed([after]);
    stats.of(after.methods.get("kept"), false).begun();
    expect(stats.read().map(({ method, calls }) => [method, calls])).to.deep.equal([["kept", 2]]);
  });

  it("times every call that comes alone, and a share of those that come at once", () => {
    const stats = new CallStats();
    for (let at = 0; at < 10; at++) expect(stats.isTimed(at)).to.equal(true);
    let timed = 0;
    for (let call = 0; call < 3200; call++) if (stats.isTimed(20)) timed++;
    expect(timed).to.be.within(100, 102);
  });

  it("keeps kinds of errors apart, and does not let made-up codes fill the memory", () => {
    const stats = new CallStats();
    const calls = stats.of(undefined, false);
    calls.refused({ code: "TIMEOUT", outcome: "not-executed" });
    calls.refused({ code: "TIMEOUT", outcome: "not-executed" });
    calls.refused({ code: "TIMEOUT", outcome: "executed" });
    expect(calls.read().errors).to.deep.equal([
      { code: "TIMEOUT", outcome: "not-executed", count: 2 },
      { code: "TIMEOUT", outcome: "executed", count: 1 },
    ]);
    for (let kind = 0; kind < 1000; kind++) calls.refused({ code: `X${kind}` as "UNKNOWN", outcome: "executed" });
    expect(calls.read().errors).to.have.length(64);
    expect(calls.read()).to.include({ calls: 1003, running: 0 });
  });
});
