import { expect } from "chai";
import { ConfigurationError } from "../../src/errors.js";
import {
  bytes,
  chunked,
  decodeFields,
  encodeBox,
  encodeFields,
  listOf,
  optional,
  parseBoxes,
  requireFields,
  unicode,
} from "../../src/wire/amp/index.js";

const fields = {
  data: chunked(bytes()),
  text: chunked(unicode(), { optional: true }),
  names: chunked(listOf(unicode()), { optional: true }),
};

describe("AMP's values in chunks", () => {
  for (const size of [0, 1, 65_534, 65_535, 65_536, 131_070, 131_071, 5_000_000]) {
    it(`carry ${size} octets`, () => {
      const data = Buffer.alloc(size, "abcdefghijk");
      const box = encodeFields(fields, { data });
      expect(box.size).to.equal(Math.max(1, Math.ceil(size / 65_535)));
      const [come] = parseBoxes(encodeBox(box));
      const read = decodeFields(fields, come ?? new Map());
      expect(Buffer.compare(read.data, data)).to.equal(0);
      expect(read).to.deep.include({ text: null, names: null });
    });
  }

  it("let no other argument have a name that they may use", () => {
    const data = chunked(bytes());
    for (const fields of [
      { data, "data.2": unicode() },
      { "data.17": optional(unicode()), data },
      { data, "data.3": data },
    ]) {
      expect(() => {
        requireFields(fields);
      }).to.throw(ConfigurationError, /"data\.\d+", which is a key that the argument "data" may use/);
    }
    requireFields({
      data,
      "data.1": data,
      "data.02": data,
      "data.x": data,
      "data.2x": data,
      data2: data,
      "dat.2": data,
    });
  });

  it("stand under the name, and under it with a number", () => {
    const box = encodeFields({ data: chunked(bytes()) }, { data: Buffer.alloc(140_000) });
    expect([...box].map(([key, { byteLength }]) => [key, byteLength])).to.deep.equal([
      ["data", 65_535],
      ["data.2", 65_535],
      ["data.3", 8_930],
    ]);
  });

  it("cut texts anywhere, and put them together again", () => {
    const text = `a${"☃".repeat(50_000)}`;
    const box = encodeFields(fields, {
      data: new Uint8Array(0),
      text,
      names: Array.from({ length: 9_000 }, () => "some name"),
    });
    const read = decodeFields(fields, box);
    expect(read.text === text).to.equal(true);
    expect(read.names).to.have.length(9_000);
  });

  it("look like others while they are short", () => {
    const plain = { data: bytes(), text: optional(unicode()) };
    const chunks = { data: chunked(bytes()), text: chunked(unicode(), { optional: true }) };
    const values = { data: Buffer.from("short"), text: "too" };
    expect(encodeBox(encodeFields(chunks, values))).to.deep.equal(encodeBox(encodeFields(plain, values)));
  });

  it("end where a number is missing", () => {
    const box = new Map([
      ["data", Buffer.from("a")],
      ["data.2", Buffer.from("b")],
      ["data.4", Buffer.from("d")],
    ]);
    expect(decodeFields({ data: chunked(bytes()) }, box).data).to.deep.equal(Buffer.from("ab"));
  });

  it("are missed, wrong and too large with a clear error", () => {
    expect(() => encodeFields(fields, {} as never)).to.throw("args.data is missing");
    expect(() => decodeFields(fields, new Map())).to.throw("args.data is missing");
    expect(() => encodeFields(fields, { data: 5 as never })).to.throw(/args\.data is a number/);
    const small = { data: chunked(bytes(), { maxBytes: 10 }) };
    expect(() => encodeFields(small, { data: Buffer.alloc(11) }))
      .to.throw("args.data has 11 octets, the limit is 10")
      .and.include({ code: "TOO_LARGE", outcome: "not-sent" });
    expect(() => chunked(optional(bytes()) as never)).to.throw("chunked(type, { optional: true })");
  });
});
