import { expect } from "chai";
import { BadRequestError, RpcError } from "../../../../src/errors.js";
import type { Scope } from "../../../../src/workflow/definition/compiled.js";
import { readCondition } from "../../../../src/workflow/definition/condition.js";
import type { Mapping } from "../../../../src/workflow/definition/definition.js";
import { compileMapping, type MappingReader, readMapping } from "../../../../src/workflow/definition/template.js";

class Account {
  readonly owner = "Ann";
  get secret(): string {
    return this.owner;
  }
  method(): string {
    return "method";
  }
}

const items = [{ id: 7 }, { id: 8 }];
const VALUES: Readonly<Record<string, unknown>> = {
  input: {
    order: { id: "o1", items, note: null, "a b": { "}": 5 }, "it's": 6, '"': 7, "": 8 },
    text: "word",
    number: 1.5,
    big: 12345678901234567890n,
    yes: true,
    map: new Map<unknown, unknown>([
      ["key", { deep: 1 }],
      [0, "zero"],
    ]),
    account: new Account(),
    bytes: new Uint8Array(2),
    date: new Date(0),
    nothing: undefined,
    own: JSON.parse('{ "__proto__": 1, "length": 2 }') as unknown,
  },
  result: [],
};

const scope: Scope = {
  get: (name) => VALUES[name],
  step: (name) => (name === "pay-now" ? { ok: true } : undefined),
};

const valueOf = (mapping: Mapping): unknown => compileMapping(mapping)(scope);

function failureOf(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    return RpcError.from(error);
  }
  throw new Error("It went well");
}

describe("A mapping", () => {
  const references: [reference: string, value: unknown][] = [
    ["input.order.id", "o1"],
    [" input.order.id ", "o1"],
    ["input.order.items[1].id", 8],
    ["input.order.items.length", 2],
    ["input.text.length", 4],
    ['input.order["a b"]["}"]', 5],
    ["input.order['a b']['}']", 5],
    ["input.order['it\\'s']", 6],
    ['input.order["\\""]', 7],
    ['input.order[""]', 8],
    ["input.order.note", null],
    ["input.map.key.deep", 1],
    ["input.map[0]", "zero"],
    ["input.account.owner", "Ann"],
    ["input.own.__proto__", 1],
    ["input.own.length", 2],
    ["steps.pay-now.ok", true],
    ['steps["pay-now"].ok', true],
    ["result.length", 0],
  ];
  for (const [reference, value] of references) {
    it(`leads along ${reference}`, () => {
      expect(valueOf(`\${${reference}}`)).to.equal(value);
    });
  }

  const missing: [reference: string, message: RegExp][] = [
    ["input.oder.id", /input has no member "oder", did you mean "order"\?$/],
    ["input.order.items[2]", /input\.order\.items is a list of 2, and has no member "2"/],
    ["input.order.note.text", /input\.order\.note is null, and has no member "text"/],
    ["input.text.size", /input\.text is a string, and has no member "size"/],
    ["input.number.length", /input\.number is a number/],
    ["input.order.quantity", /input\.order has no member "quantity"; it has id, items, note, a b/],
    ['input.order["a b"].x', /input\.order\["a b"\] has no member "x"/],
    ["input.nothing", /input has no member "nothing"/],
    ["input.constructor", /input has no member "constructor"/],
    ["input.order.__proto__", /has no member "__proto__"/],
    ["input.account.secret", /input\.account has no member "secret"/],
    ["input.account.method", /has no member "method"/],
    ["input.map.size", /input\.map has no member "size"/],
    ["input.text[0]", /is a string/],
    ["steps.refund.id", /the step refund has no result here/],
    ["error.code", /there is no error here/],
  ];
  for (const [reference, message] of missing) {
    it(`fails with BAD_REQUEST, not-sent, at ${reference}, and is null with ?`, () => {
      const error = failureOf(() => valueOf(`\${${reference}}`));
      expect(error).to.be.instanceOf(BadRequestError);
      expect(error.outcome).to.equal("not-sent");
      expect(error.message).to.match(message).and.contain(`\${${reference}}`);
      expect(valueOf(`\${${reference}?}`)).to.equal(null);
    });
  }

  it("hands values on as they are", () => {
    expect(valueOf("${input.order.items}")).to.equal(items);
    expect((valueOf({ a: ["${input.account}"] }) as { a: unknown[] }).a[0]).to.be.instanceOf(Account);
  });

  it("writes values into text", () => {
    const parts = ["text", "number", "big", "yes", "order.note", "order.items", "map.key", "nothing?"];
    expect(valueOf(parts.map((part) => `\${input.${part}}`).join("|"))).to.equal(
      'word|1.5|12345678901234567890|true||[{"id":7},{"id":8}]|{"deep":1}|',
    );
    expect(failureOf(() => valueOf("bytes: ${input.bytes}")).message).to.match(/cannot be written into a text/);
  });

  it("takes $${ for ${", () => {
    expect(valueOf("$${input} costs $5 and $$${input.text} $$")).to.equal("${input} costs $5 and $${input.text} $$");
    expect(valueOf("$${${input.text}}")).to.equal("${word}");
  });

  it("leaves out members that are optional and missing, and keeps places of lists", () => {
    expect(valueOf({ a: "${input.x?}", b: ["${input.x?}", 1], c: "-${input.x?}" })).to.deep.equal({
      b: [null, 1],
      c: "-",
    });
  });

  it("without references is the same value at all times, which cannot be changed, and not what was given", () => {
    const given = { list: [{ a: "$${x}" }], none: undefined } as unknown as Mapping;
    const template = compileMapping(given);
    const value = template(scope) as { list: object[] };
    expect(value).to.deep.equal({ list: [{ a: "${x}" }] });
    expect(template(scope)).to.equal(value);
    expect([value, value.list, value.list[0]].every(Object.isFrozen)).to.equal(true);
    expect(Object.isFrozen(given)).to.equal(false);
  });

  it("makes new objects where it has references", () => {
    const template = compileMapping({ a: "${input.text}" });
    expect(template(scope)).to.deep.equal({ a: "word" });
    expect(template(scope)).to.not.equal(template(scope));
  });

  it("tells its reader of all that it refers to, and where", () => {
    const told: string[] = [];
    const reader: MappingReader = {
      problem: (path, message) => told.push(`${path} ${message}`),
      reference: (path, { root, members, optional }) => told.push([path, root, ...members, optional].join(" ")),
    };
    readMapping({ a: ["${input.a[0]?} and ${result}"] }, "m", reader);
    expect(told).to.deep.equal(["m.a[0] input a 0 true", "m.a[0] result false"]);
  });
});

