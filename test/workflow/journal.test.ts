import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openJournal } from "../../src/service/journal/journal.js";
import { closeDatabase, type Database, openDatabase } from "../../src/service/journal/libsql.js";
import { openRunJournal, type RunJournalOptions } from "../../src/workflow/journal/open-run-journal.js";
import type { SqliteRunJournal } from "../../src/workflow/journal/sqlite-run-journal.js";
import { failureOf } from "../support/mesh.js";
import { useProcesses } from "../support/processes.js";
import { line, newRun, runJournalSuite, state } from "../support/run-journal-suite.js";

for (const sync of ["full", "normal"] as const) {
  describe(`A journal of runs in SQLite, ${sync}`, () => {
    runJournalSuite(() => {
      const folder = mkdtempSync(join(tmpdir(), "lamplighter-"));
      return {
        open: (options) => openRunJournal(join(folder, "runs.journal"), { sync, ...options }),
        remove: () => {
          rmSync(folder, { recursive: true });
          return Promise.resolve();
        },
      };
    });
  });
}

describe("The file of a journal of runs", () => {
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
  const digest = (name: string): string => createHash("sha256").update(readFileSync(name)).digest("hex");
  const rows = (database: Database, table: string): number =>
    (database.prepare(`SELECT count(*) AS rows FROM ${table}`).get([]) as { readonly rows: number }).rows;

  async function refused(message: RegExp): Promise<void> {
    const before = [readdirSync(folder), digest(file)];
    const error = await failureOf(openRunJournal(file));
    expect(error).to.include({ code: "CONFIGURATION" });
    expect(error.message).to.match(message);
    expect([readdirSync(folder), digest(file)]).to.deep.equal(before);
  }

  it("is left alone when it is something else", async () => {
    writeFileSync(file, '{ "tasks": {} }');
    await refused(/is no journal of a workflow service, but something else; name another file/);
    writeFileSync(file, Buffer.alloc(5_000, 1));
    await refused(/something else/);
  });

  it("is left alone when it is another application's database", async () => {
    const database = await openDatabase(file);
    database.exec("CREATE TABLE mine (name TEXT); INSERT INTO mine VALUES ('kept'); PRAGMA user_version = 1");
    closeDatabase(database);
    await refused(/another application's database/);
  });

  it("is left alone when it is the journal of a host", async () => {
    const journal = await openJournal(file);
    await journal.begin({ id: "a", ageMs: 0, label: "demo" });
    journal.close();
    await refused(/the journal of the calls of a host/);
  });

  it("is left alone when it is of a newer version", async () => {
    await (await open()).close();
    const database = await openDatabase(file);
    database.exec("PRAGMA user_version = 2");
    closeDatabase(database);
    await refused(/made by a newer version of Lamplighter \(form 2, known is 1\)/);
  });

  it("belongs to one at a time", async () => {
    const first = await open();
    await first.begin(newRun("a"));
    symlinkSync(file, join(folder, "link"));
    for (const name of [file, join(folder, "link")]) {
      const error = await failureOf(openRunJournal(name));
      expect(error).to.include({ code: "CONFIGURATION" });
      expect(error.message).to.match(/in use by this process already/);
    }
    const other = start(process.execPath, ["--import", "tsx", "test/fixtures/run-journal-writer.ts", file]);
    await other.waitFor(/in use by another process/, "err");
    expect(await other.ended).to.equal(1);
    await first.begin(newRun("b"));
    await first.close();
    expect(await (await open()).count()).to.deep.equal({ running: 2 });
  });

  it("cannot be in a folder that is not there, nor be a folder", async () => {
    for (const name of [join(folder, "none", "runs.journal"), folder]) {
      const error = await failureOf(openRunJournal(name));
      expect(error).to.include({ code: "CONFIGURATION" });
      expect(error.message).to.match(/cannot be opened/);
      if (name !== folder) expect(error.message).to.contain(`there is no folder ${join(folder, "none")}; make it`);
    }
  });

  it("may be reached by a link, beside which nothing lies", async () => {
    writeFileSync(file, Buffer.alloc(8_192, 1));
    mkdirSync(join(folder, "elsewhere"));
    const link = join(folder, "elsewhere", "link");
    symlinkSync(file, link);
    const journal = await open({}, link);
    await journal.begin(newRun("a"));
    expect(readFileSync(journal.setAside ?? "")).to.have.length(8_192);
    await journal.close();
    expect(readdirSync(join(folder, "elsewhere"))).to.deep.equal(["link"]);
    expect(await (await open()).count()).to.deep.equal({ running: 1 });
  });

  it("takes over what is written ahead, which stays small, and is alone when it is closed", async () => {
    const journal = await open({ sync: "normal" });
    const { run } = await journal.begin(newRun("a"));
    const event = { kind: "done", step: "0", result: "x".repeat(20_000) } as const;
    for (let number = 2; number < 2_002; number++) await journal.write([line(run.key, number, event)]);
    expect(statSync(file).size).to.be.greaterThan(1_000_000);
    expect(statSync(`${file}-wal`).size).to.be.lessThan(20_000_000);
    // One large transaction makes it large only until the next.
    await journal.write(Array.from({ length: 6_000 }, (_, index) => line(run.key, 3_000 + index, event)));
    for (let number = 9_000; number < 9_003; number++) await journal.write([line(run.key, number, event)]);
    expect(statSync(`${file}-wal`).size).to.be.at.most(64 * 1024 * 1024);
    await journal.close();
    expect(readdirSync(folder)).to.deep.equal(["runs.journal"]);
  });

  it("finds all histories again when its process was killed, however much was written", async () => {
    const first = await open();
    const runs: number[] = [];
    for (const id of ["a", "b", "c"]) runs.push((await first.begin(newRun(id))).run.key);
    // More than is read again when it is opened: some of it the tables know, and some nobody but the lines themselves.
    for (let number = 2; number < 18_000; number += 1_000) {
      await Promise.all(
        runs.map((run) => first.write(Array.from({ length: 1_000 }, (_, index) => line(run, number + index)))),
      );
    }
    const numbers = (await first.history(runs[1] ?? 0)).map(({ number }) => number);
    expect(numbers).to.deep.equal(numbers.map((_, index) => index + 1));
    // A process that is killed leaves the files as they are now.
    for (const suffix of ["", "-wal"]) copyFileSync(`${file}${suffix}`, join(folder, `killed.journal${suffix}`));
    const second = await openRunJournal(join(folder, "killed.journal"), { sync: "normal" });
    for (const run of runs) {
      const found = await second.history(run);
      expect(found.map(({ number }) => number)).to.deep.equal(numbers);
      await second.write([line(run, numbers.length + 1)]);
      expect((await second.history(run, numbers.length)).map(({ number }) => number)).to.deep.equal([
        numbers.length + 1,
      ]);
    }
    await second.close();
  });

  it("holds nothing of runs that were forgotten, also when the process ended meanwhile", async () => {
    const first = await open();
    for (const id of ["a", "b", "c"]) {
      const { run } = await first.begin(newRun(id));
      await first.write([
        ...Array.from({ length: 2_000 }, (_, index) => line(run.key, index + 2)),
        state(run.key, "completed", Date.now()),
      ]);
    }
    const pruning = first.prune({ maxRuns: 0 });
    // It is somewhere in the middle when these are written.
    for (const task of ["a", "b", "c", "d"]) await first.setTask(task, null);
    await first.close();
    await pruning;
    const second = await open();
    expect(rows(second.database, "history"), "interrupted").to.be.within(1, 6_002);
    await second.prune({ maxRuns: 0 });
    for (const table of ["runs", "history", "forgotten"]) expect(rows(second.database, table), table).to.equal(0);
  });

  it("can be copied while it is in use", async () => {
    const journal = await open();
    const { run } = await journal.begin(newRun("a"));
    void journal.write([line(run.key, 2)]);
    const copy = join(folder, "copy of it.journal");
    await journal.backup(copy);
    await journal.write([line(run.key, 3)]);
    const copied = await open({}, copy);
    expect(copied.id).to.equal(journal.id);
    expect(await copied.history(run.key)).to.have.length(2);
    expect(await failureOf(journal.backup(copy))).to.include({ code: "UNAVAILABLE" });
    expect(existsSync(`${copy}.damaged`)).to.equal(false);
    await journal.write([line(run.key, 4)]);
    expect(await journal.history(run.key)).to.have.length(4);
  });
});
