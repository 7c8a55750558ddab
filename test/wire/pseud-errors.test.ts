import { expect } from "chai";
import { ConfigurationError, ProtocolError } from "../../src/errors.js";
import { decodeBody } from "../../src/wire/pseud/decode-value.js";
import { encodeBody } from "../../src/wire/pseud/encode-value.js";
import { decodeErrorBody, encodeErrorBody } from "../../src/wire/pseud/error-body.js";
import { ErrorNames, sendableName } from "../../src/wire/pseud/error-names.js";
import { TranslationTable } from "../../src/wire/pseud/translation-table.js";
import { pseudVectors } from "../support/pseud-vectors.js";

const TABLE = new TranslationTable();
const vector = (name: string) => {
  const found = pseudVectors().find((one) => one.name === `error/${name}/1-error`);
  if (!found) throw new Error(`There is no vector ${name}`);
  const told = found.decoded as { error_class: string; message: string; traceback: string };
  return { octets: Buffer.from(found.hex, "hex"), told };
};
const failed = (name?: string, more: { message?: string; stack?: string } = {}) => ({
  code: "UNKNOWN" as const,
  outcome: "executed" as const,
  remote: { message: "text", ...(name !== undefined && { name }), ...more },
});

describe("Errors of the pseud wire", () => {
  describe("from Python", () => {
    for (const { name, hex, decoded } of pseudVectors().filter((one) => one.name.startsWith("error/"))) {
      it(`reads ${name}, and would write it so`, () => {
        const told = decoded as { error_class: string; message: string; traceback: string };
        const octets = Buffer.from(hex, "hex");
        const { outcome, remote } = decodeErrorBody(octets);
        expect(outcome).to.equal("executed");
        expect(remote.name).to.equal(told.error_class);
        expect(remote.message).to.equal(told.message === "" ? told.error_class : told.message);
        expect(remote.stack).to.equal(told.traceback);
        const items = { name: told.error_class, message: told.message, traceback: told.traceback };
        expect(decodeBody(encodeErrorBody(items), TABLE)).to.deep.equal(decodeBody(octets, TABLE));
      });
    }

    it("knows the two of the library and timeouts; others are the job's own", () => {
      const codeOf = (name: string) => {
        const { code, number } = decodeErrorBody(encodeErrorBody({ name, message: "m", traceback: "" }));
        return [code, number];
      };
      expect(codeOf("ServiceNotFoundError")).to.deep.equal(["METHOD_NOT_FOUND", 2]);
      expect(codeOf("UnauthorizedError")).to.deep.equal(["ACCESS_DENIED", 5]);
      expect(codeOf("TimeoutError")).to.deep.equal(["TIMEOUT", 1]);
      for (const name of ["ValueError", "TypeError", "OutOfPaint", "constructor", "__proto__"]) {
        expect(codeOf(name)).to.deep.equal(["UNKNOWN", 1]);
      }
    });

    it("tells a name that was not found from a job that met with such an error", () => {
      const { octets } = vector("unknown-method");
      expect(decodeErrorBody(octets, (name) => name === "no.such.method")).to.include({
        code: "METHOD_NOT_FOUND",
        outcome: "not-executed",
      });
      expect(decodeErrorBody(octets, (name) => name === "other")).to.include({
        code: "METHOD_NOT_FOUND",
        outcome: "executed",
      });
      expect(decodeErrorBody(vector("ValueError").octets, (name) => name === "boom")).to.include({
        outcome: "executed",
      });
    });

    it("has no stack without a traceback, and takes texts of Python 2", () => {
      const octets = encodeBody([Buffer.from("ValueError"), "é", ""], TABLE, "error");
      const { remote } = decodeErrorBody(octets);
      expect(remote).to.deep.equal({ name: "ValueError", message: "é" });
    });

    for (const [what, value] of Object.entries({
      "two texts": ["a", "b"],
      "four texts": ["a", "b", "c", "d"],
      "something else than texts": ["a", 1, "c"],
      "octets that are no text": ["a", Buffer.of(0xff), "c"],
      "no array": "abc",
    })) {
      it(`refuses ${what}`, () => {
        expect(() => decodeErrorBody(encodeBody(value, TABLE, "error"))).to.throw(ProtocolError);
      });
    }
  });

  describe("to Python", () => {
    const names = new ErrorNames();

    it("have the names that Python has for what went wrong", () => {
      for (const [code, name] of [
        ["METHOD_NOT_FOUND", "ServiceNotFoundError"],
        ["BAD_REQUEST", "TypeError"],
        ["ACCESS_DENIED", "UnauthorizedError"],
        ["TIMEOUT", "TimeoutError"],
        ["UNAVAILABLE", "ConnectionError"],
        ["DRAINING", "ConnectionRefusedError"],
        ["SESSION_EXPIRED", "SessionExpiredError"],
        ["UNKNOWN", "Exception"],
        ["CLOSED", "Exception"],
      ] as const) {
        expect(names.itemsOf({ ...failed(), code }).name, code).to.equal(name);
      }
    });

    it("keep the names of JavaScript, but that of Error", () => {
      for (const name of ["TypeError", "RangeError", "OutOfPaint", "orders.OutOfStock"]) {
        expect(names.itemsOf(failed(name)).name).to.equal(name);
      }
      expect(names.itemsOf(failed("Error")).name).to.equal("Exception");
    });

    it("have the names that the application gives", () => {
      const own = new ErrorNames({ RangeError: "ValueError", BAD_REQUEST: "ValueError", Error: "RuntimeError" });
      expect(own.itemsOf(failed("RangeError")).name).to.equal("ValueError");
      expect(own.itemsOf(failed("Error")).name).to.equal("RuntimeError");
      expect(own.itemsOf({ ...failed(), code: "BAD_REQUEST" }).name).to.equal("ValueError");
      expect(own.itemsOf(failed("constructor")).name).to.equal("constructor");
    });

    it("are never called as something that would end the peer", () => {
      for (const name of ["UnicodeDecodeError", "StopIteration", "SystemExit", "print", "None", "exit", "__class__"]) {
        expect(names.itemsOf(failed(name)).name).to.equal(`${name}_`);
        expect(() => new ErrorNames({ Error: name }), name).to.throw(ConfigurationError, name);
      }
      expect(sendableName("")).to.equal("Exception");
      expect(() => new ErrorNames({ Error: "" })).to.throw(ConfigurationError);
      for (const name of ["KeyError", "StopAsyncIteration", "Exception", "UnicodeError", "toString"]) {
        expect(sendableName(name)).to.equal(name);
      }
    });

    it("say nothing but the name when that is not found, as Python does", () => {
      const answer = { ...failed(), code: "METHOD_NOT_FOUND" as const };
      expect(names.itemsOf({ ...answer, outcome: "not-executed" }, "no.such").message).to.equal("no.such");
      expect(names.itemsOf({ ...answer, outcome: "executed" }, "no.such").message).to.equal("text");
      expect(names.itemsOf({ ...answer, outcome: "not-executed" }).message).to.equal("text");
    });

    it("end the last line of their traceback, if they have one", () => {
      expect(names.itemsOf(failed("A", { stack: "A: text\n    at b" })).traceback).to.equal("A: text\n    at b\n");
      expect(names.itemsOf(failed("A", { stack: "at\n" })).traceback).to.equal("at\n");
      expect(names.itemsOf(failed("A")).traceback).to.equal("");
    });

    it("can always be written", () => {
      const octets = encodeErrorBody(names.itemsOf(failed("\ud800", { message: "\udc00", stack: "\ud800" })));
      expect(decodeBody(octets, TABLE)).to.deep.equal(["\ufffd", "\ufffd", "\ufffd\n"]);
    });
  });
});
