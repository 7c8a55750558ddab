import { expect } from "chai";
import fc from "fast-check";
import {
  type BatchingCodec,
  type CallMessage,
  lampWire,
  MalformedMessageError,
  type Message,
  type ResultMessage,
} from "../../src/wire/index.js";

const LIMITS = { maxMessageBytes: 1 << 22 };
const open = (): BatchingCodec => lampWire.open(LIMITS) as BatchingCodec;

/** What the other end makes of messages. */
function there(...messages: Message[]): Message[] {
  const sender = open();
  for (const message of messages) sender.add(message);
  const received: Message[] = [];
  open().decodeAll(sender.take(0), (message) => received.push(message));
  return received;
}

function valueThere(value: unknown): unknown {
  const [message] = there({ kind: "result", id: 1, result: value });
  return (message as ResultMessage).result;
}

const call = (args: unknown, more: Partial<CallMessage> = {}): CallMessage => ({
  kind: "call",
  id: 1,
  interface: "demo.echo",
  method: "echo",
  args,
  ...more,
});

describe("The lamp wire", () => {
  describe("values", () => {
    for (const [name, value] of Object.entries({
      undefined: undefined,
      null: null,
      "-0": -0,
      NaN: Number.NaN,
      Infinity: Number.POSITIVE_INFINITY,
      "-Infinity": Number.NEGATIVE_INFINITY,
      "the largest safe integer": Number.MAX_SAFE_INTEGER,
      "the smallest safe integer": Number.MIN_SAFE_INTEGER,
      "2 ** 53": 2 ** 53,
      "1e300": 1e300,
      "a bigint": 123456789012345678901234567890n,
      "a negative bigint": -1n,
      "a Date": new Date(1_700_000_000_123),
      "a Map": new Map<unknown, unknown>([
        ["a", 1],
        [{ key: true }, new Set([1])],
      ]),
      "a Set": new Set(["a", undefined, 2n]),
      "a RegExp": /a[/]b/giu,
      "a URL": new URL("https://user@example.com:8080/path?q=1#hash"),
      "an ArrayBuffer": new Uint8Array([1, 2, 3]).buffer,
      "a Buffer": Buffer.from("bytes"),
      "a Uint8Array": new Uint8Array([0, 255]),
      "an Int8Array": new Int8Array([-1, 1]),
      "a Uint8ClampedArray": new Uint8ClampedArray([300]),
      "an Int16Array": new Int16Array([-300, 300]),
      "a Uint16Array": new Uint16Array([65_535]),
      "an Int32Array": new Int32Array([-(2 ** 31)]),
      "a Uint32Array": new Uint32Array([2 ** 32 - 1]),
      "a Float32Array": new Float32Array([1.5, Number.NaN]),
      "a Float64Array": new Float64Array([-0, Math.PI]),
      "a BigInt64Array": new BigInt64Array([-1n]),
      "a BigUint64Array": new BigUint64Array([2n ** 64n - 1n]),
      "a text of 31 and of 32 characters": ["x".repeat(31), "x".repeat(32)],
      "a text beyond ASCII": "é☃😀",
      "long texts": ["x".repeat(90), "é".repeat(100), "☃".repeat(30_000)],
      "a member called __proto__": JSON.parse('{"__proto__": {"polluted": true}}') as unknown,
      "a large binary value": new Uint8Array(20_000).fill(7),
      "a large view at an odd place": new Float64Array(new ArrayBuffer(80_008), 8, 10_000),
      "an array of 70,000": Array.from({ length: 70_000 }, (_, index) => index),
      "an object of 20 members": Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`m${index}`, index])),
    })) {
      it(`keep ${name}`, () => {
        const got = valueThere(value);
        expect(got).to.deep.equal(value);
        if (typeof value === "object" && value !== null) {
          expect(Object.getPrototypeOf(got)).to.equal(Object.getPrototypeOf(value));
        }
      });
    }

    it("keep an invalid Date", () => {
      expect((valueThere(new Date(Number.NaN)) as Date).getTime()).to.deep.equal(Number.NaN);
    });

    it("keep errors: class, message, cause, members, and not the stack", () => {
      const cause = new RangeError("beyond");
      const error = Object.assign(new TypeError("no", { cause }), { code: "E_NO", detail: { at: 1 } });
      const got = valueThere(error) as typeof error;
      expect(got).to.be.instanceOf(TypeError).with.property("message", "no");
      expect(got.cause).to.be.instanceOf(RangeError).with.property("message", "beyond");
      expect(got).to.deep.include({ code: "E_NO", detail: { at: 1 } });
      expect(got.stack).to.not.contain("lamp.test");
      const all = valueThere(new AggregateError([new Error("one")], "many")) as AggregateError;
      expect(all.errors[0]).to.be.instanceOf(Error).with.property("message", "one");
    });

    it("make plain objects of instances, and ask toJSON", () => {
      class Point {
        readonly x = 1;
        readonly #secret = 2;
        get sum(): number {
          return this.x + this.#secret;
        }
      }
      expect(valueThere(new Point())).to.deep.equal({ x: 1 });
      class Money {
        toJSON(): unknown {
          return { euros: 5 };
        }
      }
      expect(valueThere([new Money()])).to.deep.equal([{ euros: 5 }]);
    });

    it("never change a prototype", () => {
      const got = valueThere(JSON.parse('{"__proto__": {"polluted": true}}')) as object;
      expect(Object.getPrototypeOf(got)).to.equal(Object.prototype);
      expect((got as { polluted?: boolean }).polluted).to.equal(undefined);
    });

    it("are the same after the way, whatever they are", () => {
      const value = fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        maxDepth: 4,
      });
      fc.assert(
        fc.property(value, (sent) => {
          expect(valueThere(sent)).to.deep.equal(sent);
        }),
      );
    });

    for (const [path, args] of [
      ["args is a symbol", Symbol("s")],
      ["args.a[1] is a function", { a: [1, () => undefined] }],
      ["args.list.b is a Promise", { list: { b: Promise.resolve() } }],
      ['args.get("key")["odd name"] is a symbol', new Map([["key", { "odd name": Symbol("x") }]])],
      ["args.values()[1] is a WeakMap", new Set([1, new WeakMap()])],
      ["args.cause is a function", new Error("x", { cause: () => undefined })],
    ] as const) {
      it(`cannot travel when ${path}, and nothing is sent`, () => {
        const codec = open();
        expect(() => codec.add(call(args)))
          .to.throw(path)
          .that.includes({ code: "BAD_REQUEST", outcome: "not-sent" });
        codec.add(call("next"));
        const received: Message[] = [];
        open().decodeAll(codec.take(0), (message) => received.push(message));
        expect(received).to.have.length(1);
        expect(received[0]).to.include({ method: "echo", args: "next" });
      });
    }

    it("cannot travel in circles, or too deep", () => {
      const circle: Record<string, unknown> = {};
      circle.self = { again: circle };
      expect(() => open().add(call(circle))).to.throw("args.self.again leads back to itself");
      let deep: unknown = 1;
      for (let level = 0; level < 1_000; level++) deep = [deep];
      expect(() => open().add(call(deep))).to.throw("deeper than 128 levels");
    });

    it("are refused by their size, and large binary values count", () => {
      const codec = lampWire.open({ maxMessageBytes: 50_000 }) as BatchingCodec;
      expect(() => codec.add(call(new Uint8Array(60_000))))
        .to.throw("limit is 50000")
        .with.property("code", "TOO_LARGE");
      expect(() => codec.add(call("x"), 10)).to.throw("limit is 10");
      expect(codec.add(call(new Uint8Array(40_000)))).to.be.greaterThan(40_000);
    });
  });

  describe("records", () => {
    it("of one turn share a message, and come out in order", () => {
      const codec = open();
      for (let id = 1; id <= 100; id++) codec.add(call({ id }, { id, timeoutMs: 1_000 }));
      const frames = codec.take(123_456);
      expect(frames).to.have.length(1);
      const got: CallMessage[] = [];
      open().decodeAll(frames, (message) => got.push(message as CallMessage));
      expect(got.map((message) => message.id)).to.deep.equal(Array.from({ length: 100 }, (_, index) => index + 1));
      expect(got.every((message) => message.interface === "demo.echo" && message.sentAt === 123_456)).to.equal(true);
      expect(codec.take(0)).to.deep.equal([]);
    });

    it("name a method once, and by its number from then on", () => {
      const sender = open();
      const receiver = open();
      const sizes = [1, 2, 3].map((id) => {
        sender.add(call(null, { id }));
        const frames = sender.take(0);
        receiver.decodeAll(frames, (message) => {
          expect(message).to.include({ id, interface: "demo.echo", method: "echo" });
        });
        return frames[0]?.length ?? 0;
      });
      expect(sizes[1]).to.equal(sizes[2]);
      expect(sizes[1]).to.be.lessThan((sizes[0] ?? 0) - 10);
    });

    it("keep what is said of earlier tries, and of names", () => {
      const again = { call: "connection-name:7", incarnation: "run", journal: undefined, ageMs: 5, idempotent: false };
      const first = { call: "name-of-a-caller:7", incarnation: "run", journal: "file", ageMs: 0, idempotent: true };
      for (const told of [
        { ...again, isFirst: false, taken: undefined },
        { ...again, journal: "file", isFirst: false, taken: 0 },
        { ...first, isFirst: true, taken: 2 ** 53 - 1 },
      ]) {
        const more = { again: told, sessionId: "s", isPositional: true, isOneWay: true, extensions: { a: { b: 1 } } };
        const [got] = there(call([], { ...more, attachment: new Uint8Array([1]) })) as CallMessage[];
        expect(got).to.deep.include({ ...more, again: told });
        expect([...(got?.attachment ?? [])]).to.deep.equal([1]);
      }
    });

    it("take a call for named only where that is said, and refuse what is no number", () => {
      const sender = open();
      sender.add(
        call(null, { again: { call: "name-of-a-caller:7", incarnation: "run", ageMs: 0, isFirst: true, taken: 3 } }),
      );
      const [frame = new Uint8Array()] = sender.take(0);
      const changed = (name: string, octet: number): CallMessage => {
        const octets = Buffer.from(frame);
        octets[octets.indexOf(name) + name.length] = octet;
        const got: Message[] = [];
        open().decodeAll([octets], (message) => got.push(message));
        return got[0] as CallMessage;
      };
      expect(changed("first", 0xc3).again).to.include({ isFirst: true, taken: 3 });
      for (const octet of [0xc0, 0xc2, 0x01]) expect(changed("first", octet).again?.isFirst).to.equal(false);
      expect(changed("taken", 0xc0).again).to.include({ isFirst: true, taken: 0 });
      for (const octet of [0xff, 0xa0, 0xc3]) {
        expect(() => changed("taken", octet)).to.throw(MalformedMessageError, "no number");
      }
    });

    it("go on naming methods when a call could not be sent", () => {
      const sender = open();
      expect(() => sender.add(call(Symbol("no"), { method: "first" }))).to.throw();
      sender.add(call(1, { method: "second" }));
      sender.add(call(1, { method: "first" }));
      const methods: string[] = [];
      open().decodeAll(sender.take(0), (message) => methods.push((message as CallMessage).method));
      expect(methods).to.deep.equal(["second", "first"]);
    });

    it("carry more methods than have numbers", () => {
      const sender = open();
      for (let index = 0; index < 5_000; index++) sender.add(call(null, { method: `m${index}` }));
      const methods: string[] = [];
      open().decodeAll(sender.take(0), (message) => methods.push((message as CallMessage).method));
      expect(new Set(methods).size).to.equal(5_000);
    });

    it("carry large binary values as frames of their own, without a copy", () => {
      const codec = open();
      const large = Buffer.alloc(16 * 1024, 1);
      codec.add(call({ small: new Uint8Array(100), large }, { attachment: new Uint8Array(20_000) }));
      const frames = codec.take(0);
      expect(frames.map((frame) => frame.length).slice(1)).to.deep.equal([16 * 1024, 20_000]);
      expect(frames[1]?.buffer).to.equal(large.buffer);
    });

    it("carry sessions, extensions, attachments, and every member of an error", () => {
      const more = { sessionId: "s", extensions: { "a.b": [1n] }, attachment: new Uint8Array(0) };
      expect(there(call(1, more))[0]).to.deep.include(more);
      const error: Message = {
        kind: "error",
        id: 4,
        code: "OVERLOADED",
        number: 100_500,
        outcome: "unknown",
        remote: { name: "Stock", message: "none left", stack: "at x", data: { left: 0 }, cause: new Error("why") },
        sessionId: "s",
      };
      const [got] = there(error);
      expect(got).to.deep.include({
        kind: "error",
        code: "OVERLOADED",
        number: 100_500,
        outcome: "unknown",
        sessionId: "s",
      });
      expect((got as typeof error).remote).to.deep.include({ name: "Stock", message: "none left", data: { left: 0 } });
      expect((got as typeof error).remote.cause).to.be.instanceOf(Error);
    });

    it("keep the empty apart from the absent", () => {
      const [none, empty] = there(call(undefined), call(null, { attachment: new Uint8Array(0) })) as CallMessage[];
      expect(none?.attachment).to.equal(undefined);
      expect(none?.args).to.equal(undefined);
      expect(empty?.attachment).to.have.length(0);
      expect(empty?.args).to.equal(null);
    });

    it("tell of ends: hello, cancel, ping, pong, goodbye", () => {
      const said: Message[] = [
        { kind: "hello", versions: [1, 3], incarnation: "abc", connection: "def", maxMessageBytes: 1_000 },
        { kind: "cancel", id: 7 },
        { kind: "ping", token: 1 },
        { kind: "pong", token: 2 ** 40 },
        { kind: "goodbye", code: "DRAINING", text: "closing" },
      ];
      expect(there(...said)).to.deep.equal(said);
    });

    it("leave kinds and members of later versions alone", () => {
      const frame = Buffer.concat([
        Buffer.from([0xc1, 0x4c, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        // A kind 99 with two parts, then a ping with a third one.
        Buffer.from([0x93, 99, 0xa1, 0x78, 0x80, 0x93, 9, 5, 0xa1, 0x79]),
      ]);
      const got: Message[] = [];
      open().decodeAll([frame], (message) => got.push(message));
      expect(got).to.deep.equal([{ kind: "ping", token: 5 }]);
    });
  });

  describe("bytes from outside", () => {
    const header = [0xc1, 0x4c, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const decode = (...octets: number[]): void => {
      open().decodeAll([Buffer.from([...header, ...octets])], () => undefined);
    };

    it("takes no memory for the same octets again and again, as lengths of arrays inside of each other would have it", () => {
      const size = 4 * 1024 * 1024;
      const bytes = Buffer.alloc(size, 0xc0);
      bytes.set([...header, 0x93, 2, 1]);
      let at = header.length + 3;
      for (let level = 0; level < 100; level++) {
        bytes[at] = 0xdd;
        bytes.writeUInt32BE(size - at - 5, at + 1);
        at += 5;
      }
      const before = process.memoryUsage().heapUsed;
      expect(() => {
        open().decodeAll([bytes], () => undefined);
      }).to.throw(MalformedMessageError);
      // A hundred arrays of four million elements would take three gigabytes.
      expect(process.memoryUsage().heapUsed - before).to.be.below(300 * 1024 * 1024);
    });

    for (const [what, octets] of Object.entries({
      "a record that is no array": [0x05],
      "an empty record": [0x90],
      "a call with too few parts": [0x92, 1, 1],
      "a method by a number that was not given": [0x95, 1, 1, 7, 0xc0, 0xc0],
      "a method that gets a number out of turn": [0x95, 1, 1, 0x93, 5, 0xa1, 0x61, 0xa1, 0x62, 0xc0, 0xc0],
      "an array longer than the message": [0x93, 2, 1, 0xdd, 0x7f, 0xff, 0xff, 0xff],
      "a map longer than the message": [0x93, 2, 1, 0xdf, 0x00, 0x10, 0x00, 0x00],
      "a text longer than the message": [0x93, 2, 1, 0xdb, 0xff, 0xff, 0xff, 0xff],
      "a binary value longer than the message": [0x93, 2, 1, 0xc6, 0x00, 0xff, 0xff, 0xff],
      "an unknown extension": [0x93, 2, 1, 0xd4, 77, 0],
      "an extension that holds more than it should": [0x93, 2, 1, 0xc7, 1, 1, 0],
      "a frame that is not there": [0x93, 2, 1, 0xc7, 2, 10, 0, 3],
      "a reference where none can be": [0x93, 2, 1, 0xc7, 1, 11, 1],
      "a bigint that is none": [0x93, 2, 1, 0xc7, 2, 2, 0xa1, 0x78],
      "a RegExp that is none": [0x93, 2, 1, 0xc7, 3, 6, 0xa1, 0x5b, 0xa0],
      "a member whose name is no text": [0x93, 2, 1, 0x81, 1, 1],
      "the octet that msgpack does not use": [0x93, 2, 1, 0xc1],
      "nesting without end": [0x93, 2, 1, ...Array.from({ length: 200 }, () => 0x91)],
    })) {
      it(`refuses ${what}`, () => {
        expect(() => {
          decode(...octets);
        }).to.throw(MalformedMessageError);
      });
    }

    it("takes no memory for lengths that are only claimed", () => {
      const before = process.memoryUsage().rss;
      const claims = Array.from({ length: 100 }, () => [0xdd, 0x01, 0x00, 0x00, 0x00]).flat();
      expect(() => {
        decode(0x93, 2, 1, ...claims);
      }).to.throw(MalformedMessageError);
      expect(process.memoryUsage().rss - before).to.be.lessThan(64 * 1024 * 1024);
    });

    it("become messages or our own error, whatever they are", () => {
      const sender = open();
      sender.add(
        call({ a: [1, "x", new Map([[1n, new Date(0)]])], b: new Error("e", { cause: /x/ }) }, { timeoutMs: 5 }),
      );
      sender.add(
        call(null, { again: { call: "name-of-a-caller:7", incarnation: "run", ageMs: 0, isFirst: true, taken: 3 } }),
      );
      sender.add({ kind: "result", id: 1, result: new Float64Array(3) });
      const [valid = new Uint8Array()] = sender.take(0);
      const mutation = fc.record({
        at: fc.nat(valid.length - 1),
        octets: fc.uint8Array({ maxLength: 8 }),
        cut: fc.nat(8),
      });
      fc.assert(
        fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
          let bytes = Buffer.from(valid);
          for (const { at, octets, cut } of mutations) {
            bytes = Buffer.concat([bytes.subarray(0, at), octets, bytes.subarray(at + cut)]);
          }
          try {
            open().decodeAll([bytes], () => undefined);
          } catch (error) {
            expect(error).to.be.instanceOf(MalformedMessageError);
          }
        }),
        { numRuns: 5_000 },
      );
    });
  });
});
