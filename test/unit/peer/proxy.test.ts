import assert from "node:assert";
import { Console } from "node:console";
import { Writable } from "node:stream";
import { inspect } from "node:util";
import { expect } from "chai";
import { call, createProxy, type ProxyHandle } from "../../../src/peer/proxy.js";

interface Recorded extends ProxyHandle {
  readonly calls: [string, readonly unknown[]][];
}

function makeHandle(): Recorded {
  const calls: [string, readonly unknown[]][] = [];
  return {
    calls,
    invoke: (method, args) => {
      calls.push([method, args]);
      return Promise.resolve("answered");
    },
    describe: () => "RemoteProxy<demo connected>",
    methods: () => ["add", "draw.me.a.sheep"],
    close: () => Promise.resolve(),
  };
}

// Untyped on purpose: a proxy has to bear whatever the runtime asks of it.
type Anything = Record<string, never> & ((...args: unknown[]) => Promise<unknown>);

describe("A proxy", () => {
  let handle: Recorded;
  let proxy: Anything;

  beforeEach(() => {
    handle = makeHandle();
    proxy = createProxy(handle) as unknown as Anything;
  });

  it("translates a property path and a call into one call", async () => {
    const remote = createProxy<{ add(a: number, b: number): string; draw: { me: { a: { sheep(): string } } } }>(handle);
    expect(await remote.add(1, 2)).to.equal("answered");
    await remote.draw.me.a.sheep();
    expect(handle.calls).to.deep.equal([
      ["add", [1, 2]],
      ["draw.me.a.sheep", []],
    ]);
  });

  const harmless: Readonly<Record<string, (value: Anything) => unknown>> = {
    "is awaited": async (value) => {
      expect(await (value as unknown)).to.equal(value);
    },
    "is returned from an async function": async (value) => {
      expect(await (async () => Promise.resolve(value as unknown))()).to.equal(value);
    },
    "goes through Promise.all and Promise.race": async (value) => {
      await Promise.all([value as unknown]);
      await Promise.race([value as unknown]);
    },
    "is inspected": (value) => {
      expect(inspect(value)).to.equal("RemoteProxy<demo connected>");
    },
    "is printed by a console": (value) => {
      let printed = "";
      const stdout = new Writable({
        write(chunk: Buffer, _encoding, done) {
          printed += chunk.toString();
          done();
        },
      });
      new Console({ stdout }).log(value, [value]);
      expect(printed).to.contain("RemoteProxy<demo connected>");
    },
    "becomes a string": (value) => {
      expect(String(value)).to.equal("RemoteProxy<demo connected>");
      expect(["", value].join("-")).to.equal("-RemoteProxy<demo connected>");
      expect("".concat(value as unknown as string)).to.equal("RemoteProxy<demo connected>");
      expect(`<${value as unknown as string}>`).to.equal("<RemoteProxy<demo connected>>");
    },
    "is serialised": (value) => {
      expect(JSON.stringify({ value })).to.equal('{"value":"RemoteProxy<demo connected>"}');
    },
    "is compared by chai": (value) => {
      expect(value).to.equal(value);
      expect([value]).to.deep.equal([value]);
      expect(() => {
        expect(value).to.deep.equal({ a: 1 });
      }).to.throw();
    },
    "is compared by node:assert": (value) => {
      assert.deepStrictEqual(value, value);
      assert.throws(() => {
        assert.deepStrictEqual(value, {});
      });
    },
    "is cloned, which fails": (value) => {
      expect(() => structuredClone(value)).to.throw(/could not be cloned/);
    },
    "is asked for an iterator, and spread": (value) => {
      expect(() => [...(value as unknown as unknown[])]).to.throw(TypeError);
      expect(Object.keys({ ...(value as object) })).to.deep.equal(["add", "draw"]);
    },
    "is asked for keys": (value) => {
      expect(Object.keys(value)).to.deep.equal(["add", "draw"]);
      expect("add" in value).to.equal(true);
      expect("nope" in value).to.equal(false);
    },
    "is looked at by test frameworks": (value) => {
      for (const name of ["then", "asymmetricMatch", "$$typeof", "nodeType", "tagName", "hasAttribute"]) {
        expect(Reflect.get(value, name), name).to.equal(undefined);
      }
    },
  };
  for (const [what, use] of Object.entries(harmless)) {
    it(`makes no call when it ${what}`, async () => {
      await use(proxy);
      expect(handle.calls).to.deep.equal([]);
    });

    it(`makes no call when a method of it ${what}`, async () => {
      const method = Reflect.get(proxy, "draw") as Anything;
      try {
        await use(method);
      } catch {
        // What it shows and lists differs from the root; what matters is that nothing is called.
      }
      expect(handle.calls).to.deep.equal([]);
    });
  }

  it("is an object, and its methods are functions", () => {
    expect(typeof proxy).to.equal("object");
    expect(typeof proxy.add).to.equal("function");
  });

  it("gives the same child each time", () => {
    expect(proxy.add).to.equal(proxy.add);
  });

  it("lets its methods be used as functions", async () => {
    const method = Reflect.get(proxy, "add") as (...args: unknown[]) => Promise<unknown>;
    await method.call(null, 1);
    await method.apply(null, [2]);
    await method.bind(null, 3)(4);
    expect(handle.calls).to.deep.equal([
      ["add", [1]],
      ["add", [2]],
      ["add", [3, 4]],
    ]);
    expect([method.name, method.length]).to.deep.equal(["add", 0]);
  });

  it("reaches names that it answers itself through call()", async () => {
    await call(proxy, "then", 1);
    expect(handle.calls).to.deep.equal([["then", [1]]]);
    expect(() => call({}, "then")).to.throw(/no proxy/);
  });

  it("refuses to be changed", () => {
    expect(() => Reflect.set(proxy, "a", 1)).to.throw(/Cannot set a/);
    expect(() => Reflect.deleteProperty(proxy, "a")).to.throw(/Cannot set a/);
  });
});