describe("A condition", () => {
  const problems: string[] = [];
  const reader: MappingReader = {
    problem: (path, message, cure) => problems.push(`${path}: ${message}; ${cure}`),
    reference: () => undefined,
  };
  const holds = (condition: unknown): boolean => readCondition(condition, "when", reader)(scope);

  afterEach(() => {
    expect(problems.splice(0)).to.deep.equal([]);
  });

  const cases: [condition: unknown, holds: boolean][] = [
    ["${input.yes}", true],
    ["${input.order.note}", false],
    ["${input.missing?}", false],
    ["${result}", true],
    ["${input.order['a b']['}']}", true],
    ["${input.order.note}${input.missing?}", false],
    [true, true],
    [null, false],
    [0, false],
    [{ equals: ["${input.order.items}", [{ id: 7 }, { id: 8 }]] }, true],
    [{ equals: ["${input.order.items}", [{ id: 7 }]] }, false],
    [
      {
        equals: [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
      },
      true,
    ],
    [{ equals: [{ a: 1 }, { b: 1 }] }, false],
    [{ equals: ["1", 1] }, false],
    [{ equals: ["${input.date}", "${input.date}"] }, true],
    [{ less: ["${input.number}", 2] }, true],
    [{ less: ["${input.big}", 2] }, false],
    [{ greater: ["${input.big}", "${input.number}"] }, true],
    [{ less: ["a", "b"] }, true],
    [{ greater: ["a", "a"] }, false],
    [{ in: ["${input.text}", ["a", "word"]] }, true],
    [{ in: [{ id: 8 }, "${input.order.items}"] }, true],
    [{ in: ["or", "${input.text}"] }, true],
    [{ in: ["id", "${input.order}"] }, true],
    [{ in: ["toString", "${input.order}"] }, false],
    [{ in: ["key", "${input.map}"] }, true],
    [{ exists: "input.order.id" }, true],
    [{ exists: "${input.order.id}" }, true],
    [{ exists: "${input.order.note}" }, false],
    [{ exists: "input.missing.deep" }, false],
    [{ not: { exists: "input.missing" } }, true],
    [{ all: ["${input.yes}", { not: false }] }, true],
    [{ all: ["${input.yes}", false] }, false],
    [{ any: [false, "${input.yes}"] }, true],
    [{ any: [false, null] }, false],
    [{ any: [true, "${input.missing}"] }, true],
  ];
  for (const [condition, expected] of cases) {
    it(`${JSON.stringify(condition)} is ${expected}`, () => {
      expect(holds(condition)).to.equal(expected);
    });
  }

  it("compares numbers of both kinds by value", () => {
    const both: Scope = { get: (name) => (name === "input" ? 1n : 1), step: () => undefined };
    expect(readCondition({ equals: ["${input}", "${result}"] }, "when", reader)(both)).to.equal(true);
  });

  it("fails with BAD_REQUEST for what cannot be compared", () => {
    expect(failureOf(() => holds({ less: ["${input.text}", 1] }))).to.be.instanceOf(BadRequestError);
    expect(failureOf(() => holds({ less: ["${input.text}", 1] })).message).to.match(/not of the text "word" and 1/);
    expect(failureOf(() => holds({ in: [1, "${input.text}"] })).message).to.match(/not for 1 in the text "word"/);
    expect(failureOf(() => holds("${input.missing}")).message).to.match(/leads nowhere/);
  });
});
