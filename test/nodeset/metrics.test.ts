import { expect } from "chai";
import {
  Absolute,
  baseFormatter,
  Counter,
  Derive,
  dictFormatter,
  Gauge,
  jsonFormatter,
  Metric,
  MetricCollection,
  Store,
} from "../../src/compat/nodeset/index.js";

describe("Metrics", () => {
  afterEach(() => {
    for (const { name } of Store.list()) Store.delete(name);
  });

  it("count, begin anew when they are read, or show a value", () => {
    const [counter, derive, absolute, gauge] = [new Counter(), new Derive(), new Absolute(), new Gauge()];
    for (const type of [counter, derive, absolute, gauge]) {
      expect(type.get()).to.equal(0);
      type.update();
      type.update(6);
    }
    expect([counter.get(), derive.get(), absolute.get(), gauge.get()]).to.deep.equal([7, 7, 7, 6]);
    expect([counter.get(), derive.get(), absolute.get(), gauge.get()]).to.deep.equal([7, 7, 0, 6]);
    gauge.update();
    expect(gauge.get()).to.equal(0);
  });

  it("are numbers, of which counters go one way", () => {
    expect(new Counter(2).plus(3).get()).to.equal(5);
    expect(() => new Counter(2).minus(1)).to.throw("Not permitted");
    expect(new Gauge(2).plus(3).minus(1).get()).to.equal(4);
    expect(Number(new Counter(2)) + Number(new Gauge(3))).to.equal(5);
    const absolute = new Absolute();
    absolute.update(3);
    expect([Number(absolute), absolute.get(), Number(absolute)]).to.deep.equal([3, 3, 0]);
  });

  it("are kept by name, the last one of a name", () => {
    const first = new Metric("m", new Counter());
    expect(Store.get("m")).to.equal(first);
    const second = new Metric("m", new Gauge());
    expect(Store.get("m")).to.equal(second);
    expect(() => Store.get("unknown")).to.throw(/no metric named "unknown"/);
  });

  it("are collected, and written in the form that is wanted", () => {
    const [a, g] = [new Metric("a", new Absolute()), new Metric("g", new Gauge())];
    const pairs = new MetricCollection(baseFormatter).add(a).add(g).add(a);
    a.update();
    g.update(7.5);
    expect(pairs.get()).to.deep.equal([
      ["a", 1],
      ["g", 7.5],
    ]);
    const json = new MetricCollection(jsonFormatter).add(a).add(g);
    expect(json.get()).to.equal('{"a": 0, "g": 7.5}');
    expect(new MetricCollection(dictFormatter).add(g).get()).to.deep.equal(new Map([["g", 7.5]]));
    expect([json.remove(a), json.remove(a)]).to.deep.equal([true, false]);
    expect(json.get()).to.equal('{"g": 7.5}');
  });
});
