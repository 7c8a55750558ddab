import { expect } from "chai";
import fc from "fast-check";
import { decodeZ85, encodeZ85 } from "../../../src/util/z85.js";

describe("Z85", () => {
  it("writes and reads the example of its specification", () => {
    const bytes = Buffer.from("864fd26fb559f75b", "hex");
    expect(encodeZ85(bytes)).to.equal("HelloWorld");
    expect(Buffer.compare(Buffer.from(decodeZ85("HelloWorld")), bytes)).to.equal(0);
  });

  it("reads what it writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(encodeZ85(bytes)).to.have.length(40);
        expect([...decodeZ85(encodeZ85(bytes))]).to.deep.equal([...bytes]);
      }),
    );
  });

  it("refuses what is none, without repeating it", () => {
    for (const text of ["Hell", "####~", "%%%%%", '"llo"']) {
      expect(() => decodeZ85(text))
        .to.throw(/Z85/)
        .with.property("message")
        .that.does.not.contain(text);
    }
    expect(() => encodeZ85(new Uint8Array(3))).to.throw(/multiple of 4/);
  });
});
