import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { untypedBox } from "../../src/compat/amp/untyped.js";

describe("AMP: values of which nobody has said the type", () => {
  it("are what they are, also those of another realm", () => {
    const [date, octets] = runInNewContext("[new Date(0), Uint8Array.of(1, 255)]") as [Date, Uint8Array];
    const texts = [...untypedBox({ date, octets, own: new Date(0) }, "twisted")].map(([name, value]) => [
      name,
      Buffer.from(value).toString("latin1"),
    ]);
    expect(Object.fromEntries(texts)).to.deep.equal({
      date: "1970-01-01T00:00:00.000000-00:00",
      octets: "\x01\xff",
      own: "1970-01-01T00:00:00.000000-00:00",
    });
  });
});
