import { expect } from "chai";
import { AmpCommand, Command, type CommandLike, commandOf, defineCommand } from "../../src/compat/amp/command.js";
import { ConfigurationError } from "../../src/errors.js";
import { integer, unicode } from "../../src/wire/amp/index.js";

class One extends Error {}
class Two extends Error {}
class Three extends Error {}

/** Definitions as programs in plain JavaScript may write them. */
const define = defineCommand as (definition: unknown) => Command;

describe("AMP: commands", () => {
  it("are what was defined, with defaults, and do not change", () => {
    const fields = { a: integer() };
    const sum = defineCommand({ name: "Sum", arguments: fields });
    expect(sum).to.deep.include({
      name: "Sum",
      requiresAnswer: true,
      idempotent: false,
      quits: false,
      switches: false,
    });
    expect(sum.arguments).to.deep.equal(fields);
    expect(sum.response).to.deep.equal({});
    expect([...sum.errors, ...sum.fatalErrors]).to.deep.equal([]);
    expect(Object.isFrozen(sum)).to.equal(true);
    expect(Object.isFrozen(sum.arguments)).to.equal(true);
    Object.assign(fields, { b: integer() });
    expect(Object.keys(sum.arguments)).to.deep.equal(["a"]);
    expect(Command.is(sum)).to.equal(true);
    expect(Command.is({ name: "Sum" })).to.equal(false);
  });

  it("take names and codes of any octets", () => {
    expect(define({ name: "mapped-command ÿ\0" }).name).to.equal("mapped-command ÿ\0");
    expect([...define({ name: "A", errors: { "¡odd!": One } }).errors.keys()]).to.deep.equal(["¡odd!"]);
    expect(define({ name: "n".repeat(65_535) }).name).to.have.length(65_535);
  });

  it("have the errors of what they extend, and its settings where they say nothing", () => {
    const parent = defineCommand({
      name: "Parent",
      arguments: { a: integer() },
      response: { r: integer() },
      errors: { ONE: One, TWO: Two },
      fatalErrors: { FATAL: Three },
      requiresAnswer: false,
      idempotent: true,
    });
    const child = defineCommand({
      name: "Child",
      extends: parent,
      response: { s: unicode() },
      errors: { MORE: RangeError },
    });
    expect(child).to.deep.include({ name: "Child", requiresAnswer: false, idempotent: true });
    expect(Object.keys({ ...child.arguments, ...child.response })).to.deep.equal(["a", "s"]);
    expect([...child.errors.keys()]).to.deep.equal(["ONE", "TWO", "MORE"]);
    expect([...child.fatalErrors.keys()]).to.deep.equal(["FATAL"]);
    // Its own win: by code, be it of the other table, and by class.
    const own = defineCommand({
      name: "Own",
      extends: parent,
      errors: { FATAL: Three, ONE: RangeError },
      fatalErrors: { OTHER: Two },
    });
    expect(Object.fromEntries(own.errors)).to.deep.equal({ FATAL: Three, ONE: RangeError });
    expect(Object.fromEntries(own.fatalErrors)).to.deep.equal({ OTHER: Two });
  });

  it("can be classes, whose errors add up", () => {
    class Base extends AmpCommand {
      static override readonly commandName = "base-command";
      static override arguments = { a: integer() };
      static override errors = { ONE: One };
      static override readonly idempotent = true;
    }
    class Derived extends Base {
      static override readonly errors = { TWO: Two } as unknown as typeof Base.errors;
      static override fatalErrors = { THREE: Three };
    }
    class Last extends Derived {}
    expect(commandOf(Base).name).to.equal("base-command");
    expect(commandOf(Derived)).to.deep.include({ name: "Derived", idempotent: true });
    expect(Object.fromEntries(commandOf(Last).errors)).to.deep.equal({ ONE: One, TWO: Two });
    expect(Object.fromEntries(commandOf(Last).fatalErrors)).to.deep.equal({ THREE: Three });
    expect(Object.keys(commandOf(Last).arguments)).to.deep.equal(["a"]);
    expect([...commandOf(Base).errors.keys()]).to.deep.equal(["ONE"]);
    // Read once.
    expect(commandOf(Last)).to.equal(commandOf(Last));
    const object = defineCommand({ name: "Object", extends: Last, errors: { MORE: RangeError } });
    expect([...object.errors.keys()]).to.deep.equal(["ONE", "TWO", "MORE"]);
    expect(commandOf(object)).to.equal(object);
  });

  it("can be classes of code that assigns static members", () => {
    const Assigned = class extends AmpCommand {};
    Object.defineProperty(Assigned, "name", { value: "Assigned" });
    Reflect.set(Assigned, "arguments", { a: integer() });
    expect(commandOf(Assigned)).to.deep.include({ name: "Assigned" });
    expect(Object.keys(commandOf(Assigned).arguments)).to.deep.equal(["a"]);
    expect(AmpCommand.arguments).to.deep.equal({});
  });

  const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
    ["no name", {}, /needs a name/],
    ["an empty name", { name: "" }, /needs a name/],
    ["a name that is no text", { name: 3 }, /needs a name/],
    ["a name that is no octets", { name: "Σ" }, /beyond U\+00FF.*Σ/],
    ["a name that is too long", { name: "n".repeat(65_536) }, /65536 octets, the limit is 65535/],
    ["a misspelt option", { name: "A", argument: {} }, /no option "argument", did you mean "arguments"/],
    ["a type that is not called", { name: "A", arguments: { a: unicode } }, /"A", arguments: .*"a".*unicode\(\)/],
    ["a reserved name", { name: "A", response: { _ask: unicode() } }, /"A", response: .*_ask/],
    ["arguments that are a list", { name: "A", arguments: [unicode()] }, /object with types by name/],
    ["arguments that are nothing", { name: "A", arguments: 1 }, /object with types by name/],
    ["errors that are no table", { name: "A", errors: 1 }, /object with classes by code/],
    ["an empty code", { name: "A", errors: { "": One } }, /a code is empty/],
    ["a code that is no octets", { name: "A", fatalErrors: { Σ: One } }, /"A", fatalErrors: .*beyond U\+00FF/],
    ["a code that is too long", { name: "A", errors: { ["c".repeat(65_536)]: One } }, /the limit is 65535/],
    ["a code with a meaning", { name: "A", errors: { UNHANDLED: One } }, /no such command/],
    ["what is no class", { name: "A", errors: { ONE: "One" } }, /"ONE" stands for is no class of errors/],
    ["what is no class of errors", { name: "A", errors: { ONE: Map } }, /is no class of errors/],
    ["an arrow function", { name: "A", errors: { ONE: () => new One() } }, /is no class of errors/],
    ["a code in both", { name: "A", errors: { X: One }, fatalErrors: { X: Two } }, /"X" is either/],
    ["a code and class in both", { name: "A", errors: { X: One }, fatalErrors: { X: One } }, /"X" is either/],
    ["a class with two codes", { name: "A", errors: { X: One, Y: One } }, /One has the codes "X" and "Y"/],
    ["a flag that is none", { name: "A", requiresAnswer: "no" }, /requiresAnswer is true or false/],
    ["quitting and switching", { name: "A", quits: true, switches: true }, /either quits or switches/],
    ["quitting without an answer", { name: "A", quits: true, requiresAnswer: false }, /quits.*requiresAnswer/],
    ["switching without an answer", { name: "A", switches: true, requiresAnswer: false }, /switches.*requiresAnswer/],
    ["switching with a response", { name: "A", switches: true, response: { a: unicode() } }, /no values/],
    ["extending nothing", { name: "A", extends: {} }, /is no command/],
  ];
  for (const [what, definition, text] of mistakes) {
    it(`are refused with ${what}`, () => {
      expect(() => define(definition)).to.throw(ConfigurationError, text);
    });
  }

  it("are refused in classes as well, when they are used", () => {
    class Wrong extends AmpCommand {
      static override arguments = { a: unicode as unknown as ReturnType<typeof unicode> };
    }
    expect(() => commandOf(Wrong)).to.throw(ConfigurationError, /"Wrong", arguments/);
    for (const other of [undefined, null, "Sum", {}, Map, AmpCommand]) {
      expect(() => commandOf(other as CommandLike)).to.throw(ConfigurationError, /no command/);
    }
    expect(() => commandOf(class extends AmpCommand {})).to.throw(ConfigurationError, /needs a name/);
  });
});
