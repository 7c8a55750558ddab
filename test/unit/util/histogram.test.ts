import { expect } from "chai";
import { DURATION_BOUNDS_MS, Histogram, quantileOf } from "../../../src/util/histogram.js";

describe("Histogram", () => {
  it("has ascending bounds from 10 µs to 100 s", () => {
    expect(DURATION_BOUNDS_MS[0]).to.equal(0.01);
    expect(DURATION_BOUNDS_MS.at(-1)).to.equal(100_000);
    expect([...DURATION_BOUNDS_MS].sort((a, b) => a - b)).to.deep.equal(DURATION_BOUNDS_MS);
  });

  it("counts each duration in the class whose bound it does not exceed", () => {
    for (const [index, bound] of DURATION_BOUNDS_MS.entries()) {
      const histogram = new Histogram();
      histogram.add(bound);
      histogram.add(bound * 1.0001);
      const counts = histogram.counts();
      expect(counts).to.have.length(index + 2);
      expect(counts.slice(index)).to.deep.equal([1, 1]);
    }
  });

  it("knows number and sum, and takes what is below and above everything", () => {
    const histogram = new Histogram();
    for (const ms of [0, -1, 1e9]) histogram.add(ms);
    expect(histogram.count).to.equal(3);
    expect(histogram.totalMs).to.equal(1e9 - 1);
    expect(histogram.counts()[0]).to.equal(2);
    expect(histogram.counts()).to.have.length(DURATION_BOUNDS_MS.length + 1);
  });

  it("tells quantiles no farther off than a class is wide", () => {
    const histogram = new Histogram();
    for (let ms = 1; ms <= 1000; ms++) histogram.add(ms);
    expect(quantileOf(histogram.counts(), 0.5)).to.be.within(330, 680);
    expect(quantileOf(histogram.counts(), 0.99)).to.be.within(680, 1000);
    expect(quantileOf([], 0.5)).to.equal(undefined);
    expect(quantileOf([0, 0], 0.5)).to.equal(undefined);
    expect(quantileOf([...DURATION_BOUNDS_MS.map(() => 0), 1], 0.5)).to.equal(100_000);
  });
});
