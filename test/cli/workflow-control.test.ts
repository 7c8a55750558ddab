import { expect } from "chai";
import { ON_TERMINAL, useCommand } from "../support/command.js";
import { FakeControl, stepOf } from "../support/fake-control.js";
import { useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

const SERVICE = "/flow";
const NO_MONEY = { code: "UNKNOWN", number: 100500, message: "No money", outcome: "executed", step: "pay" } as const;

describe("lamplighter workflow, for those who look after runs", () => {
  const mesh = useMesh();
  const command = useCommand();
  let control = new FakeControl();
  let nameserver = "";

  beforeEach(async () => {
    control = new FakeControl();
    ({ address: nameserver } = await mesh.nameserver());
    await mesh.host([control.definition], { nameserver, service: SERVICE });
  });

  const args = (verb: string, ...words: string[]): string[] => ["workflow", verb, "-n", nameserver, SERVICE, ...words];
  const run = (verb: string, ...words: string[]) => command.run(args(verb, ...words));
  const begin = (verb: string, ...words: string[]) => command.start(args(verb, ...words));
  const given = (method: string) => control.asked.filter((one) => one.method === method).map((one) => one.given);

  describe("start", () => {
    it("prints the id of the run, of one's own or a random one, and nothing else", async () => {
      const own = await run("start", "order", '{"a":1}', "--id", "mine");
      expect(own).to.deep.equal({ status: 0, out: "mine\n", err: "" });
      const random = await run("start", "order");
      expect(random.out).to.match(/^[0-9a-f-]{36}\n$/);
      expect(given("start")).to.deep.equal([
        { task: "order", input: { a: 1 }, id: "mine" },
        { task: "order", input: null, id: random.out.trim() },
      ]);
    });

    it("--wait prints the result as call does, or ends as call does when the run fails", async () => {
      const good = begin("start", "order", "--id", "good", "--wait");
      await good.waitFor(/run: good/, "err");
      control.change("good", { state: "completed", result: { sum: 3n } });
      expect(await good.ended).to.equal(0);
      expect(good.out()).to.equal('{"sum":"3"}\n');
      const bad = begin("start", "order", "--id", "bad", "--wait");
      await bad.waitFor(/run: bad/, "err");
      control.change("bad", { state: "failed", error: NO_MONEY });
      expect(await bad.ended).to.equal(1);
      expect(bad.err()).to.match(/No money[^]*UNKNOWN 100500, outcome: executed[^]*workflow show \/flow bad/);
    });

    it("--wait that is interrupted says that the run goes on, and how to look at it", async () => {
      const child = begin("start", "order", "--id", "long", "--wait");
      await child.waitFor(/run: long/, "err");
      await until(() => given("wait").length > 0);
      child.process.kill("SIGINT");
      expect(await child.ended).to.equal(4);
      expect(child.out()).to.equal("");
      expect(child.err()).to.match(/long goes on[^]*lamplighter workflow show \/flow long/);
    });

    it("ends with 1 for an unknown task, 2 for what is no JSON, 3 where there is no service", async () => {
      const unknown = await run("start", "unknown");
      expect(unknown.status).to.equal(1);
      expect(unknown.err).to.contain("workflow tasks /flow").and.not.contain("did you mean");
      expect((await run("start", "order", "{")).status).to.equal(2);
      const nobody = await command.run(["workflow", "start", "-n", nameserver, "/nobody", "order"]);
      expect(nobody.status).to.equal(3);
      expect(nobody.err).to.contain("list --interface lamplighter.workflow");
    });
  });

  describe("wait", () => {
    it("waits through a restart of the service, says what is asked, and prints the result", async () => {
      control.add({
        id: "r",
        state: "waiting",
        questions: [{ step: "ok", kind: "approval", text: "Well?", choices: ["yes"], since: Date.now() }],
      });
      const { address } = await mesh.nameserver();
      const first = await mesh.host([control.definition], { nameserver: address, service: "/two", drainTimeoutMs: 1 });
      const child = command.start(["workflow", "wait", "-n", address, "/two", "r"]);
      await child.waitFor(/Well\?[^]*workflow resume \/two r yes/, "err");
      await first.close();
      await child.waitFor(/is waited for/, "err");
      await mesh.host([control.definition], { nameserver: address, service: "/two" });
      control.change("r", { state: "completed", result: 7, questions: [] });
      expect(await child.ended).to.equal(0);
      expect(child.out()).to.equal("7\n");
    });

    it("ends with 4 when --timeout passes first, 1 when there is no such run", async () => {
      control.add({ id: "r" });
      const late = await run("wait", "r", "--timeout", "200");
      expect(late.status).to.equal(4);
      expect(late.err).to.contain("goes on");
      const unknown = await run("wait", "nobody");
      expect(unknown.status).to.equal(1);
      expect(unknown.err).to.contain("workflow list /flow").and.not.contain("workflow show");
    });

    it("shows to the run where a step of it found no service, not to the workflow services", async () => {
      control.add({
        id: "r",
        state: "failed",
        error: { code: "SERVICE_NOT_FOUND", message: "nobody provides shop", outcome: "not-sent", step: "0" },
      });
      const { status, err } = await run("wait", "r");
      expect(status).to.equal(1);
      expect(err).to.contain("workflow show /flow r").and.not.contain("--interface");
    });

    it("takes a run that failed with TIMEOUT for one that failed", async () => {
      control.add({ id: "r", state: "failed", error: { code: "TIMEOUT", message: "too slow", outcome: "executed" } });
      const failed = await run("wait", "r");
      expect(failed.status).to.equal(1);
      expect(failed.err).to.contain("too slow");
    });
  });

  describe("list", () => {
    it("prints runs, the newest first, by task and state, as lines or as JSON", async () => {
      control.add({ id: "a", startedAt: 1_000, state: "failed", endedAt: 2_500, error: NO_MONEY });
      control.add({ id: "b\u001b[2J", startedAt: 2_000 });
      control.add({ id: "c", startedAt: 3_000, task: "other" });
      const lines = (await run("list")).out.split("\n").map((line) => line.split("\t").slice(0, 4));
      expect(lines).to.deep.equal([
        ["c", "other", "running", "1970-01-01 00:00:03Z"],
        ["b?[2J", "order", "running", "1970-01-01 00:00:02Z"],
        ["a", "order", "failed", "1970-01-01 00:00:01Z"],
        [""],
      ]);
      expect((await run("list", "--state", "failed", "asking")).out).to.equal(
        "a\torder\tfailed\t1970-01-01 00:00:01Z\t1.5 s\tNo money\n",
      );
      const json = await run("list", "--json", "--task", "order", "--limit", "1");
      expect(JSON.parse(json.out)).to.have.length(1);
      const since = await run("list", "--since", "2026-01-02T00:00:00Z", "--before", "5", "--after", "c");
      expect(since.status).to.equal(0);
      expect(given("list").at(-1)).to.deep.equal({ since: Date.UTC(2026, 0, 2), before: 5, after: "c" });
      expect((await run("list", "--count")).out).to.equal("running\t2\nfailed\t1\n");
    });

    it("ends with 2 for wrong flags", async () => {
      for (const words of [
        ["--state", "done"],
        ["--limit", "0"],
        ["--limit", "1001"],
        ["--since", "soon"],
      ]) {
        expect((await run("list", ...words)).status, words.join(" ")).to.equal(2);
      }
    });
  });

  describe("show", () => {
    it("draws the chain, in plain text through a pipe and with NO_COLOR, coloured on a terminal", async () => {
      control.add({ id: "r", steps: [stepOf("pay", { state: "done", startedAt: 5, endedAt: 17, attempts: 1 })] });
      const piped = await run("show", "r");
      expect(piped.out).to.match(/^r {2}order {2}running {2}began .*\n\n✔ pay: demo\.pay {2}12 ms\n$/);
      const terminal = await command.run(args("show", "r"), { env: { ...ON_TERMINAL, NO_COLOR: undefined } });
      expect(terminal.out).to.contain("\u001b[32m✔");
      const plain = await command.run(args("show", "r"), { env: { ...ON_TERMINAL, NO_COLOR: "1" } });
      expect(plain.out).to.contain("✔ pay").and.not.contain("\u001b");
      expect(JSON.parse((await run("show", "r", "--json")).out)).to.include({ id: "r", state: "running" });
    });

    it("--follow prints what happens through a restart, each once, and the drawing at the end", async () => {
      control.add({ id: "r" });
      const { address } = await mesh.nameserver();
      const first = await mesh.host([control.definition], { nameserver: address, service: "/two", drainTimeoutMs: 1 });
      const child = command.start(["workflow", "show", "-n", address, "/two", "r", "--follow"]);
      await child.waitFor(/begun/);
      control.change("r", {}, { kind: "started", step: "pay", attempt: 1 });
      await child.waitFor(/started {2}pay/);
      await first.close();
      await child.waitFor(/is waited for/, "err");
      await mesh.host([control.definition], { nameserver: address, service: "/two" });
      control.change("r", { state: "completed", result: 5 }, { kind: "ended", state: "completed" });
      expect(await child.ended).to.equal(0);
      expect(child.out().match(/begun/g)).to.have.length(1);
      expect(child.out()).to.match(/completed\n\nr {2}order {2}completed[^]*result: 5\n$/);
    });

    it("--follow draws in place on a terminal, and ends with 0 when interrupted", async () => {
      control.add({ id: "r" });
      const child = command.start(args("show", "r", "--follow"), { env: ON_TERMINAL });
      await child.waitFor(/running/);
      control.change("r", { state: "waiting" }, { kind: "started", step: "pay", attempt: 1 });
      await child.waitFor(/waiting/);
      expect(child.out()).to.contain("A\r");
      child.process.kill("SIGINT");
      expect(await child.ended).to.equal(0);
    });

    it("--follow --json prints the history as it comes", async () => {
      control.add({ id: "r" });
      control.change("r", { state: "completed" }, { kind: "ended", state: "completed" });
      const lines = (await run("show", "r", "--follow", "--json")).out.trim().split("\n");
      expect(lines.map((line) => (JSON.parse(line) as { number: number }).number)).to.deep.equal([1, 2]);
    });
  });

  it("history prints all that happened, as lines or as JSON", async () => {
    control.add({ id: "r", startedAt: 1_000 });
    control.change("r", {}, { kind: "started", step: "pay", attempt: 2 });
    expect((await run("history", "r")).out).to.match(
      /^1\t1970-01-01T00:00:01\.000Z\tbegun\t\t\n2\t\S+\tstarted\tpay\ttry 2\n$/,
    );
    const lines = (await run("history", "r", "--json")).out.trim().split("\n");
    expect(JSON.parse(lines[1] ?? "")).to.deep.include({ number: 2 });
  });

  it("cancel and retry say how the run is then, and who did it", async () => {
    control.add({ id: "r" });
    expect(await run("cancel", "r", "--reason", "not wanted")).to.deep.equal({
      status: 0,
      out: "r\tcancelled\n",
      err: "",
    });
    expect(given("cancel")[0]).to.include({ run: "r", reason: "not wanted" }).and.have.property("by");
    const refused = await run("retry", "r");
    expect(refused.status).to.equal(1);
    expect(refused.err).to.match(/has not failed[^]*workflow show \/flow r/);
    control.change("r", { state: "failed" });
    expect((await run("retry", "r")).out).to.equal("r\trunning\n");
  });

  it("resume answers a question with a text, a value, or a result, and tells what is asked without an answer", async () => {
    const question = {
      step: "pay",
      kind: "unknown",
      text: "Paid?",
      choices: ["repeat", "done", "fail"],
      since: 0,
    } as const;
    const ask = () => control.add({ id: "r", state: "asking", questions: [question] });
    ask();
    const missing = await run("resume", "r");
    expect(missing).to.include({ status: 2, out: "" });
    expect(missing.err).to.match(/Paid\?[^]*workflow resume \/flow r done --result JSON/);
    expect((await run("resume", "r", "done", "--result", '{"id":4}', "--step", "pay")).out).to.equal("r\trunning\n");
    ask();
    expect((await run("resume", "r", "--value", "[1]")).status).to.equal(0);
    expect(given("resume").map(({ by: _, ...rest }) => rest)).to.deep.equal([
      { run: "r", answer: "done", result: { id: 4 }, step: "pay" },
      { run: "r", answer: [1] },
    ]);
    expect((await run("resume", "r")).err).to.contain("asks nothing");
    expect((await run("resume", "r", "yes", "--value", "1")).status).to.equal(2);
  });

  it("deliver prints the runs that got the event", async () => {
    expect((await run("deliver", "paid", "5", "--key", "k")).out).to.equal("one\ntwo\n");
    expect(await run("deliver", "paid", "--key", "x")).to.deep.equal({
      status: 0,
      out: "",
      err: "no run waits for it\n",
    });
    expect((await run("deliver", "paid", "--run", "r")).out).to.equal("r\n");
    expect(given("deliver")).to.deep.equal([
      { event: "paid", payload: 5, key: "k" },
      { event: "paid", payload: null, key: "x" },
      { event: "paid", payload: null, run: "r" },
    ]);
    expect((await run("deliver", "paid")).status).to.equal(2);
  });

  it("tasks lists them with warnings, remove removes one", async () => {
    const listed = await run("tasks");
    expect(listed).to.deep.equal({
      status: 0,
      out: "order\tv1\tAn order.\n",
      err: "warning: order, step 0: nobody provides the interface demo.x\n",
    });
    expect(JSON.parse((await run("tasks", "--json")).out)).to.have.length(1);
    expect((await run("remove", "order")).status).to.equal(0);
    expect((await run("remove", "nothing")).status).to.equal(1);
  });

  it("schedule, schedules and unschedule", async () => {
    const made = await run(
      "schedule",
      "daily",
      "--task",
      "order",
      "--cron",
      "0 7 * * *",
      "--timezone",
      "Europe/Berlin",
    );
    const line = "daily\torder\t0 7 * * *\tEurope/Berlin\t2026-01-02 00:00:00Z\t-\n";
    expect(made).to.deep.equal({ status: 0, out: line, err: "" });
    await run("schedule", "other", "--task", "order", "--cron", "* * * * *", "--input", "[1]", "--missed", "last");
    expect(given("schedule")[1]).to.deep.equal({
      name: "other",
      task: "order",
      cron: "* * * * *",
      input: [1],
      missed: "last",
    });
    expect((await run("unschedule", "other")).status).to.equal(0);
    expect((await run("schedules")).out).to.equal(line);
    expect((await run("schedule", "x", "--task", "order")).status).to.equal(2);
    expect((await run("schedule", "x", "--task", "o", "--cron", "* * * * *", "--missed", "all")).status).to.equal(2);
  });
});
