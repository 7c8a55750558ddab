import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { JournaledCall } from "../../../src/peer/once/call-journal.js";
import { type Journal, type JournalOptions, openJournal } from "../../../src/service/journal/journal.js";
import type { AnswerMessage } from "../../../src/wire/message.js";
import { failureOf } from "../../support/mesh.js";

const call = (id: string, ageMs = 0): JournaledCall => ({ id, ageMs, label: "demo.method" });
const answer = (result: unknown): AnswerMessage => ({ kind: "result", id: 0, result });
const resultOf = (entry: Awaited<ReturnType<Journal["begin"]>>): unknown =>
  entry.state === "answered" && entry.answer.kind === "result" ? entry.answer.result : entry.state;

describe("A journal", () => {
  let folder = "";
  const open: Journal[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lamplighter-"));
  });

  afterEach(() => {
    for (const journal of open.splice(0)) journal.close();
    rmSync(folder, { recursive: true });
  });

  const file = (): string => join(folder, "calls.journal");

  async function journal(options?: JournalOptions): Promise<Journal> {
    const opened = await openJournal(file(), options);
    open.push(opened);
    return opened;
  }

  it("knows what has begun and how it ended, also after it was closed and opened", async () => {
    const first = await journal();
    const entries = await Promise.all([first.begin(call("a")), first.begin(call("b")), first.begin(call("c"))]);
    expect(entries.map(resultOf)).to.deep.equal(["new", "new", "new"]);
    await first.end("a", answer({ when: new Date(5), big: 5n, bytes: new Uint8Array(100_000).fill(3) }));
    first.withdraw("c");
    const { id } = first;
    first.close();
    const second = await journal();
    expect(second.id).to.equal(id);
    expect(resultOf(await second.begin(call("a", 5)))).to.deep.equal({
      when: new Date(5),
      big: 5n,
      bytes: new Uint8Array(100_000).fill(3),
    });
    expect(resultOf(await second.begin(call("b", 5)))).to.equal("begun");
    expect(resultOf(await second.begin(call("c", 5)))).to.equal("new");
  });

  it("lets one of two that begin at the same time begin", async () => {
    const opened = await journal();
    const entries = await Promise.all([opened.begin(call("a")), opened.begin(call("a"))]);
    expect(entries.map(resultOf)).to.deep.equal(["new", "begun"]);
  });

  it("keeps effect and answer together, or neither", async () => {
    const opened = await journal();
    opened.database.exec("CREATE TABLE effects (name TEXT)");
    const effect = (name: string) => (): AnswerMessage => {
      opened.database.prepare("INSERT INTO effects VALUES (?)").run(name);
      if (name === "wrong") throw new RangeError("on purpose");
      return answer(name);
    };
    opened.commit(call("a"), effect("right"));
    expect(() => opened.commit(call("b"), effect("wrong"))).to.throw(RangeError);
    expect(opened.commit(call("a", 5), effect("second"))).to.deep.include({ result: "right" });
    expect(opened.database.prepare("SELECT name FROM effects").all()).to.have.length(1);
    expect(opened.look(call("b", 5)).state).to.equal("new");
  });

  it("forgets by count, and knows that it has", async () => {
    const opened = await journal({ maxCalls: 2 });
    for (const [at, id] of ["a", "b", "c", "d"].entries()) await opened.begin(call(id, 4_000 - at * 1_000));
    opened.close();
    const again = await journal({ maxCalls: 2 });
    expect(again.look(call("a", 60_000)).state).to.equal("forgotten");
    expect(again.look(call("d", 60_000)).state).to.equal("begun");
    expect(again.look(call("new", 0)).state).to.equal("new");
  });

  it("forgets by age", async () => {
    (await journal()).close();
    const opened = await journal({ maxAgeMs: 1_000 });
    await opened.begin(call("old", 500_000));
    opened.close();
    const again = await journal({ maxAgeMs: 1_000 });
    expect(again.look(call("old", 500_000)).state).to.equal("forgotten");
  });

  it("tells of an answer that it could not keep that the call was executed", async () => {
    const opened = await journal({ maxAnswerBytes: 1_000 });
    await opened.begin(call("a"));
    await opened.end("a", answer("x".repeat(2_000)));
    const entry = opened.look(call("a", 5));
    expect(entry.state === "answered" && entry.answer).to.include({ code: "REFERENCE_LOST", outcome: "executed" });
  });

  it("begins nothing when it cannot write", async () => {
    const opened = await journal();
    opened.close();
    expect(await failureOf(opened.begin(call("a")))).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
    expect(() => opened.commit(call("a"), () => answer(1))).to.throw("closed");
    await opened.end("a", answer(1));
  });

  it("is no other file", async () => {
    writeFileSync(file(), "something else, and long enough not to be taken for an empty database".repeat(100));
    const error = await failureOf(journal());
    expect(error.code).to.equal("CONFIGURATION");
    expect(error.message).to.include(file());
  });
});
