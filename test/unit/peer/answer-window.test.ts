import { expect } from "chai";
import { AnswerWindow, type AnswerWindowOptions, type RunningCalls } from "../../../src/peer/answers/answer-window.js";
import type { AnsweredConnection } from "../../../src/peer/answers/answered-connection.js";
import type { CallOrigin } from "../../../src/peer/call-origin.js";
import { lampWire } from "../../../src/wire/lamp/index.js";
import type { AnswerMessage, CallId, EarlierTry, Frames } from "../../../src/wire/message.js";
import type { BatchingCodec } from "../../../src/wire/wire.js";

/** A message with results, as a host would have sent it. */
function message(...results: (readonly [id: number, value: unknown])[]): Frames {
  const codec = lampWire.open({ maxMessageBytes: 2 ** 20 }) as BatchingCodec;
  for (const [id, result] of results) codec.add({ kind: "result", id, result });
  return codec.take(0);
}

function again(call: string, ageMs = 0): EarlierTry {
  return { call, incarnation: "run", ageMs };
}

/** What a caller gets. */
class Caller implements CallOrigin {
  readonly attachments = { wire: "lamp", canStream: true, maxMessageBytes: Infinity };
  readonly connection = this;
  readonly connectionName = undefined;
  readonly label = undefined;
  readonly answers: AnswerMessage[] = [];

  respond(answer: AnswerMessage): void {
    this.answers.push(answer);
  }

  peer(): never {
    throw new Error("not here");
  }
}

class Running implements RunningCalls {
  readonly calls = new Set<string>();
  readonly ended: string[] = [];

  holds(_connection: object, id: CallId): boolean {
    return this.calls.has(String(id));
  }

  cancel(_connection: object, id: CallId): void {
    this.ended.push(String(id));
  }

  abandon(_connection: object, _reason: Error, isAwaited: (id: CallId) => boolean): void {
    for (const id of this.calls) if (!isAwaited(Number(id))) this.ended.push(id);
  }
}

