import type { Duplex } from "node:stream";
import { expect } from "chai";
import ts from "typescript";
import { boxMethods } from "../../src/compat/amp/box-methods.js";
import { defineCommand } from "../../src/compat/amp/command.js";
import { CommandLocator, type ResponderEntry, respond } from "../../src/compat/amp/command-locator.js";
import type { ReceivedArguments, SentResponse } from "../../src/compat/amp/command-types.js";
import { BadArgumentsError, BadLocalReturnError } from "../../src/compat/amp/errors.js";
import { type AmpFailure, failureOf } from "../../src/compat/amp/failure-of.js";
import {
  type AmpPeer,
  joinLocators,
  type ResponderContext,
  type ResponderLocator,
} from "../../src/compat/amp/locator.js";
import { Responder } from "../../src/compat/amp/responder-marks.js";
import { locatorsOf, type Responders } from "../../src/compat/amp/responders.js";
import { ConfigurationError } from "../../src/errors.js";
import { type AmpDialect, type Box, integer, optional, unicode } from "../../src/wire/amp/index.js";

const sum = defineCommand({
  name: "Sum",
  arguments: { a: integer({ as: "number" }), b: integer({ as: "number" }) },
  response: { total: integer({ as: "number" }) },
  errors: { ANY: Error },
});
const ping = defineCommand({ name: "Ping" });
const echo = defineCommand({
  name: "echo",
  arguments: { text: optional(unicode()) },
  response: { text: optional(unicode()), kind: unicode() },
});
const change = defineCommand({ name: "Switch", switches: true });

const peer = { callRemote: () => Promise.reject(new Error("nobody calls")) } as Partial<AmpPeer> as AmpPeer;
const contextOf = (command: string, dialect: AmpDialect = "twisted"): ResponderContext => ({
  peer,
  signal: new AbortController().signal,
  command,
  dialect,
});
const box = (values: Readonly<Record<string, string>>): Box =>
  new Map(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)]));
const textsOf = (values: unknown): Record<string, string> =>
  Object.fromEntries([...(values as Box)].map(([key, value]) => [key, Buffer.from(value).toString()]));

/** What becomes of a request. */
async function ask(
  locator: ResponderLocator,
  name: string,
  values: Readonly<Record<string, string>> = {},
  dialect?: AmpDialect,
): Promise<{ readonly answer?: unknown; readonly error?: unknown; readonly failure?: AmpFailure }> {
  const responder = locator.locateResponder(name);
  if (!responder) return {};
  try {
    return { answer: await responder.respond(box(values), contextOf(name, dialect)) };
  } catch (error) {
    return { error, failure: failureOf(responder.command, error, dialect) };
  }
}
const answerOf = async (locator: ResponderLocator, name: string, values: Readonly<Record<string, string>> = {}) =>
  textsOf((await ask(locator, name, values)).answer);

/** Whatever programs in plain JavaScript return. */
const returning = (value: unknown) => () => value as never;

