import { expect } from "chai";
import { type Command, defineCommand } from "../../src/compat/amp/command.js";
import { errorOf } from "../../src/compat/amp/error-of.js";
import {
  BadArgumentsError,
  BadLocalReturnError,
  OnlyOneTlsError,
  ProtocolSwitchedError,
  RemoteAmpError,
} from "../../src/compat/amp/errors.js";
import { failureOf } from "../../src/compat/amp/failure-of.js";
import { AccessDeniedError, BadRequestError, MethodNotFoundError, RemoteError, RpcError } from "../../src/errors.js";
import type { AmpDialect } from "../../src/wire/amp/index.js";

class Problem extends Error {}
class WorseProblem extends Problem {}
class WorstProblem extends WorseProblem {}
class FatalProblem extends Error {}
class MoreFatalProblem extends FatalProblem {}
class Own extends RemoteAmpError {}

const command = defineCommand({
  name: "Fail",
  errors: { BASE_PROBLEM: Problem, WORSE: WorseProblem, DENIED: AccessDeniedError },
  fatalErrors: { FATAL_PROBLEM: FatalProblem },
});
const catchAll = defineCommand({ name: "All", errors: { ANY: Error } });

const unreadable = new Proxy(new Problem("x"), {
  getPrototypeOf() {
    throw new Error("not to be looked at");
  },
  get() {
    throw new Error("not to be read");
  },
});
const withoutText = Object.defineProperty(new Problem(), "message", {
  get() {
    throw new Error("no text");
  },
});

const HIDDEN = { code: "UNKNOWN", description: "Unknown Error", isFatal: true, isDeclared: false };

describe("AMP: what a caller is told", () => {
  const rows: readonly (readonly [string, Command | undefined, unknown, object])[] = [
    ["a class that is declared", command, new Problem("text"), told("BASE_PROBLEM", "text")],
    ["one that extends it", command, new (class extends Problem {})("text"), told("BASE_PROBLEM", "text")],
    ["the nearest of several", command, new WorstProblem("text"), told("WORSE", "text")],
    ["one of our own errors", command, new AccessDeniedError("no"), told("DENIED", "no")],
    ["no text", command, new Problem(), told("BASE_PROBLEM", "")],
    ["a fatal class", command, new FatalProblem("text"), told("FATAL_PROBLEM", "text", true)],
    ["one that extends it", command, new MoreFatalProblem("text"), told("FATAL_PROBLEM", "text", true)],
    ["RemoteAmpError", command, new RemoteAmpError("X", "text"), told("X", "text")],
    ["RemoteAmpError, fatal", command, new RemoteAmpError("X", "text", { fatal: true }), told("X", "text", true)],
    ["one that extends RemoteAmpError", undefined, new Own("X", "text"), told("X", "text")],
    ["RemoteAmpError before what is declared", catchAll, new RemoteAmpError("X", "text"), told("X", "text")],
    ["RemoteAmpError without a code", command, new RemoteAmpError("", "text"), told("UNKNOWN", "text")],
    ["all errors", catchAll, new TypeError("text"), told("ANY", "text")],
    ["what is not declared", command, new TypeError("secret"), HIDDEN],
    ["RemoteAmpError of somebody else", command, new RemoteAmpError("X", "secret", { received: true }), HIDDEN],
    ["no command", undefined, new Problem("secret"), HIDDEN],
    ["wrong arguments, whatever is declared", catchAll, new BadArgumentsError("args.a is missing"), HIDDEN],
    ["a wrong response, whatever is declared", catchAll, new BadLocalReturnError("result.a is missing"), HIDDEN],
    ["null", catchAll, null, HIDDEN],
    ["undefined", catchAll, undefined, HIDDEN],
    ["a text", catchAll, "secret", HIDDEN],
    ["an object without a prototype", catchAll, Object.create(null), HIDDEN],
    ["what cannot be looked at", command, unreadable, HIDDEN],
    ["what has no readable text", command, withoutText, told("BASE_PROBLEM", "")],
    ["a message that is no text", command, Object.assign(new Problem(), { message: 3 }), told("BASE_PROBLEM", "")],
  ];
  for (const [what, asked, thrown, failure] of rows) {
    it(`${what}: ${JSON.stringify(failure)}`, () => {
      expect(failureOf(asked, thrown)).to.deep.equal(failure);
    });
  }

  const dialects: readonly (readonly [string, AmpDialect, unknown, object])[] = [
    [
      "its text, and the connection stays",
      "asyncio-amp",
      new TypeError("text"),
      { description: "text", isFatal: false },
    ],
    ["a thrown text as well", "asyncio-amp", "text", { description: "text", isFatal: false }],
    ["something where there is no text", "asyncio-amp", null, { description: "Unknown Error", isFatal: false }],
    ["something where it cannot be read", "asyncio-amp", unreadable, { description: "Unknown Error", isFatal: false }],
    ["nothing", "twisted", new TypeError("text"), { description: "Unknown Error", isFatal: true }],
  ];
  for (const [what, dialect, thrown, rest] of dialects) {
    it(`of what is not declared, in the dialect ${dialect}: ${what}`, () => {
      expect(failureOf(command, thrown, dialect)).to.deep.equal({ code: "UNKNOWN", isDeclared: false, ...rest });
    });
  }

  it("and by classes that are declared in every dialect", () => {
    expect(failureOf(command, new WorstProblem("text"), "asyncio-amp")).to.deep.equal(told("WORSE", "text"));
    expect(failureOf(command, new FatalProblem("text"), "asyncio-amp")).to.deep.equal(
      told("FATAL_PROBLEM", "text", true),
    );
  });
});