describe("The answers that a host keeps", () => {
  let now = 1_000;
  const windows: AnswerWindow[] = [];
  const running = new Running();

  function open(options: AnswerWindowOptions = {}): AnswerWindow {
    const window = new AnswerWindow(running, options, () => now);
    windows.push(window);
    return window;
  }

  function connect(window: AnswerWindow, name: string): AnsweredConnection {
    const connection = window.open(name, lampWire, {}, () => {
      if (connection) window.lost(connection);
    });
    if (!connection) throw new Error(`There is a connection ${name} already`);
    connection.lastCall = 10;
    return connection;
  }

  beforeEach(() => {
    now = 1_000;
    running.calls.clear();
    running.ended.length = 0;
  });

  afterEach(() => {
    for (const window of windows.splice(0)) window.close();
  });

  it("hold no memory once they are known to have arrived", () => {
    const window = open();
    const connection = connect(window, "a");
    window.keep(connection, 1, message([1, "one"]));
    window.keep(connection, 2, message([2, "two"]));
    expect(window.bytes).to.be.greaterThan(0);
    window.acknowledged(connection, 1);
    window.acknowledged(connection, 2);
    expect(window.bytes).to.equal(0);
  });

  it("count messages in 32 bits", () => {
    const window = open();
    const connection = connect(window, "a");
    window.keep(connection, 2 ** 32 - 1, message([1, "one"]));
    window.keep(connection, 1, message([2, "two"]));
    window.acknowledged(connection, 0);
    expect(connection.oldest?.number).to.equal(1);
    window.acknowledged(connection, 1);
    expect(connection.oldest).to.equal(undefined);
  });

  it("are found by the call's name, also of several in one message", () => {
    const window = open();
    const connection = connect(window, "a:b");
    window.keep(connection, 1, message([3, "three"], [1, "one"]));
    window.lost(connection);
    const caller = new Caller();
    for (const id of [1, 3]) {
      expect(window.repeat(again(`a:b:${id}`), "run", caller, id + 100, lampWire)).to.equal("served");
    }
    expect(caller.answers[0]).to.include({ kind: "result", id: 101, result: "one" });
    expect(caller.answers[1]).to.include({ kind: "result", id: 103, result: "three" });
  });

  it("end a connection whose calls come over another one", () => {
    const window = open();
    const connection = connect(window, "a");
    window.repeat(again("a:1"), "run", new Caller(), 1, lampWire);
    expect(connection.lostAt).to.equal(now);
  });

  it("tell calls that never came from those that are forgotten", () => {
    const window = open();
    window.lost(connect(window, "a"));
    expect(window.repeat(again("a:11"), "run", new Caller(), 1, lampWire)).to.equal("new");
    expect(window.repeat(again("a:10"), "run", new Caller(), 1, lampWire)).to.equal("forgotten");
    expect(window.repeat(again("unheard:1"), "run", new Caller(), 1, lampWire)).to.equal("new");
  });

  it("are executed once when they come a third time", () => {
    const window = open();
    window.lost(connect(window, "a"));
    const first = new Caller();
    expect(window.repeat(again("a:11"), "run", first, 1, lampWire)).to.equal("new");
    const origin = window.adopt(again("a:11"), first, 1, lampWire);
    const second = new Caller();
    expect(window.repeat(again("a:11"), "run", second, 2, lampWire)).to.equal("served");
    origin.respond({ kind: "result", id: 1, result: "done" });
    expect(first.answers).to.have.length(0);
    expect(second.answers[0]).to.include({ id: 2, result: "done" });
    const third = new Caller();
    expect(window.repeat(again("a:11"), "run", third, 3, lampWire)).to.equal("served");
    expect(third.answers[0]).to.include({ id: 3, result: "done" });
  });

  it("are given up after some time, and what is as old counts as forgotten", () => {
    const window = open({ maxAgeMs: 1_000 });
    window.lost(connect(window, "a"));
    now += 2_000;
    window.lost(connect(window, "b"));
    expect(window.repeat(again("a:11", 2_000), "run", new Caller(), 1, lampWire)).to.equal("forgotten");
    expect(window.repeat(again("unheard:1", 2_000), "run", new Caller(), 1, lampWire)).to.equal("forgotten");
    now += 60_000;
    expect(window.repeat(again("unheard:2", 0), "run", new Caller(), 1, lampWire)).to.equal("new");
  });

  it("take no more room than they may", () => {
    const window = open({ maxBytes: 4_000 });
    const connection = connect(window, "a");
    for (let number = 1; number <= 100; number++) window.keep(connection, number, message([number, "x".repeat(100)]));
    expect(window.bytes).to.be.within(3_000, 4_000);
    window.keep(connection, 101, message([101, "x".repeat(2_000)]));
    connection.lastCall = 101;
    window.lost(connection);
    const caller = new Caller();
    expect(window.repeat(again("a:100"), "run", caller, 1, lampWire)).to.equal("served");
    expect(window.repeat(again("a:1"), "run", caller, 1, lampWire)).to.equal("forgotten");
    expect(window.repeat(again("a:101"), "run", caller, 1, lampWire)).to.equal("forgotten");
  });

  it("know nothing of calls that went elsewhere, but of those that came here from there", () => {
    const window = open();
    const elsewhere = { ...again("x:1"), incarnation: "another" };
    expect(window.repeat(elsewhere, "run", new Caller(), 1, lampWire)).to.equal("elsewhere");
    window.adopt(elsewhere, new Caller(), 1, lampWire).respond({ kind: "result", id: 1, result: "done" });
    const caller = new Caller();
    expect(window.repeat(elsewhere, "run", caller, 2, lampWire)).to.equal("served");
    expect(caller.answers[0]).to.include({ id: 2, result: "done" });
  });

  it("are not what a refused call is told when it is tried once more", () => {
    const window = open();
    window.lost(connect(window, "a"));
    expect(window.repeat(again("a:11"), "run", new Caller(), 1, lampWire)).to.equal("new");
    const refusal: AnswerMessage = {
      kind: "error",
      id: 1,
      code: "OVERLOADED",
      number: 1,
      outcome: "not-executed",
      tellOutcome: true,
      remote: { message: "busy" },
    };
    const caller = new Caller();
    window.adopt(again("a:11"), caller, 1, lampWire).respond(refusal);
    expect(caller.answers[0]).to.include({ code: "OVERLOADED" });
    expect(window.repeat(again("a:11"), "run", new Caller(), 2, lampWire)).to.equal("new");
  });

  it("reach a caller whose call runs for longer than anything is kept", () => {
    const window = open({ maxAgeMs: 1_000 });
    const connection = connect(window, "a");
    running.calls.add("2");
    window.lost(connection);
    const caller = new Caller();
    expect(window.repeat(again("a:2"), "run", caller, 77, lampWire)).to.equal("served");
    now += 5_000;
    window.lost(connect(window, "b"));
    window.late(connection, { kind: "result", id: 2, result: "late" });
    expect(caller.answers[0]).to.include({ id: 77, result: "late" });
  });

  it("belong to a name that nobody else gets", () => {
    const window = open();
    window.lost(connect(window, "a"));
    expect(window.open("a", lampWire, {}, () => undefined)).to.equal(undefined);
  });

  it("are of no use after a goodbye, and calls that run are cancelled", () => {
    const window = open();
    const connection = connect(window, "a");
    window.keep(connection, 1, message([1, "one"]));
    running.calls.add("2");
    window.left(connection);
    expect(window.bytes).to.equal(0);
    expect(running.ended).to.deep.equal(["2"]);
  });

  it("reach a caller who came back for a call that is running, and his giving up reaches the call", () => {
    const window = open();
    const connection = connect(window, "a");
    running.calls.add("2");
    window.lost(connection);
    const caller = new Caller();
    expect(window.repeat(again("a:2"), "run", caller, 77, lampWire)).to.equal("served");
    window.cancel(caller, 77, new Error("enough"));
    expect(running.ended).to.deep.equal(["2"]);
    window.late(connection, { kind: "result", id: 2, result: "late" });
    expect(caller.answers[0]).to.include({ id: 77, result: "late" });
  });
});
