import { expect } from "chai";
import { AnswerWindow, type AnswerWindowOptions } from "../../../src/peer/answers/answer-window.js";
import type { NamedCalls } from "../../../src/peer/answers/named-calls.js";
import type { NamedExecution, NamedWaiter } from "../../../src/peer/answers/named-execution.js";
import type { CallOrigin } from "../../../src/peer/call-origin.js";
import { lampWire } from "../../../src/wire/lamp/index.js";
import type { AnswerMessage, CallId, EarlierTry } from "../../../src/wire/message.js";
import type { BatchingCodec } from "../../../src/wire/wire.js";

/** The end of a connection, which sends what it is told to. */
class End implements NamedWaiter, CallOrigin {
  readonly wire = lampWire;
  readonly attachments = { wire: "lamp", canStream: true, maxMessageBytes: Infinity };
  readonly connection = this;
  readonly connectionName = undefined;
  readonly label = undefined;
  readonly end = this;
  readonly answers: AnswerMessage[] = [];
  isLost = false;
  readonly #calls: NamedCalls;
  readonly #codec = lampWire.open({ maxMessageBytes: 2 ** 26 }) as BatchingCodec;
  #noted: NamedExecution[] = [];

  constructor(calls: NamedCalls) {
    this.#calls = calls;
  }

  noteAnswer(execution: NamedExecution): void {
    this.#noted.push(execution);
  }

  dropAnswer(execution: NamedExecution): void {
    this.#noted.splice(this.#noted.indexOf(execution), 1);
  }

  respond(answer: AnswerMessage): void {
    this.#codec.add(answer);
    this.answers.push(answer);
  }

  /** What waits leaves. */
  flush(): void {
    const noted = this.#noted;
    this.#noted = [];
    this.#calls.keep(noted, this.#codec.take(0), lampWire);
  }

  peer(): never {
    throw new Error("not here");
  }
}

const NAME = "name-of-a-caller";
const refusal: AnswerMessage = {
  kind: "error",
  id: 0,
  code: "OVERLOADED",
  number: 1,
  outcome: "not-executed",
  tellOutcome: true,
  remote: { message: "busy" },
};

function first(number: number, taken = 0, name = NAME): EarlierTry {
  return { call: `${name}:${number}`, incarnation: "run", ageMs: 0, idempotent: true, isFirst: true, taken };
}

function asked(number: number, more: Partial<EarlierTry> = {}): EarlierTry {
  return { call: `${NAME}:${number}`, incarnation: "run", ageMs: 0, taken: 0, ...more };
}

