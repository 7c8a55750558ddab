import { expect } from "chai";
import { CallerLoad } from "../../../src/peer/caller-load.js";

describe("What one connection has under way", () => {
  it("is refused one call too many, until another has ended", () => {
    const load = new CallerLoad({ callsInFlight: 2, bytesInFlight: 100 });
    load.reading(1);
    const first = load.begin();
    load.begin();
    expect(load.refusal()).to.include({ code: "OVERLOADED", outcome: "not-executed" });
    expect(load.refusal()?.message).to.match(/^2 calls .*limits\.callsInFlight/);
    first();
    expect([load.calls, load.refusal()]).to.deep.equal([1, undefined]);
  });

  it("is refused a message that is too large beside others, and never one that is alone", () => {
    const load = new CallerLoad({ callsInFlight: 10, bytesInFlight: 100 });
    load.reading(500);
    expect(load.refusal()).to.equal(undefined);
    const large = load.begin();
    expect(load.refusal(), "of the same message").to.equal(undefined);
    load.read();
    load.reading(1);
    expect(load.refusal()?.message).to.match(/^100 bytes of calls .*limits\.bytesInFlight/);
    large();
    load.begin();
    load.reading(99);
    expect(load.refusal()).to.equal(undefined);
    load.reading(100);
    expect(load.refusal()).to.not.equal(undefined);
  });

  it("keeps a message until its last call has ended, and counts no bytes of what begins later", () => {
    const load = new CallerLoad({ callsInFlight: 10, bytesInFlight: 100 });
    load.reading(80);
    const first = load.begin();
    const second = load.begin();
    load.read();
    const later = load.begin();
    first();
    load.reading(30);
    expect(load.refusal()).to.not.equal(undefined);
    second();
    expect(load.refusal()).to.equal(undefined);
    later();
    expect(load.calls).to.equal(0);
  });
});
