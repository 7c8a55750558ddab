import { expect } from "chai";
import fc from "fast-check";
import { Ring } from "../../../src/util/ring.js";

describe("Ring", () => {
  it("gives what it was given, in order, however things come and go", () => {
    // A number adds one, null takes one.
    const steps = fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat() }, { weight: 8, arbitrary: fc.constant(null) }), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        for (const step of list) {
          if (step === null) expect(ring.shift()).to.equal(model.shift());
          else {
            ring.push(step);
            model.push(step);
          }
          expect(ring.size).to.equal(model.length);
        }
        while (model.length > 0) expect(ring.shift()).to.equal(model.shift());
        expect(ring.shift()).to.equal(undefined);
      }),
    );
  });

  it("does not grow with what goes through it, also when it is never empty", () => {
    const ring = new Ring<number>();
    for (let n = 0; n < 64; n++) ring.push(n);
    expect(ring.capacity).to.equal(64);
    for (let n = 64; n < 100_000; n++) {
      expect(ring.shift()).to.equal(n - 64);
      ring.push(n);
    }
    expect(ring.capacity).to.equal(64);
  });
});
