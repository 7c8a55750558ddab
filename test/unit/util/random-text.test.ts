import { expect } from "chai";
import { randomText } from "../../../src/util/random-text.js";

describe("Random text", () => {
  it("is as long as it should be, and never the same", () => {
    const texts = Array.from({ length: 2_000 }, () => randomText(12));
    for (const text of texts) expect(text).to.match(/^[\w-]{16}$/);
    expect(new Set(texts).size).to.equal(texts.length);
  });
});
