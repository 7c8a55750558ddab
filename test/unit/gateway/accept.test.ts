import { expect } from "chai";
import { names, preferred } from "../../../src/gateway/accept.js";

describe("Accept", () => {
  const types = ["text/plain", "application/json"] as const;

  for (const [header, expected] of [
    [undefined, "text/plain"],
    ["", "text/plain"],
    ["*/*", "text/plain"],
    ["application/json", "application/json"],
    ["APPLICATION/JSON ; charset=utf-8", "application/json"],
    ["text/*;q=0.5, application/json;q=0.6", "application/json"],
    ["application/*;q=0.1, */*;q=0.2", "text/plain"],
    ["*/*, text/plain;q=0", "application/json"],
    ["text/*;q=0, */*;q=0.1", "application/json"],
    ["image/png", undefined],
    ["*/*;q=0", undefined],
    ["text/plain;q=nonsense", undefined],
    ["text/plain;q=2", undefined],
    [";;;,,,", undefined],
  ] as const) {
    it(`gives ${String(expected)} to ${JSON.stringify(header)}`, () => {
      expect(preferred(header, types)).to.equal(expected);
    });
  }

  it("knows which types are named", () => {
    expect(names("text/html, text/event-stream;q=0.9", "text/event-stream")).to.equal(true);
    expect(names("text/event-stream;q=0", "text/event-stream")).to.equal(false);
    expect(names("*/*", "text/event-stream")).to.equal(false);
    expect(names(undefined, "text/event-stream")).to.equal(false);
  });
});
