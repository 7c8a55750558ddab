import { once } from "node:events";
import { Readable } from "node:stream";
import { expect } from "chai";
import { BadRequestError } from "../../../src/errors.js";
import { discardSources, holdSources, holdsSources, iterate } from "../../../src/peer/streams/source.js";
import { CountedSource } from "../../support/sources.js";

describe("Sources in a value", () => {
  const wrappings: Record<string, (source: unknown) => unknown> = {
    "an array": (source) => [1, "two", null, [source]],
    "an object": (source) => ({ a: { b: source } }),
    "an object without prototype": (source) => Object.assign(Object.create(null) as object, { source }),
    "a Map": (source) => new Map([["key", { source }]]),
    "the keys of a Map": (source) => new Map([[source, 1]]),
    "a Set": (source) => new Set([[source]]),
  };
  for (const [where, wrap] of Object.entries(wrappings)) {
    it(`are found in ${where}, ended, and held`, () => {
      const web = new CountedSource(3, 10);
      const file = Readable.from([new Uint8Array(3)]);
      const value = [wrap(web.stream()), wrap(file)];
      expect(holdsSources(value)).to.equal(true);
      holdSources(value);
      expect(file.listenerCount("error")).to.equal(1);
      discardSources(value);
      expect([web.ended, file.destroyed]).to.deep.equal([1, true]);
    });
  }

  it("are not looked for in what is long and holds none, and not in instances of classes", () => {
    let isAsked = false;
    const bytes = new Proxy(new Uint8Array(4), {
      ownKeys: (target) => {
        isAsked = true;
        return Reflect.ownKeys(target);
      },
    });
    class Kept {
      readonly stream = new CountedSource(1, 1).stream();
    }
    expect(holdsSources([bytes, new Float64Array(9), new Kept(), "text", 5, undefined])).to.equal(false);
    expect(isAsked).to.equal(false);
    expect(holdsSources({ stream: new CountedSource(1, 1).stream() })).to.equal(true);
  });

  it("are held once, also when they are read", () => {
    const file = Readable.from([new Uint8Array(3)]);
    for (let count = 0; count < 3; count++) holdSources([file]);
    iterate(file);
    expect(file.listenerCount("error")).to.be.at.most(2);
    discardSources([file]);
  });

  it("are refused when somebody else reads them, or has read them", async () => {
    const web = new CountedSource(3, 10).stream();
    web.getReader();
    const file = Readable.from([new Uint8Array(3)]);
    file.resume();
    await once(file, "end");
    for (const source of [web, file]) {
      expect(() => iterate(source)).to.throw(BadRequestError, "was read before");
    }
  });
});