describe("Calls that their callers have named", () => {
  let now = 0;
  const windows: AnswerWindow[] = [];
  const cancelled: CallId[] = [];

  function open(options: AnswerWindowOptions = {}): { readonly calls: NamedCalls; readonly end: End } {
    const running = {
      holds: () => false,
      cancel: (_connection: object, id: CallId) => {
        cancelled.push(id);
      },
      abandon: () => undefined,
    };
    const window = new AnswerWindow(running, options, () => now);
    windows.push(window);
    return { calls: window.named, end: new End(window.named) };
  }

  /** Carries a call out. */
  function execute(calls: NamedCalls, end: End, again: EarlierTry, result: unknown = again.call): void {
    const id = end.answers.length + 1;
    const origin = calls.begin(again, end, id);
    if (!origin) throw new Error(`${again.call} was used before`);
    origin.respond({ kind: "result", id, result });
  }

  beforeEach(() => {
    now = 1_000_000;
    cancelled.length = 0;
  });

  afterEach(() => {
    for (const window of windows.splice(0)) window.close();
  });

  it("are answered from the messages as they were sent, whatever else stood in them", () => {
    const { calls, end } = open();
    for (const number of [3, 1, 2]) execute(calls, end, first(number));
    end.flush();
    const other = new End(calls);
    for (const number of [1, 2, 3]) expect(calls.repeat(asked(number), "run", other, number + 100)).to.equal("served");
    expect(other.answers.map(({ id }) => id)).to.deep.equal([101, 102, 103]);
    expect(other.answers[2]).to.include({ result: `${NAME}:3` });
  });

  it("are answered while their answer is on its way out", () => {
    const { calls, end } = open();
    execute(calls, end, first(1));
    const other = new End(calls);
    expect(calls.repeat(asked(1), "run", other, 7)).to.equal("served");
    expect(other.answers[0]).to.include({ id: 7, result: `${NAME}:1` });
    end.flush();
    expect(calls.repeat(asked(1), "run", other, 8)).to.equal("served");
    expect(other.answers[1]).to.include({ id: 8, result: `${NAME}:1` });
  });

  it("are answered when nobody was there to be told", () => {
    const { calls, end } = open();
    const origin = calls.begin(first(1), end, 1);
    end.isLost = true;
    origin?.respond({ kind: "result", id: 1, result: "late" });
    expect(end.answers).to.have.length(0);
    const other = new End(calls);
    calls.repeat(asked(1), "run", other, 7);
    expect(other.answers[0]).to.include({ id: 7, result: "late" });
  });

  it("go to whoever has asked last while they are carried out", () => {
    const { calls, end } = open();
    const origin = calls.begin(first(1), end, 1);
    const other = new End(calls);
    expect(calls.repeat(asked(1), "run", other, 7)).to.equal("served");
    windows[0]?.cancel(end, 1, new Error("enough"));
    expect(cancelled).to.deep.equal([]);
    windows[0]?.cancel(other, 7, new Error("enough"));
    expect(cancelled).to.deep.equal([1]);
    origin?.respond({ kind: "result", id: 1, result: "done" });
    expect(end.answers).to.have.length(0);
    expect(other.answers[0]).to.include({ id: 7, result: "done" });
  });

  it("hold no memory when their caller will not ask for them", () => {
    const { calls, end } = open();
    for (let number = 1; number <= 100; number++) {
      execute(calls, end, first(number));
      end.flush();
    }
    expect(calls.size).to.equal(100);
    execute(calls, end, first(101, 60));
    expect(calls.size).to.equal(41);
    // One answer of a message is enough to keep it.
    execute(calls, end, first(102, 60));
    end.flush();
    execute(calls, end, first(103, 101));
    end.flush();
    expect(calls.bytes).to.be.greaterThan(0);
    execute(calls, end, first(104, 103));
    execute(calls, end, first(105, 105));
    end.flush();
    calls.repeat(asked(104, { taken: 105 }), "run", end, 1);
    expect(calls.size).to.equal(0);
    expect(calls.bytes).to.equal(0);
  });

  it("are not known any more, and not executed, once they were taken", () => {
    const { calls, end } = open();
    execute(calls, end, first(1));
    end.flush();
    expect(calls.repeat(asked(1, { taken: 1 }), "run", end, 1)).to.equal("forgotten");
    expect(calls.begin(first(1, 1), end, 2)).to.equal(undefined);
    expect(calls.repeat(asked(2, { taken: 1 }), "run", end, 3)).to.equal("new");
  });

  it("are carried out, and kept by nobody, when they are taken before they end", () => {
    const { calls, end } = open();
    const origin = calls.begin(first(1, 2 ** 53 - 1), end, 1);
    origin?.respond({ kind: "result", id: 1, result: "done" });
    end.flush();
    expect(end.answers).to.have.length(1);
    expect(calls.size + calls.bytes).to.equal(0);
  });

  it("are carried out once under a name", () => {
    const { calls, end } = open();
    const origin = calls.begin(first(1), end, 1);
    expect(calls.begin(first(1), end, 2)).to.equal(undefined);
    origin?.respond({ kind: "result", id: 1, result: "done" });
    expect(calls.begin(first(1), end, 3)).to.equal(undefined);
  });

  it("are not carried out when they arrive after they were asked for, also if that was refused", () => {
    const { calls, end } = open();
    calls.begin(first(9), end, 1);
    expect(calls.repeat(asked(1), "run", end, 2)).to.equal("new");
    calls.adopt(asked(1), end, 2).respond({ ...refusal, id: 2 });
    expect(calls.begin(first(1), end, 3)).to.equal(undefined);
    expect(calls.repeat(asked(1), "run", end, 4)).to.equal("new");
  });

  it("are as new as before when they were refused", () => {
    const { calls, end } = open();
    calls.begin(first(1), end, 1)?.respond({ ...refusal, id: 1 });
    end.flush();
    expect(calls.size).to.equal(0);
    expect(calls.repeat(asked(1), "run", end, 2)).to.equal("new");
  });

  it("tell those that never came from those that are forgotten, each caller's for itself", () => {
    const { calls, end } = open({ maxBytes: 4_000 });
    for (let number = 1; number <= 20; number++) {
      execute(calls, end, first(number), "x".repeat(500));
      end.flush();
    }
    expect(calls.bytes).to.be.within(2_000, 4_000);
    const other = new End(calls);
    expect(calls.repeat(asked(1), "run", other, 1)).to.equal("forgotten");
    expect(calls.repeat(asked(20), "run", other, 2)).to.equal("served");
    expect(calls.repeat(asked(21), "run", other, 3)).to.equal("new");
    const another = { call: "another-caller:1", ageMs: 1e6 };
    expect(calls.repeat(asked(1, another), "run", other, 4)).to.equal("new");
    expect(calls.repeat(asked(21, { incarnation: "other" }), "run", other, 5)).to.equal("elsewhere");
  });

  it("keep their answers when these left in a message that is too large to be kept", () => {
    const { calls, end } = open({ maxBytes: 4_000 });
    execute(calls, end, first(1), "short");
    execute(calls, end, first(2), "x".repeat(2_000));
    end.flush();
    const other = new End(calls);
    calls.repeat(asked(1), "run", other, 1);
    expect(other.answers[0]).to.include({ result: "short" });
    calls.repeat(asked(2), "run", other, 2);
    expect(other.answers[1]).to.include({ code: "REFERENCE_LOST", outcome: "executed" });
    // What could not be kept may be made again.
    expect(calls.repeat(asked(2, { idempotent: true }), "run", other, 3)).to.equal("new");
  });

  it("of a caller that takes nothing cost the others nothing", () => {
    const { calls, end } = open();
    execute(calls, end, first(1, 0, "a-caller-that-died"));
    end.flush();
    for (let number = 1; number <= 110_000; number++) {
      execute(calls, end, first(number), 0);
      if (number % 64 === 0) end.flush();
      end.answers.length = 0;
    }
    expect(calls.size).to.be.lessThan(17_000);
    const other = new End(calls);
    expect(calls.repeat(asked(1, { call: "a-caller-that-died:1" }), "run", other, 1)).to.equal("served");
    expect(calls.repeat(asked(109_000), "run", other, 2)).to.equal("served");
    expect(calls.repeat(asked(1), "run", other, 3)).to.equal("forgotten");
  });

  it("of numbers that nobody would give are bounded as well", () => {
    const { calls, end } = open();
    for (let index = 0; index < 120_000; index++) {
      execute(calls, end, first(2 ** 20 * (index % 100) + index + 1, 0, `caller-${index % 100}-of-many`), 0);
      end.flush();
      end.answers.length = 0;
    }
    expect(calls.size).to.be.at.most(100_000);
  });

  it("are forgotten with their callers, and what is as old counts as forgotten then", () => {
    const { calls, end } = open();
    const running = calls.begin(first(1, 0, "a-caller-that-waits"), end, 1);
    execute(calls, end, first(1));
    end.flush();
    for (let index = 0; index < 11_000; index++) execute(calls, end, first(1, 0, `caller-${index}-of-many`), 0);
    now += 60_000;
    expect(calls.repeat(asked(1, { ageMs: 60_000 }), "run", end, 2)).to.equal("forgotten");
    expect(calls.repeat(asked(2, { ageMs: 0 }), "run", end, 3)).to.equal("new");
    running?.respond({ kind: "result", id: 1, result: "done" });
    const other = new End(calls);
    expect(calls.repeat(asked(1, { call: "a-caller-that-waits:1" }), "run", other, 4)).to.equal("served");
  });
});
