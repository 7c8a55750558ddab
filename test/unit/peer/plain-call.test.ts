import { expect } from "chai";
import { givenArguments, named, requirePlainCall } from "../../../src/index.js";
import { AUTH_EXTENSION } from "../../../src/peer/record.js";

describe("What a protocol is given of a call", () => {
  const proxied = (...args: unknown[]) => givenArguments({ args, isPositional: true });
  const invoked = (args: unknown) => givenArguments({ args, isPositional: false });

  it("is a list, names, or both", () => {
    expect(proxied()).to.deep.equal({ positional: [], named: {} });
    expect(proxied(1, "a")).to.deep.equal({ positional: [1, "a"], named: {} });
    expect(proxied([1])).to.deep.equal({ positional: [[1]], named: {} });
    expect(proxied(undefined)).to.deep.equal({ positional: [undefined], named: {} });
    expect(proxied({ a: 1, b: undefined })).to.deep.equal({ positional: [], named: { a: 1 } });
    expect(proxied({ a: 1 }, 2)).to.deep.equal({ positional: [{ a: 1 }, 2], named: {} });
    expect(proxied(1, named({ b: 2, c: undefined }))).to.deep.equal({ positional: [1], named: { b: 2 } });
    expect(proxied(new Date(0))).to.deep.equal({ positional: [new Date(0)], named: {} });
  });

  it("is the same of what is invoked", () => {
    expect(invoked(null)).to.deep.equal({ positional: [], named: {} });
    expect(invoked({ a: 1 })).to.deep.equal({ positional: [], named: { a: 1 } });
    expect(invoked([1, 2])).to.deep.equal({ positional: [1, 2], named: {} });
    expect(invoked("a")).to.deep.equal({ positional: ["a"], named: {} });
  });

  it("is refused where there is more to it than arguments, but for a token", () => {
    const call = { interface: "a.b", method: "c", sessionId: undefined, attachment: undefined, extensions: undefined };
    requirePlainCall(call, "p");
    requirePlainCall({ ...call, extensions: { [AUTH_EXTENSION]: "token" } }, "p");
    for (const more of [{ sessionId: "s" }, { attachment: new Uint8Array() }, { extensions: { "x.y": 1 } }]) {
      expect(() => {
        requirePlainCall({ ...call, ...more }, "p");
      }).to.throw(/The call of a.b.c has .*, and the protocol p has none/);
    }
  });
});