describe("AMP: responders", () => {
  it("get arguments by name and what is known of the request, and return values by name", async () => {
    const seen: unknown[] = [];
    const locator = new CommandLocator([
      respond(sum, ({ a, b }, context) => {
        seen.push(context.command, context.peer === peer, context.signal.aborted);
        return { total: a + b };
      }),
    ]).respond(ping, async () => {
      await Promise.resolve();
    });
    expect(await answerOf(locator, "Sum", { a: "13", b: "81", more: "is read over" })).to.deep.equal({ total: "94" });
    expect(seen).to.deep.equal(["Sum", true, false]);
    expect(await answerOf(locator, "Ping")).to.deep.equal({});
    expect(locator.names).to.deep.equal(["Sum", "Ping"]);
    expect(locator.locateResponder("Sum")?.command).to.equal(sum);
  });

  it("may leave out what is optional, and return more than is declared", async () => {
    const locator = new CommandLocator([
      respond(echo, ({ text }) => ({ text, kind: text === null ? "null" : "text", more: 1 })),
    ]);
    expect(await answerOf(locator, "echo")).to.deep.equal({ kind: "null" });
    expect(await answerOf(locator, "echo", { text: "x" })).to.deep.equal({ text: "x", kind: "text" });
  });

  it("of commands that switch return what takes the connection over", async () => {
    const takeOver = (socket: Duplex): void => void socket.end();
    const locator = new CommandLocator([respond(change, () => takeOver)]);
    expect((await ask(locator, "Switch")).answer).to.equal(takeOver);
    const { error, failure } = await ask(new CommandLocator([respond(change, returning({}))]), "Switch");
    expect(error)
      .to.be.instanceOf(BadLocalReturnError)
      .and.to.match(/"Switch".*no function/);
    expect(failure).to.include({ code: "UNKNOWN", isFatal: true });
  });

  const failures: readonly (readonly [string, ResponderEntry, Record<string, string>, unknown, RegExp])[] = [
    [
      "an argument is missing",
      respond(sum, () => ({ total: 1 })),
      { a: "1" },
      BadArgumentsError,
      /"Sum".*args\.b is missing/,
    ],
    [
      "one cannot be read",
      respond(sum, () => ({ total: 1 })),
      { a: "1", b: "x" },
      BadArgumentsError,
      /args\.b is no integer/,
    ],
    [
      "a value is missing",
      respond(sum, returning({})),
      { a: "1", b: "2" },
      BadLocalReturnError,
      /"Sum".*result\.total is missing/,
    ],
    [
      "one has the wrong type",
      respond(sum, returning({ total: "x" })),
      { a: "1", b: "2" },
      BadLocalReturnError,
      /result\.total/,
    ],
    [
      "nothing is returned",
      respond(sum, returning(undefined)),
      { a: "1", b: "2" },
      BadLocalReturnError,
      /result is undefined/,
    ],
    ["null is returned", respond(ping, returning(null)), {}, BadLocalReturnError, /result is null/],
    ["no object is returned", respond(echo, returning("text")), {}, BadLocalReturnError, /result is a string/],
    [
      "a value is too long",
      respond(echo, () => ({ kind: "x".repeat(65_536) })),
      {},
      BadLocalReturnError,
      /65536 octets/,
    ],
    [
      "values cannot be read",
      respond(echo, () => ({
        get kind(): string {
          throw null as unknown as Error;
        },
      })),
      {},
      BadLocalReturnError,
      /"echo"/,
    ],
  ];
  for (const [what, entry, values, Class, text] of failures) {
    it(`fail without a word to the caller when ${what}, and the connection is closed`, async () => {
      const { error, failure } = await ask(new CommandLocator([entry]), entry.command.name, values);
      expect(error).to.be.instanceOf(Class);
      expect(error).to.match(text);
      expect(error).to.include({ method: entry.command.name });
      expect(failure).to.deep.equal({
        code: "UNKNOWN",
        description: "Unknown Error",
        isFatal: true,
        isDeclared: false,
      });
    });
  }

  it("cannot send empty values to peers of asyncio-amp, who are told so", async () => {
    const locator = new CommandLocator([respond(echo, () => ({ kind: "" }))]);
    expect(await answerOf(locator, "echo")).to.deep.equal({ kind: "" });
    const { error, failure } = await ask(locator, "echo", {}, "asyncio-amp");
    expect(error).to.be.instanceOf(BadLocalReturnError);
    expect(failure)
      .to.include({ code: "UNKNOWN", isFatal: false })
      .and.to.have.property("description")
      .match(/is empty/);
  });

  it("throw what the command declares, at once or later", async () => {
    for (const entry of [
      respond(sum, () => {
        throw new RangeError("at once");
      }),
      respond(sum, () => Promise.reject(new RangeError("later"))),
    ]) {
      const { failure } = await ask(new CommandLocator([entry]), "Sum", { a: "1", b: "2" });
      expect(failure).to.include({ code: "ANY", isDeclared: true, isFatal: false });
    }
  });

  it("are told apart by octets, and never found on what objects inherit", () => {
    const locator = new CommandLocator([respond(sum, () => ({ total: 1 }))]);
    for (const name of ["sum", "SUM", "", "__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(locator.locateResponder(name), name).to.equal(undefined);
    }
  });

  it("are one for each command", () => {
    const entry = respond(sum, () => ({ total: 1 }));
    const other = respond(defineCommand({ name: "Sum" }), () => ({}));
    expect(() => new CommandLocator([entry, other])).to.throw(ConfigurationError, /Two responders.*"Sum"/);
    expect(() => new CommandLocator([entry]).respond(sum, () => ({ total: 1 }))).to.throw(ConfigurationError, /Two/);
    expect(() => respond(sum, 3 as never)).to.throw(ConfigurationError, /"Sum" has to be a function/);
  });
});

class Base {
  readonly name: string = "base";
  @Responder(sum) sum({ a, b }: ReceivedArguments<typeof sum>): SentResponse<typeof sum> {
    return { total: a + b };
  }
  @Responder(echo) echo(): SentResponse<typeof echo> {
    return { kind: this.name };
  }
  @Responder(ping) hiddenBelow(): void {
    throw new Error("never");
  }
  get trap(): never {
    throw new Error("a getter was run");
  }
}
class Derived extends Base {
  override readonly name = "derived";
  @Responder(sum) other({ a, b }: ReceivedArguments<typeof sum>): SentResponse<typeof sum> {
    return { total: a * b };
  }
  override hiddenBelow(): void {
    throw new Error("never");
  }
}

describe("AMP: responders as methods", () => {
  const locate = (responders: Responders, to = peer): ResponderLocator => locatorsOf(responders)(to);

  it("are found in parent classes, and overridden by command", async () => {
    const base = locate(new Base());
    expect(await answerOf(base, "Sum", { a: "3", b: "4" })).to.deep.equal({ total: "7" });
    expect(await answerOf(base, "echo")).to.deep.equal({ kind: "base" });
    expect(base.locateResponder("Ping")).to.not.equal(undefined);
    const derived = locate(new Derived());
    expect(await answerOf(derived, "Sum", { a: "3", b: "4" })).to.deep.equal({ total: "12" });
    expect(await answerOf(derived, "echo")).to.deep.equal({ kind: "derived" });
    expect(derived.locateResponder("Ping"), "a method that is not marked hides one that is").to.equal(undefined);
  });

  it("may answer several commands", async () => {
    const other = defineCommand({ name: "Other" });
    class Both {
      @Responder(ping) @Responder(other) both(): void {
        // Nothing to say.
      }
    }
    const locator = locate(Both);
    expect([await answerOf(locator, "Ping"), await answerOf(locator, "Other")]).to.deep.equal([{}, {}]);
  });

  it("of a class have an instance for each connection, made with its other end", async () => {
    class Counter {
      readonly #peer: AmpPeer;
      #count = 0;
      constructor(from: AmpPeer) {
        this.#peer = from;
      }
      @Responder(sum) next(): SentResponse<typeof sum> {
        return { total: ++this.#count + (this.#peer === peer ? 100 : 0) };
      }
    }
    const make = locatorsOf(Counter);
    const [one, other] = [make(peer), make({ ...peer })];
    const totals: unknown[] = [];
    for (const locator of [one, one, other]) totals.push((await answerOf(locator, "Sum", { a: "0", b: "0" })).total);
    expect(totals).to.deep.equal(["101", "102", "1"]);
  });

  it("can stand in a list with others, of which the first that knows a command answers it", async () => {
    const echoing = respond(echo, () => ({ kind: "entry" }));
    const locator = locate([new Derived(), echoing, boxMethods({ amp_PING: () => box({ raw: "1" }) }), []]);
    expect(await answerOf(locator, "Sum", { a: "3", b: "4" })).to.deep.equal({ total: "12" });
    expect(await answerOf(locator, "echo")).to.deep.equal({ kind: "entry" });
    expect(await answerOf(locator, "Ping")).to.deep.equal({ raw: "1" });
    expect(locator.locateResponder("Nope")).to.equal(undefined);
    expect(locate([]).locateResponder("Sum")).to.equal(undefined);
    expect(await answerOf(locate(echoing), "echo")).to.deep.equal({ kind: "entry" });
    const own = new CommandLocator([echoing]);
    expect(locate(own)).to.equal(own);
    expect(await answerOf(joinLocators(own, locate(new Base())), "echo")).to.deep.equal({ kind: "entry" });
  });

  it("are refused where nothing would be answered, or one of two never", () => {
    class Twice {
      @Responder(ping) one(): void {
        // Nothing to say.
      }
      @Responder(ping) two(): void {
        // Nothing to say.
      }
    }
    class None {
      notMarked(): void {
        // Nothing to say.
      }
    }
    for (const twice of [Twice, new Twice()])
      expect(() => locatorsOf(twice)).to.throw(ConfigurationError, /Two.*"Ping"/);
    for (const none of [None, new None()])
      expect(() => locatorsOf(none)).to.throw(ConfigurationError, /None answers no/);
    expect(() => locatorsOf({})).to.throw(ConfigurationError, /This object answers no command/);
    expect(() => locatorsOf(Object.create(null) as object)).to.throw(ConfigurationError, /This object/);
    expect(() => locatorsOf(() => 1)).to.throw(ConfigurationError, /a function is none/);
    for (const wrong of [undefined, null, "Sum"]) {
      expect(() => locatorsOf(wrong as never)).to.throw(ConfigurationError, /this is none of it/);
    }
    expect(() => locatorsOf([sum])).to.throw(ConfigurationError);
    expect(() => Responder({} as never)).to.throw(ConfigurationError, /no command/);
    expect(() => {
      class Static extends Base {
        @Responder(ping) static ping(): void {
          // Nothing to say.
        }
      }
      return Static;
    }).to.throw(ConfigurationError, /methods of instances only/);
  });

  it("work with legacy decorators", async () => {
    class Legacy {
      sum({ a, b }: ReceivedArguments<typeof sum>): SentResponse<typeof sum> {
        return { total: a - b };
      }
    }
    // As TypeScript calls them with experimentalDecorators.
    const decorate = Responder(sum) as (
      target: object,
      key: string,
      descriptor: PropertyDescriptor | undefined,
    ) => void;
    decorate(Legacy.prototype, "sum", Object.getOwnPropertyDescriptor(Legacy.prototype, "sum"));
    expect(await answerOf(locate(Legacy), "Sum", { a: "3", b: "4" })).to.deep.equal({ total: "-1" });
    expect(() => {
      decorate(Legacy.prototype, "field", undefined);
    }).to.throw(ConfigurationError, /field, which is no method/);
    expect(() => {
      decorate(Legacy, "sum", Object.getOwnPropertyDescriptor(Legacy.prototype, "sum"));
    }).to.throw(ConfigurationError, /no method of instances/);
  });
});

describe("AMP: responders as methods, with legacy decorators", () => {
  it("are accepted by the compiler", () => {
    const { config } = ts.readConfigFile("tsconfig.json", (path) => ts.sys.readFile(path)) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
    const file = "test/fixtures/legacy/amp.ts";
    const program = ts.createProgram([file], { ...options, experimentalDecorators: true });
    const complaints = program.getSemanticDiagnostics(program.getSourceFile(file));
    expect(complaints.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).to.deep.equal([]);
  });
});

describe("AMP: methods that take boxes", () => {
  class Raw {
    readonly #prefix = "raw ";
    amp_SUM(values: Box, { command }: ResponderContext): Box {
      return box({ command, text: this.#prefix + Object.values(textsOf(values)).join() });
    }
    "amp_DASH-ARG"(): Promise<Box> {
      return Promise.resolve(box({}));
    }
    amp_WRONG(): unknown {
      return { a: 1 };
    }
    amp_ALSO_WRONG(): unknown {
      return new Map([["a", "no octets"]]);
    }
    get amp_TRAP(): never {
      throw new Error("a getter was run");
    }
    other(): void {
      throw new Error("never");
    }
  }

  it("are found by the name in upper case, which is of ASCII", async () => {
    const locator = boxMethods(new (class extends Raw {})());
    for (const name of ["Sum", "sum", "SUM"]) {
      expect(await answerOf(locator, name, { a: "1", b: "2" })).to.deep.equal({ command: name, text: "raw 1,2" });
    }
    expect(await answerOf(locator, "dash-arg")).to.deep.equal({});
    for (const name of ["trap", "other", "", "__proto__", "constructor", "toString", "amp_SUM", "ſum"]) {
      expect(locator.locateResponder(name), name).to.equal(undefined);
    }
    expect(locator.locateResponder("Sum")?.command).to.equal(undefined);
  });

  it("fail without a word when they return no box", async () => {
    for (const name of ["wrong", "also_wrong"]) {
      const { error, failure } = await ask(boxMethods(new Raw()), name);
      expect(error)
        .to.be.instanceOf(BadLocalReturnError)
        .and.to.match(/returned no box/);
      expect(failure).to.include({ code: "UNKNOWN", isFatal: true });
    }
  });

  it("are refused where none could be called", () => {
    expect(() => boxMethods({})).to.throw(ConfigurationError, /no methods named amp_/);
    expect(() => boxMethods({ amp_Sum: () => box({}) })).to.throw(
      ConfigurationError,
      /amp_Sum is never called.*amp_SUM/,
    );
  });
});
