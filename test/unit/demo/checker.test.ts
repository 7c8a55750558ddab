import { expect } from "chai";
import { Checker, type Told } from "../../../examples/demo/checker.js";

/** Violations of one call that was told of and written down like this. */
function found(told: Told | undefined, executions: number, idempotent = told?.idempotent ?? false): readonly string[] {
  const checker = new Checker();
  if (told) checker.tell("call", told);
  for (let run = 1; run <= executions; run++) checker.execute({ id: "call", idempotent, by: `provider ${run}` });
  checker.settle();
  return checker.violations;
}

describe("Checker of the demo", () => {
  // By what the caller was told of a method that must not run twice: numbers of executions that are right.
  const RIGHT: Record<Told["outcome"], readonly number[]> = {
    success: [1],
    executed: [1],
    unknown: [0, 1],
    "not-sent": [0],
    "not-executed": [0],
  };
  for (const [outcome, right] of Object.entries(RIGHT)) {
    for (const executions of [0, 1, 2]) {
      const verdict = right.includes(executions) ? "accepts" : "refuses";
      it(`${verdict} "${outcome}" of a call that was executed ${executions} times`, () => {
        const told = { idempotent: false, outcome: outcome as Told["outcome"] };
        expect(found(told, executions)).to.have.length(right.includes(executions) ? 0 : 1);
      });
    }
  }

  for (const executions of [1, 2, 3]) {
    it(`accepts the success of an idempotent call that was executed ${executions} times`, () => {
      expect(found({ idempotent: true, outcome: "success" }, executions)).to.deep.equal([]);
    });
  }

  it("refuses the success of an idempotent call that was never executed", () => {
    expect(found({ idempotent: true, outcome: "success" }, 0)).to.have.length(1);
  });

  for (const outcome of ["not-sent", "not-executed", "unknown", "executed"] as const) {
    it(`refuses an idempotent call that failed with "${outcome}"`, () => {
      expect(found({ idempotent: true, outcome }, outcome === "executed" ? 1 : 0)).to.have.length(1);
    });
  }

  it("refuses an execution that nobody called for", () => {
    expect(found(undefined, 1)).to.have.length(1);
  });

  it("refuses a call that hangs, and one that settles twice", () => {
    const checker = new Checker();
    checker.hang("slow", 15_000);
    checker.tell("twice", { idempotent: false, outcome: "unknown" });
    checker.tell("twice", { idempotent: false, outcome: "unknown" });
    expect(checker.violations).to.have.length(2);
    expect(checker.violations[0]).to.contain("15000 ms");
  });

  it("says what the caller was told, and who executed the call", () => {
    const told: Told = { idempotent: false, outcome: "not-executed", message: "DRAINING The service is shutting down" };
    expect(found(told, 2)).to.deep.equal([
      "call: it was to be executed 0 times; the caller was told not-executed (DRAINING The service is shutting down); " +
        "executions written down: 2, by provider 1, provider 2",
    ]);
  });

  describe("over several batches", () => {
    const put = { idempotent: false, by: "a" };

    it("finds a second execution of a call that had succeeded in an earlier batch", () => {
      const checker = new Checker();
      checker.tell("put", { idempotent: false, outcome: "success" });
      checker.execute({ id: "put", ...put });
      checker.settle();
      expect(checker.violations).to.deep.equal([]);
      checker.execute({ id: "put", ...put });
      checker.settle();
      expect(checker.violations).to.have.length(1);
    });

    it("finds a late execution of a call that was told not to be sent", () => {
      const checker = new Checker();
      checker.tell("put", { idempotent: false, outcome: "not-sent" });
      checker.settle();
      checker.execute({ id: "put", ...put });
      checker.settle();
      expect(checker.violations).to.have.length(1);
    });

    it("accepts one late execution of an unknown call, and finds the second", () => {
      const checker = new Checker();
      checker.tell("put", { idempotent: false, outcome: "unknown" });
      checker.settle();
      checker.execute({ id: "put", ...put });
      checker.settle();
      expect(checker.violations).to.deep.equal([]);
      checker.execute({ id: "put", ...put });
      checker.settle();
      expect(checker.violations).to.have.length(1);
    });

    it("accepts a late try of an idempotent call that had succeeded", () => {
      const checker = new Checker();
      checker.tell("get", { idempotent: true, outcome: "success" });
      checker.execute({ id: "get", idempotent: true, by: "b" });
      checker.settle();
      checker.execute({ id: "get", idempotent: true, by: "a" });
      checker.settle();
      expect(checker.violations).to.deep.equal([]);
    });

    it("reports each wrong call once", () => {
      const checker = new Checker();
      checker.tell("put", { idempotent: false, outcome: "not-executed" });
      checker.execute({ id: "put", ...put });
      for (let batch = 0; batch < 3; batch++) checker.settle();
      expect(checker.violations).to.have.length(1);
    });

    it("forgets what failed when all providers that may have got it have ended", () => {
      const checker = new Checker();
      checker.tell("put", { idempotent: false, outcome: "unknown" });
      checker.settle({ newest: 4, oldest: 3 });
      checker.settle({ newest: 5, oldest: 4 });
      expect(checker.size).to.equal(1);
      checker.settle({ newest: 6, oldest: 5 });
      expect(checker.size).to.equal(0);
      expect(checker.violations).to.deep.equal([]);
    });

    it("forgets what succeeded and keeps what failed", () => {
      const checker = new Checker();
      for (let call = 0; call < 1_000; call++) {
        checker.tell(`put-${call}`, { idempotent: false, outcome: call % 100 === 0 ? "unknown" : "success" });
        checker.execute({ id: `put-${call}`, ...put });
      }
      checker.settle();
      expect(checker.size).to.equal(10);
    });
  });
});