describe("AMP: what a call fails with", () => {
  const where = { method: "Fail", service: "tcp://127.0.0.1:1" };
  const errorFor = (code: string, description: string, asked: Command | undefined = command): Error =>
    errorOf(asked, { kind: "error", tag: "1", code, description }, where);

  it("UNHANDLED: there is no such command, and nothing was run", () => {
    for (const asked of [command, catchAll, undefined]) {
      const error = errorFor("UNHANDLED", "Unhandled Command: b'Fail'", asked);
      expect(error).to.be.instanceOf(MethodNotFoundError);
      expect(error).to.deep.include({ outcome: "not-executed", ...where });
      expect(error).to.have.deep.property("remote", { name: "UNHANDLED", message: "Unhandled Command: b'Fail'" });
      expect(error.message).to.equal('tcp://127.0.0.1:1 has no command "Fail"');
    }
  });

  it("a code that is declared: its class, with the call behind it", () => {
    for (const [code, Class, fatal] of [
      ["BASE_PROBLEM", Problem, false],
      ["WORSE", WorseProblem, false],
      ["FATAL_PROBLEM", FatalProblem, true],
    ] as const) {
      const error = errorFor(code, "text");
      expect(error.constructor).to.equal(Class);
      expect(error.message).to.equal("text");
      expect(error.cause).to.be.instanceOf(RemoteAmpError);
      expect(error.cause).to.deep.include({ code: "UNKNOWN", outcome: "executed", errorCode: code, fatal, ...where });
    }
  });

  it("a code that stands for one of our own errors: that was executed", () => {
    const error = errorFor("DENIED", "no");
    expect(error).to.be.instanceOf(AccessDeniedError);
    expect(error).to.deep.include({ message: "no", outcome: "executed", ...where });
    expect(error).to.have.deep.property("remote", { name: "DENIED", message: "no" });
  });

  it("any other code: RemoteAmpError, with the code that came", () => {
    for (const asked of [command, undefined]) {
      const error = errorFor("WHATEVER", "text", asked);
      expect(error).to.be.instanceOf(RemoteAmpError).and.to.be.instanceOf(RemoteError);
      expect(error).to.deep.include({
        name: "RemoteAmpError",
        code: "UNKNOWN",
        outcome: "executed",
        errorCode: "WHATEVER",
        description: "text",
        fatal: false,
        received: true,
        message: "Fail failed at tcp://127.0.0.1:1: text (WHATEVER)",
        ...where,
      });
    }
    expect(errorFor("", "").message).to.equal("Fail failed at tcp://127.0.0.1:1 ()");
    expect(errorFor("UNKNOWN", "its text").message).to.contain("its text");
  });

  it("a failure that is not told says where to look", () => {
    const error = errorFor("UNKNOWN", "Unknown Error");
    expect(error.message).to.match(/does not tell why: its log has the reason/);
    expect(error).to.deep.include({ description: "Unknown Error", errorCode: "UNKNOWN" });
    const nowhere = errorOf(undefined, { kind: "error", tag: "1", code: "X", description: "" }, { method: "Fail" });
    expect(nowhere.message).to.equal("Fail failed at the peer (X)");
  });

  it("constructors that do something else do not hide what came", () => {
    class Throwing extends Error {
      constructor() {
        super();
        throw new Error("not made");
      }
    }
    class Frozen extends Error {
      constructor(text: string) {
        super(text);
        Object.freeze(this);
      }
    }
    class Other extends Error {
      constructor() {
        super();
        return {} as unknown as Other;
      }
    }
    const odd = defineCommand({ name: "Odd", errors: { A: Throwing, B: Frozen, C: Other } });
    for (const code of ["A", "B", "C"]) {
      expect(errorFor(code, "text", odd))
        .to.be.instanceOf(RemoteAmpError)
        .and.to.include({ errorCode: code });
    }
  });
});

describe("AMP: errors", () => {
  it("say what is known of them", () => {
    expect(new RemoteAmpError("X", "text")).to.deep.include({
      name: "RemoteAmpError",
      message: "text (X)",
      outcome: "executed",
      fatal: false,
    });
    expect(new RemoteAmpError("X", "")).to.include({ message: "X" });
    expect(new RemoteAmpError("X", "text", { message: "other" })).to.include({ message: "other", description: "text" });
    expect(new ProtocolSwitchedError("x")).to.include({ code: "CLOSED", outcome: "not-sent" });
    expect(new OnlyOneTlsError("x")).to.include({ code: "BAD_REQUEST", outcome: "not-sent", name: "OnlyOneTlsError" });
    expect(new BadArgumentsError("x")).to.include({ code: "PROTOCOL", outcome: "not-executed" });
    expect(new BadLocalReturnError("x")).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(new BadLocalReturnError("x")).to.be.instanceOf(RpcError);
  });

  it("have codes of octets only", () => {
    expect(() => new RemoteAmpError("Σ", "text")).to.throw(BadRequestError, /beyond U\+00FF/);
    expect(() => new RemoteAmpError("x".repeat(65_536), "text")).to.throw(BadRequestError, /65535 octets/);
    expect(new RemoteAmpError("ÿ\0", "Σ")).to.include({ errorCode: "ÿ\0", description: "Σ" });
  });
});

function told(code: string, description: string, isFatal = false): object {
  return { code, description, isFatal, isDeclared: true };
}
