import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openRunJournal, type RunJournalOptions } from "../../src/workflow/journal/open-run-journal.js";
import type { SqliteRunJournal } from "../../src/workflow/journal/sqlite-run-journal.js";
import { collectGarbage } from "../support/garbage.js";
import { generator } from "../support/generator.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { type Child, useProcesses } from "../support/processes.js";
import { line, newRun, state } from "../support/run-journal-suite.js";

const PAGE = 4_096;
const LOG_HEADER = 32;
const FRAME = 24 + PAGE;

describe("A journal of runs when something goes wrong", () => {
  const start = useProcesses();
  let folder = "";
  let file = "";
  const opened: SqliteRunJournal[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lamplighter-"));
    file = join(folder, "runs.journal");
  });

  afterEach(async () => {
    for (const journal of opened.splice(0)) await journal.close();
    rmSync(folder, { recursive: true });
  });

  const open = async (options?: RunJournalOptions, name = file): Promise<SqliteRunJournal> => {
    const journal = await openRunJournal(name, options);
    opened.push(journal);
    return journal;
  };

  const writer = (runs: number, commits: number, sync = "full", limit?: number): Child => {
    const args = ["--import", "tsx", "test/fixtures/run-journal-writer.ts", file, sync, `${runs}`, `${commits}`];
    if (limit === undefined) return start(process.execPath, args);
    return start("/bin/sh", ["-c", `ulimit -S -f ${limit}; exec "$0" "$@"`, process.execPath, ...args]);
  };

  const kill = async (child: Child): Promise<void> => {
    child.process.kill("SIGKILL");
    await child.ended;
  };

  /** All lines of a run, which hang together, and its state, which fits them. */
  async function numbersOf(journal: SqliteRunJournal, id: string): Promise<number> {
    const run = await journal.find(id);
    if (!run) return 0;
    const entries = await journal.history(run.key);
    expect(entries.map(({ number }) => number)).to.deep.equal(entries.map((_, index) => index + 1));
    expect(entries.length % 2, "half a write").to.equal(1);
    expect(run.updatedAt).to.equal(entries.length);
    return entries.length;
  }

  describe("Its write-ahead log", () => {
    /** Files of a process that was killed after so many commits, and where in the log each ends. */
    async function killed(commits: number): Promise<{ main: Buffer; log: Buffer; ends: readonly number[] }> {
      const child = writer(1, commits);
      await child.waitFor(/^done$/m);
      await kill(child);
      const [main, log] = [readFileSync(file), readFileSync(`${file}-wal`)];
      rmSync(file);
      rmSync(`${file}-wal`);
      const ends: number[] = [];
      for (let at = LOG_HEADER; at < log.length; at += FRAME) if (log.readUInt32BE(at + 4) > 0) ends.push(at + FRAME);
      // The run is one, and each write.
      expect(ends).to.have.length(commits + 1);
      return { main, log, ends };
    }

    let copies = 0;

    /** A copy with this log holds exactly so many commits; some are then written to. */
    async function expectCommits(
      name: string,
      main: Buffer,
      log: Buffer,
      commits: number,
      text: string,
    ): Promise<void> {
      const copy = join(folder, name);
      writeFileSync(copy, main);
      writeFileSync(`${copy}-wal`, log);
      const { log: told, lines } = keepLog();
      const journal = await openRunJournal(copy, { log: told, sync: "normal" });
      try {
        expect(journal.setAside, text).to.equal(undefined);
        expect(await numbersOf(journal, "run 0"), text).to.equal(commits === 0 ? 0 : 2 * commits - 1);
        expect(lines("error"), text).to.deep.equal([]);
        if (++copies % 8) return;
        const { run } = await journal.begin(newRun("after"));
        await journal.write([line(run.key, 2)]);
      } finally {
        await journal.close();
        if (copies % 8) rmSync(copy);
      }
      const again = await openRunJournal(copy);
      expect(await again.history((await again.find("after"))?.key ?? 0)).to.have.length(2);
      expect(await numbersOf(again, "run 0"), text).to.equal(commits === 0 ? 0 : 2 * commits - 1);
      await again.close();
      rmSync(copy);
    }

    it("keeps exactly the commits wholly before a cut, wherever it is", async function () {
      this.timeout(120_000);
      const { main, log, ends } = await killed(24);
      const below = generator(7);
      const cuts = new Set([0, 1, LOG_HEADER - 1, LOG_HEADER, log.length - 1, log.length]);
      for (let at = LOG_HEADER; at < log.length; at += FRAME) cuts.add(at);
      for (let count = 0; count < 60; count++) cuts.add(below(log.length));
      for (const end of ends) cuts.add(end - 1);
      for (const cut of cuts) {
        const commits = ends.filter((end) => end <= cut).length;
        await expectCommits("cut.journal", main, log.subarray(0, cut), commits, `cut at ${cut} of ${log.length}`);
      }
    });

    it("keeps exactly the commits before garbage", async function () {
      this.timeout(120_000);
      const { main, log, ends } = await killed(20);
      const below = generator(11);
      for (let count = 0; count < 60; count++) {
        const at = below(log.length);
        const garbled = Buffer.from(log);
        for (let octet = 0; octet <= below(64) && at + octet < log.length; octet++) {
          const before = garbled[at + octet] ?? 0;
          garbled[at + octet] = before ^ (1 + below(255));
        }
        const frame = Math.floor((at - LOG_HEADER) / FRAME) * FRAME + LOG_HEADER;
        const commits = at < LOG_HEADER ? 0 : ends.filter((end) => end <= frame).length;
        await expectCommits("garbled.journal", main, garbled, commits, `garbage at ${at} of ${log.length}`);
      }
      for (const size of [1, FRAME, 10_000]) {
        const longer = Buffer.concat([log, Buffer.from(Array.from({ length: size }, () => below(256)))]);
        await expectCommits("longer.journal", main, longer, ends.length, `${size} octets behind it`);
      }
    });

    it("is set aside when the file that it belongs to is empty", async () => {
      const { log } = await killed(5);
      writeFileSync(file, "");
      writeFileSync(`${file}-wal`, log);
      const { setAside = "" } = await open();
      expect(readFileSync(`${setAside}-wal`).equals(log)).to.equal(true);
    });
  });

  describe("Its damaged file", () => {
    /** A file of some 100 pages, closed. */
    async function filled(name = file): Promise<Buffer> {
      const journal = await openRunJournal(name, { sync: "normal" });
      const event = (text: string) => ({ kind: "done", step: "0", result: text + "x".repeat(300) }) as const;
      for (let index = 0; index < 20; index++) {
        const { run } = await journal.begin(newRun(`run ${index}`));
        await journal.write(
          Array.from({ length: 50 }, (_, at) => line(run.key, at + 2, event(`text ${at} of ${index},`))),
        );
      }
      await journal.close();
      return readFileSync(name);
    }

    const below = generator(3);
    const random = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => below(256)));
    const KINDS: ReadonlyMap<string, (whole: Buffer) => Buffer> = new Map([
      ["whose header is zeroed", (whole) => whole.fill(0, 0, 100)],
      ["whose first page is zeroed", (whole) => whole.fill(0, 0, PAGE)],
      ["whose header is garbage", (whole) => Buffer.concat([random(100), whole.subarray(100)])],
      ["a page of which is zeroed", (whole) => whole.fill(0, 50 * PAGE, 51 * PAGE)],
      ["the last page of which is zeroed", (whole) => whole.fill(0, whole.length - PAGE)],
      ["a page of which is garbage", (whole) => (random(PAGE).copy(whole, 30 * PAGE), whole)],
      ["many pages of which are garbage", (whole) => (random(40 * PAGE).copy(whole, 20 * PAGE), whole)],
      ["that is cut in the middle of a page", (whole) => whole.subarray(0, 20 * PAGE + 1_234)],
      ["that is cut between two pages", (whole) => whole.subarray(0, 60 * PAGE)],
      ["that is cut within its first page", (whole) => whole.subarray(0, 700)],
      ["that is cut within its header", (whole) => whole.subarray(0, 50)],
      ["that is nothing but garbage", (whole) => random(whole.length)],
      ["that is nothing but zeros", (whole) => whole.fill(0)],
    ]);

    for (const [name, damage] of KINDS) {
      it(`, ${name}, is set aside as it is, and a new one begins`, async () => {
        const damaged = damage(await filled());
        writeFileSync(file, damaged);
        const refused = await failureOf(openRunJournal(file, { onDamage: "refuse" }));
        expect(refused).to.include({ code: "CONFIGURATION" });
        expect(refused.message).to.match(/is damaged: .*Nothing was changed/);
        expect(readdirSync(folder)).to.deep.equal(["runs.journal"]);
        expect(readFileSync(file).equals(damaged), "refused").to.equal(true);
        const { log, lines } = keepLog();
        const journal = await open({ log });
        const aside = journal.setAside ?? "";
        expect(aside).to.match(/runs\.journal\.damaged-\d{8}T/);
        expect(lines("error")).to.have.length(1);
        expect(lines("error")[0])
          .to.include(aside)
          .and.to.match(/is damaged: .*a new one begins/);
        expect(readFileSync(aside).equals(damaged), "set aside").to.equal(true);
        expect(await journal.count()).to.deep.equal({});
        await journal.begin(newRun("a"));
        await journal.close();
        const again = await open();
        expect(again.setAside).to.equal(undefined);
        expect(await again.count()).to.deep.equal({ running: 1 });
        await again.close();
        expect(readFileSync(aside).equals(damaged), "in the end").to.equal(true);
        expect(readdirSync(folder)).to.have.length(2);
      });
    }

    it("is set aside with what was written ahead of it, both as they are", async function () {
      this.timeout(60_000);
      const child = writer(20, 700, "normal");
      await child.waitFor(/^done$/m);
      await kill(child);
      const [main, log] = [readFileSync(file), readFileSync(`${file}-wal`)];
      expect(main.length, "some of it was taken over").to.be.greaterThan(100 * PAGE);
      const damaged = random(main.length);
      writeFileSync(file, damaged);
      const files = readdirSync(folder);
      expect(await failureOf(openRunJournal(file, { onDamage: "refuse" }))).to.include({ code: "CONFIGURATION" });
      // What was not closed yet is now.
      collectGarbage();
      expect(readdirSync(folder)).to.deep.equal(files);
      expect(readFileSync(file).equals(damaged)).to.equal(true);
      expect(readFileSync(`${file}-wal`).equals(log)).to.equal(true);
      const { setAside = "" } = await open();
      collectGarbage();
      expect(readFileSync(setAside).equals(damaged)).to.equal(true);
      expect(readFileSync(`${setAside}-wal`).equals(log)).to.equal(true);
    });

    it("is set aside beside others that were", async () => {
      const aside = new Set<string | undefined>();
      for (let count = 0; count < 3; count++) {
        const damaged = (await filled()).fill(0, 0, 100);
        writeFileSync(file, damaged);
        const journal = await open();
        aside.add(journal.setAside);
        await journal.close();
      }
      expect(aside.size).to.equal(3);
      for (const name of aside) expect(existsSync(name ?? "")).to.equal(true);
    });

    it("is found out when it is read, and left as it is until it is opened again", async () => {
      const damaged = await filled();
      // SQLite leaves copies of what it moves.
      for (let at = 0; (at = damaged.indexOf("text 20 of 7,", at)) >= 0; ) damaged.write("T", at);
      writeFileSync(file, damaged);
      const { log, lines } = keepLog();
      // Nothing is wrong with the pages, so that it opens.
      const journal = await open({ log });
      expect(journal.setAside).to.equal(undefined);
      const histories = await Promise.allSettled(
        (await journal.list({})).map(async ({ key }) => await journal.history(key)),
      );
      const failures = histories.flatMap((each) => (each.status === "rejected" ? [each.reason as Error] : []));
      expect(failures).to.have.length(1);
      expect(failures[0]).to.deep.include({ code: "UNAVAILABLE", outcome: "not-executed" });
      expect(failures[0]?.message).to.match(/is damaged: a value in it is not as it was written\. Start .* again/);
      expect(lines("error")).to.have.length(1);
      const refused = await failureOf(journal.begin(newRun("a")));
      expect(refused).to.deep.include({ code: "UNAVAILABLE", outcome: "not-executed" });
      expect(refused.message).to.match(/is damaged/);
      expect(await failureOf(journal.prune({ maxRuns: 0 }))).to.include({ code: "UNAVAILABLE" });
      // What can be read still is.
      expect(await journal.find("run 3")).to.include({ id: "run 3" });
      await journal.close();
      const closed = readFileSync(file);
      const again = await open({ log });
      expect(readFileSync(again.setAside ?? "").equals(closed)).to.equal(true);
      expect(closed.subarray(PAGE).equals(damaged.subarray(PAGE)), "only the header was touched").to.equal(true);
      await again.close();
      expect(readdirSync(folder)).to.have.length(2);
    });

    it("is found out when it is used, if it was too large to be checked", async () => {
      const damaged = await filled();
      random(50 * PAGE).copy(damaged, 20 * PAGE);
      writeFileSync(file, damaged);
      const journal = await open({ checkBelowBytes: 0 });
      const codes = new Set<string>();
      for (let index = 0; index < 20; index++) {
        const read = journal.find(`run ${index}`).then(async (run) => await journal.history(run?.key ?? 0));
        await read.catch((error: unknown) => codes.add((error as { code: string }).code));
      }
      expect([...codes]).to.deep.equal(["UNAVAILABLE"]);
      expect((await failureOf(journal.begin(newRun("a")))).message).to.match(/is damaged/);
      await journal.close();
      // Now it is suspect, and checked however large it is.
      expect((await open({ checkBelowBytes: 0 })).setAside).to.be.a("string");
    });
  });

  describe("A full disk", () => {
    it("refuses what has no room, keeps nothing of it, and goes on when there is room", async () => {
      const journal = await open();
      const { run } = await journal.begin(newRun("a"));
      const { page_count: pages } = journal.database.prepare("PRAGMA page_count").get([]) as { page_count: number };
      journal.database.exec(`PRAGMA max_page_count = ${pages + 10}`);
      const event = { kind: "done", step: "0", result: "x".repeat(5_000) } as const;
      let number = 2;
      let error: Error | undefined;
      for (; !error; number++) {
        await journal.write([line(run.key, number, event)]).catch((reason: unknown) => {
          error = reason as Error;
        });
      }
      const kept = number - 1;
      expect(error).to.deep.include({ code: "UNAVAILABLE", outcome: "not-executed" });
      expect(error.message).to.match(/cannot be written: database or disk is full; runs go on when there is room$/);
      // Each that is given in the same turn is told.
      const large = [1, 2, 3].map((at) =>
        journal.write([line(run.key, number + at, event), state(run.key, "waiting")]),
      );
      const begun = journal.begin(newRun("b", { input: event.result }));
      for (const each of [...large, begun]) expect(await failureOf(each)).to.include({ code: "UNAVAILABLE" });
      expect(await journal.history(run.key)).to.have.length(kept - 1);
      expect(await journal.count()).to.deep.equal({ running: 1 });
      expect(await journal.find("b")).to.equal(undefined);
      journal.database.exec("PRAGMA max_page_count = 1000000");
      await journal.write([line(run.key, kept, event), state(run.key, "waiting")]);
      await journal.begin(newRun("b", { input: event.result }));
      await journal.close();
      const again = await open();
      expect(await again.history(run.key)).to.have.length(kept);
      expect(await again.count()).to.deep.equal({ waiting: 1, running: 1 });
    });

    it("is survived by a process whose files cannot grow, and then can", async function () {
      this.timeout(60_000);
      // Blocks of 512 octets: a file of at most 300 KiB.
      const child = writer(3, 100_000, "full", 600);
      const [, code, outcome, message] = await child.waitFor(/^failed (\S+) (\S+) (.*)$/m);
      expect([code, outcome]).to.deep.equal(["UNAVAILABLE", "not-executed"]);
      expect(message).to.match(/cannot be written: .*; runs go on when there is room$/);
      execFileSync("prlimit", ["--pid", `${child.process.pid ?? 0}`, "--fsize=unlimited"]);
      const kept = [...child.out().matchAll(/^kept 0 (\d+)$/gm)].map(([, number]) => Number(number));
      await child.waitFor(new RegExp(`^kept 0 ${(kept.at(-1) ?? 0) + 100}$`, "m"));
      await kill(child);
      const journal = await open();
      expect(journal.setAside).to.equal(undefined);
      await expectKept(journal, child.out(), 3);
    });
  });

  /** Of each run at least what was said to be kept, and at most one write more. */
  async function expectKept(journal: SqliteRunJournal, out: string, runs: number): Promise<number> {
    let all = 0;
    for (let index = 0; index < runs; index++) {
      const told = [...out.matchAll(new RegExp(`^kept ${index} (\\d+)$`, "gm"))].map(([, number]) => Number(number));
      const numbers = await numbersOf(journal, `run ${index}`);
      expect(numbers, `run ${index}`).to.be.at.least(told.at(-1) ?? 0);
      if (told.length > 0) expect(numbers).to.be.at.most((told.at(-1) ?? 0) + 2);
      all += numbers;
    }
    return all;
  }

  it("keeps all that it said it keeps, each write wholly or not at all, however often it is killed", async function () {
    this.timeout(180_000);
    const below = generator(5);
    const kills = Number(process.env.KILLS ?? 8);
    let lines = 0;
    for (let round = 0; round < kills; round++) {
      const child = writer(8, 1_000_000, round % 2 ? "normal" : "full");
      await child.waitFor(new RegExp(`^${below(2) ? "given" : "settled"} ${below(60)}$`, "m"));
      await kill(child);
      const journal = await open();
      expect(journal.setAside).to.equal(undefined);
      const now = await expectKept(journal, child.out(), 8);
      expect(now).to.be.greaterThan(lines);
      lines = now;
      await journal.close();
    }
  });
});
