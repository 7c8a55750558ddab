import { expect } from "chai";
import { CircuitBreaker } from "../../../src/client/breaker.js";
import { backoffMs, combineOutcomes, mayRetry, RetryBudget } from "../../../src/client/retry-policy.js";
import { type ErrorCode, type Outcome, RpcError, rpcError } from "../../../src/errors.js";

describe("mayRetry()", () => {
  const rows: [ErrorCode, Outcome, boolean, boolean][] = [
    // code, outcome, tried again, tried again when idempotent
    ["UNAVAILABLE", "not-sent", true, true],
    ["SERVICE_NOT_FOUND", "not-sent", true, true],
    ["OVERLOADED", "not-sent", true, true],
    ["BAD_REQUEST", "not-sent", false, false],
    ["CANCELLED", "not-sent", false, false],
    ["CLOSED", "not-sent", false, false],
    ["DRAINING", "not-executed", true, true],
    ["OVERLOADED", "not-executed", true, true],
    ["SERVICE_NOT_FOUND", "not-executed", false, false],
    ["METHOD_NOT_FOUND", "not-executed", false, false],
    ["ACCESS_DENIED", "not-executed", false, false],
    ["SESSION_EXPIRED", "not-executed", false, false],
    ["UNAVAILABLE", "unknown", false, true],
    ["TIMEOUT", "unknown", false, true],
    ["PROTOCOL", "unknown", false, false],
    ["UNKNOWN", "executed", false, false],
    ["UNAVAILABLE", "executed", false, false],
  ];
  for (const [code, outcome, plain, idempotent] of rows) {
    it(`${plain ? "tries" : "does not try"} ${code}, ${outcome} again; ${idempotent ? "does" : "does not"} when idempotent`, () => {
      const error = rpcError(code, "x", { outcome });
      expect([mayRetry(error, false), mayRetry(error, true)]).to.deep.equal([plain, idempotent]);
    });
  }
});

describe("combineOutcomes()", () => {
  const rows: [Outcome | undefined, Outcome, Outcome][] = [
    [undefined, "not-sent", "not-sent"],
    ["unknown", "not-sent", "unknown"],
    ["unknown", "not-executed", "unknown"],
    ["not-executed", "not-sent", "not-executed"],
    ["unknown", "executed", "executed"],
    ["not-sent", "unknown", "unknown"],
  ];
  for (const [earlier, latest, together] of rows) {
    it(`knows of ${String(earlier)} and then ${latest}: ${together}`, () => {
      expect(combineOutcomes(earlier, latest)).to.equal(together);
    });
  }
});

describe("RetryBudget", () => {
  it("spends what was saved up and what calls have earned, and no more", () => {
    const budget = new RetryBudget(0.5, 2);
    expect([budget.spend(), budget.spend(), budget.spend()]).to.deep.equal([true, true, false]);
    budget.earn();
    expect(budget.spend()).to.equal(false);
    budget.earn();
    expect(budget.spend()).to.equal(true);
  });
});

describe("backoffMs()", () => {
  it("grows with each try up to the cap, anything from zero on", () => {
    expect([1, 2, 3, 20].map((attempt) => backoffMs(attempt, 100, () => 1))).to.deep.equal([30, 60, 100, 100]);
    expect(backoffMs(5, 100, () => 0)).to.equal(0);
  });
});

describe("CircuitBreaker", () => {
  it("opens after failures in a row, lets one trial through when its time is up, and closes when that succeeds", () => {
    let now = 1;
    const breaker = new CircuitBreaker(() => now, { threshold: 2, openMs: 100 });
    breaker.fail();
    expect(breaker.closed).to.equal(true);
    breaker.fail();
    expect(breaker.closed).to.equal(false);
    now += 100;
    expect(breaker.closed).to.equal(true);
    breaker.enter();
    expect(breaker.closed, "others wait for the trial").to.equal(false);
    breaker.succeed();
    expect(breaker.closed).to.equal(true);
  });

  it("stays open longer each time the trial fails", () => {
    let now = 1;
    const breaker = new CircuitBreaker(() => now, { threshold: 1, openMs: 100 });
    breaker.fail();
    now += 100;
    breaker.enter();
    breaker.fail();
    now += 199;
    expect(breaker.closed).to.equal(false);
    now += 1;
    expect(breaker.closed).to.equal(true);
  });
});

describe("RpcError", () => {
  it("recognises errors of another copy of the package by their brand", () => {
    const foreign = Object.assign(new Error("x"), { name: "ServiceNotFoundError", code: "SERVICE_NOT_FOUND" });
    expect(foreign).to.not.be.instanceOf(RpcError);
    Object.defineProperty(foreign, Symbol.for("lamplighter.RpcError"), { value: true });
    expect(foreign).to.be.instanceOf(RpcError);
    expect(RpcError.from(foreign)).to.equal(foreign);
  });

  it("takes its name from its class, and keeps the cause", () => {
    const cause = new Error("behind");
    const error = rpcError("ACCESS_DENIED", "no", { cause });
    expect([error.name, error.number, error.cause]).to.deep.equal(["AccessDeniedError", 5, cause]);
    expect(RpcError.from("text").message).to.equal('Something that is no Error was thrown: "text"');
  });
});
