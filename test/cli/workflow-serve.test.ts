import { join } from "node:path";
import { expect } from "chai";
import { defineInterface, RemoteError } from "../../src/index.js";
import { useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";

const SERVICE = "/demo/workflow/1";
/** As it stands in the example of PyCOM. */
const CHAIN = {
  tasks: {
    task1: [{ interface: "demo.interface.1" }, { interface: "demo.interface.2" }, { interface: "demo.interface.3" }],
  },
};

describe("lamplighter workflow serve", () => {
  const mesh = useMesh();
  const command = useCommand();
  let nameserver = "";
  let number = 0;

  beforeEach(async () => {
    ({ address: nameserver } = await mesh.nameserver());
  });

  const json = (value: unknown, name = "tasks.json"): string => command.file(name, JSON.stringify(value));
  const newJournal = (): string => join(command.folder(), `runs-${number++}.db`);
  const workflow = (verb: string, ...words: string[]) => command.run(["workflow", verb, "-n", nameserver, ...words]);
  const startService = async (files: readonly string[], flags: readonly string[] = [], journal = newJournal()) => {
    const args = ["workflow", "serve", ...files, "-n", nameserver, "-s", SERVICE, "--journal", journal, ...flags];
    const child = command.start(args);
    await command.ready(child);
    return child;
  };
  const provide = async (name: string, run: (value: unknown) => unknown) => {
    await mesh.host([defineInterface(name, { methods: { task1: run } })], { nameserver, service: `/${name}` });
  };
  const provideChain = async () => {
    for (const one of [1, 2, 3]) {
      await provide(`demo.interface.${one}`, (value) => `${typeof value === "string" ? value : "given"}>${one}`);
    }
  };

  it("runs the chain of a file, shows it, and drains on SIGTERM", async () => {
    await provideChain();
    const child = await startService([json(CHAIN)]);
    expect(await workflow("start", SERVICE, "task1", '"x"', "--id", "r", "--wait")).to.include({
      status: 0,
      out: '"x>1>2>3"\n',
    });
    const shown = await workflow("show", SERVICE, "r");
    expect(shown.out).to.match(/^r {2}task1 {2}completed/);
    expect(shown.out.match(/^✔ .*demo\.interface\.\d/gm)).to.have.length(3);
    expect(shown.out).to.contain('result: "x>1>2>3"');
    expect((await workflow("list", SERVICE)).out).to.match(/^r\ttask1\tcompleted\t/);
    expect((await workflow("history", SERVICE, "r")).out).to.match(/^1\t\S+\tbegun[^]*\tcompleted\t\t\n$/);
    expect((await workflow("wait", SERVICE, "r")).out).to.equal('"x>1>2>3"\n');
    expect((await command.run(["call", "-n", nameserver, "lamplighter.workflow", "task1", '"y"'])).out).to.equal(
      '"y>1>2>3"\n',
    );
    child.process.kill("SIGTERM");
    expect(await child.ended).to.equal(0);
    expect(child.out()).to.match(/^ready tcp:\/\/\S+\n$/);
  });

  it("goes on with a run after kill -9, and who waits for it gets the result", async () => {
    await provideChain();
    const journal = newJournal();
    const file = json({
      tasks: { slow: [{ wait: { event: "go" } }, { interface: "demo.interface.1", method: "task1" }] },
    });
    const first = await startService([file], [], journal);
    const waiting = command.start(["workflow", "start", "-n", nameserver, SERVICE, "slow", "--id", "r", "--wait"]);
    await waiting.waitFor(/run: r/, "err");
    first.process.kill("SIGKILL");
    await first.ended;
    await waiting.waitFor(/is waited for/, "err");
    await startService([file], [], journal);
    expect((await workflow("deliver", SERVICE, "go", '"!"', "--run", "r")).out).to.equal("r\n");
    expect(await waiting.ended).to.equal(0);
    expect(waiting.out()).to.equal('"!>1"\n');
  });

  it("takes functions and definitions from modules, and functions beside a file", async () => {
    const module = command.file(
      "flows.mjs",
      `export const flow = { tasks: { twice: [{ code: "double" }] } };
       export function double(value) { return value * 2; }
       export class NotThis {}`,
    );
    const more = command.file("more.mjs", "export const plus = (value) => value + 1;");
    await startService([module, json({ tasks: { next: [{ code: "plus" }] } })], ["--code", more]);
    expect((await workflow("start", SERVICE, "twice", "21", "--wait")).out).to.equal("42\n");
    expect((await workflow("start", SERVICE, "next", "1", "--wait")).out).to.equal("2\n");
  });

  it("fails, is retried, asks, is answered and is cancelled from the command line", async () => {
    let isBroken = true;
    await provide("demo.interface.1", () => {
      if (isBroken) throw new RemoteError("No money", { number: 100500 });
      return "paid";
    });
    await startService([
      json({
        tasks: {
          order: [
            { name: "pay", interface: "demo.interface.1", method: "task1" },
            { name: "ok", wait: { approval: "Ship it?", choices: ["yes", "no"] } },
          ],
        },
      }),
    ]);
    const failed = await workflow("start", SERVICE, "order", "--id", "r", "--wait");
    expect(failed.status).to.equal(1);
    expect(failed.err).to.match(/No money[^]*100500/);
    expect((await workflow("show", SERVICE, "r")).out).to.match(/✖ pay[^]*failed at pay: .*No money/);
    isBroken = false;
    expect((await workflow("retry", SERVICE, "r")).out).to.equal("r\trunning\n");
    const waiting = command.start(["workflow", "wait", "-n", nameserver, SERVICE, "r"]);
    await waiting.waitFor(/Ship it\?[^]*workflow resume \S+ r yes/, "err");
    expect((await workflow("resume", SERVICE, "r", "maybe")).status).to.equal(1);
    expect((await workflow("resume", SERVICE, "r", "yes")).status).to.equal(0);
    expect(await waiting.ended).to.equal(0);
    expect(waiting.out()).to.equal('"yes"\n');
    await workflow("start", SERVICE, "order", "--id", "other");
    expect((await workflow("cancel", SERVICE, "other", "--reason", "not wanted")).status).to.equal(0);
    const cancelled = await workflow("wait", SERVICE, "other");
    expect(cancelled.status).to.equal(1);
    expect(cancelled.err).to.contain("not wanted");
    expect((await workflow("list", SERVICE, "--state", "cancelled")).out).to.match(/^other\t/);
  });

  it("defines, lists and removes tasks and schedules while it runs", async () => {
    await provideChain();
    await startService([json(CHAIN)]);
    const defined = await workflow("define", SERVICE, json({ tasks: { more: [{ value: 5 }] } }, "more.json"));
    expect(defined.out).to.match(/^more\t/m);
    expect((await workflow("start", SERVICE, "more", "--wait")).out).to.equal("5\n");
    const bad = await workflow("define", SERVICE, json({ tasks: { more: [{ valu: 5 }] } }, "bad.json"));
    expect(bad.status).to.equal(1);
    expect(bad.err).to.match(/valu/);
    expect((await workflow("schedule", SERVICE, "daily", "--task", "more", "--cron", "0 7 * * *")).status).to.equal(0);
    expect((await workflow("schedules", SERVICE)).out).to.match(/^daily\tmore\t0 7 \* \* \*\tUTC\t/);
    expect((await workflow("remove", SERVICE, "more")).status).to.equal(1);
    expect((await workflow("unschedule", SERVICE, "daily")).status).to.equal(0);
    expect((await workflow("remove", SERVICE, "more")).status).to.equal(0);
    expect((await workflow("tasks", SERVICE)).out).to.match(/^task1\t\S+\t\n$/);
  });

  it("ends with 2 for a bad definition with all that is wrong, for modules that offer nothing, and for missing names", async () => {
    const bad = json({ tasks: { a: [{ interfac: "x" }], b: [{ task: "nobody" }] } }, "bad.json");
    const serve = (...words: string[]) => workflow("serve", ...words);
    const wrong = await serve(bad, "-s", SERVICE, "--journal", newJournal());
    expect(wrong).to.include({ status: 2, out: "" });
    expect(wrong.err).to.match(/bad\.json: tasks\.a\[0\][^]*bad\.json: tasks\.b\[0\]/);
    const file = json(CHAIN);
    const cases: [string[], RegExp][] = [
      [[file, "--journal", "x.db"], /-s \/demo\/workflow\/1/],
      [[file, "-s", SERVICE], /--journal FILE/],
      [[file, "-s", SERVICE, "--journal", "x.db", "--keep", "some"], /--keep wants/],
      [[file, "-s", SERVICE, "--journal", "x.db", "--sync", "some"], /sync/],
      [["missing.json", "-s", SERVICE, "--journal", newJournal()], /no such file/],
      [["missing.mjs", "-s", SERVICE, "--journal", newJournal()], /no module missing\.mjs/],
      [[command.file("none.mjs", "export const a = 1;"), "-s", SERVICE, "--journal", newJournal()], /exports no defin/],
      [[file, "--code", command.file("no.mjs", "export {};"), "-s", SERVICE, "--journal", newJournal()], /no function/],
    ];
    for (const [words, message] of cases) {
      const result = await serve(...words);
      expect(result, words.join(" ")).to.include({ status: 2, out: "" });
      expect(result.err).to.match(message);
    }
  });

  it("ends with 1 when the name is taken", async () => {
    await startService([json(CHAIN)]);
    const taken = await workflow("serve", json(CHAIN), "-s", SERVICE, "--journal", newJournal());
    expect(taken).to.include({ status: 1, out: "" });
    expect(taken.err).to.match(/taken/);
  });

  describe("check", () => {
    it("prints the tasks of what is right, also across files", async () => {
      const one = json({ tasks: { a: [{ task: "b" }] } }, "one.json");
      const two = command.file("two.yaml", "tasks:\n  b:\n    - value: 1\n");
      expect(await command.run(["workflow", "check", one, two])).to.include({ status: 0, out: "a\nb\n" });
    });

    it("with -n warns of interfaces that nobody provides and of methods that are not there", async () => {
      await provide("demo.interface.1", () => null);
      const file = json({
        tasks: { a: [{ interface: "demo.interface.1", method: "task2" }, { interface: "no.body" }] },
      });
      const checked = await workflow("check", file);
      expect(checked).to.include({ status: 0, out: "a\n" });
      expect(checked.err)
        .to.match(/^warning: a, step 0: .*task2/m)
        .and.match(/^warning: a, step 1: .*no\.body/m);
      const { warnings } = JSON.parse((await workflow("check", file, "--json")).out) as {
        warnings: { task: string }[];
      };
      expect(warnings.map(({ task }) => task)).to.deep.equal(["a", "a"]);
    });

    it("tells all that is wrong in all files with 2, as lines or as JSON", async () => {
      const files = [
        json({ tasks: { a: [{ interfac: "x" }], c: [{ code: "nobody" }] } }, "one.json"),
        json({ tasks: { b: [{ value: "${steps.x}" }] } }, "two.json"),
        "missing.json",
      ];
      const told = await command.run(["workflow", "check", ...files]);
      expect(told).to.include({ status: 2, out: "" });
      for (const where of [
        /one\.json: tasks\.a\[0\]/,
        /one\.json: tasks\.c\[0\]/,
        /two\.json: tasks\.b\[0\]/,
        /missing\.json/,
      ]) {
        expect(told.err).to.match(where);
      }
      const { status, out } = await command.run(["workflow", "check", "--json", ...files]);
      expect(status).to.equal(2);
      const { problems } = JSON.parse(out) as { problems: { file: string; path: string; cure: string }[] };
      expect(problems.length).to.be.at.least(4);
      expect(problems[0]).to.include.keys("file", "path", "message", "cure");
    });
  });
});
