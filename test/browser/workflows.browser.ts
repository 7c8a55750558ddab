import { expect } from "chai";
import type { Page } from "playwright-core";
import { defineInterface, RemoteError, WebGateway, workflow } from "../../src/index.js";
import { FakeControl, stepOf } from "../support/fake-control.js";
import { useWorkflows } from "../support/workflows.js";
import { useBrowser } from "./browser.js";

describe("The dashboard's section of workflows", () => {
  const mesh = useWorkflows();
  const open = useBrowser();
  let control = new FakeControl();
  let nameserver = "";

  beforeEach(async () => {
    control = new FakeControl();
    ({ address: nameserver } = await mesh.meeting());
    await mesh.host([control.definition], { nameserver, service: "/flow" });
  });

  const openPage = async (options: Parameters<typeof open>[1] = {}) => {
    const gateway = mesh.own(new WebGateway({ nameserver, monitor: true, drainMs: 500 }));
    return open(`${await gateway.listen("127.0.0.1:0")}/dashboard`, options);
  };
  const rowIn = (page: Page, run: string, state: string) =>
    page.locator(`#runs tr[data-run="${run}"][data-state="${state}"]`);
  const stepIn = (page: Page, path: string, state: string) =>
    page.locator(`#run-chain .step[data-step="${path}"][data-state="${state}"]`);

  it("shows the chain of a run as it goes on, with states, times, branches, many items and errors", async () => {
    control.add({
      id: "order-1",
      input: { order: 7 },
      steps: [
        stepOf("reserve", { state: "running", startedAt: Date.now(), attempts: 2 }),
        stepOf("both", {
          kind: "parallel",
          label: "parallel",
          steps: [
            stepOf("both/left", { kind: "steps", label: "", steps: [stepOf("both/left/0")] }),
            stepOf("both/right", {
              kind: "steps",
              label: "",
              steps: [stepOf("both/right/0", { label: "shop.right" })],
            }),
          ],
        }),
        stepOf("all", {
          kind: "map",
          label: "map",
          state: "failed",
          error: "No <b>stock</b>",
          steps: Array.from({ length: 100 }, (_, index) =>
            stepOf(`all/${index}`, { kind: "steps", label: "", state: index === 3 ? "failed" : "done" }),
          ),
        }),
      ],
    });
    const { page, complaints, hosts } = await openPage();
    await page.getByRole("button", { name: "order-1", exact: true }).click();
    await stepIn(page, "reserve", "running").waitFor();
    expect(await page.locator("#run-chain").textContent())
      .to.contain("2 tries")
      .and.contain("No <b>stock</b>");
    expect(await page.locator("#run-chain").textContent()).to.contain("99 done");
    expect(await page.locator("#run-chain .branches .step").count()).to.equal(2);
    await page.getByText('"order": 7').waitFor();
    control.change(
      "order-1",
      {
        state: "completed",
        result: "shipped",
        steps: [stepOf("reserve", { state: "done", startedAt: 5, endedAt: 17 })],
      },
      { kind: "ended", state: "completed" },
    );
    await stepIn(page, "reserve", "done").getByText("done, 12 ms").waitFor();
    await rowIn(page, "order-1", "completed").waitFor();
    await page.getByText('"shipped"').waitFor();
    expect(await page.getByRole("button", { name: "Cancel the run" }).count()).to.equal(0);
    await page.getByRole("button", { name: "Close the run" }).click();
    await page.locator("#run").waitFor({ state: "hidden" });
    expect(complaints).to.deep.equal([]);
    expect(hosts.size).to.equal(1);
  });

  it("lists runs by state and page, and those that come", async () => {
    for (let index = 0; index < 25; index++) {
      control.add({ id: `run-${index}`, startedAt: 1_000 + index, state: index % 5 === 0 ? "failed" : "completed" });
    }
    const { page, complaints } = await openPage();
    await rowIn(page, "run-24", "completed").waitFor();
    expect(await page.locator("#runs tbody tr").count()).to.equal(20);
    control.add({ id: "newest", startedAt: 2_000 });
    await rowIn(page, "newest", "running").waitFor();
    await page.getByRole("button", { name: "Older runs" }).click();
    await rowIn(page, "run-0", "failed").waitFor();
    expect(await page.locator("#runs tbody tr").count()).to.equal(6);
    await page.getByRole("button", { name: "Newer runs" }).click();
    await rowIn(page, "newest", "running").waitFor();
    await page.getByRole("button", { name: /^failed \d/ }).click();
    await rowIn(page, "newest", "running").waitFor({ state: "detached" });
    expect(await page.locator("#runs tbody tr").count()).to.equal(5);
    await page.getByRole("button", { name: /^asking 0/ }).click();
    await page.getByText("There are no such runs.").waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it("answers questions, cancels and retries, also by the keyboard, and says what was refused", async () => {
    const since = Date.now();
    control.add({
      id: "r",
      state: "asking",
      questions: [
        { step: "ok", kind: "approval", text: "Ship <i>it</i>?", choices: ["yes", "no"], since },
        { step: "note", kind: "approval", text: "What else?", choices: [], since },
        { step: "pay", kind: "unknown", text: "Was it paid?", choices: ["repeat", "done", "fail"], since },
      ],
    });
    const { page, complaints } = await openPage();
    await page.getByRole("button", { name: "r", exact: true }).press("Enter");
    const group = (name: RegExp) => page.getByRole("group", { name });
    await group(/Ship <i>it<\/i>\?/)
      .getByRole("button", { name: "yes" })
      .press("Enter");
    await group(/Ship/).waitFor({ state: "detached" });
    await group(/What else/)
      .getByLabel("Answer")
      .fill("nothing");
    await group(/What else/)
      .getByLabel("Answer")
      .press("Enter");
    await group(/What else/).waitFor({ state: "detached" });
    const paid = group(/Was it paid/);
    await paid.getByLabel(/Result/).fill("{");
    await paid.getByRole("button", { name: /^done/ }).click();
    await page.getByText("The result is no JSON").waitFor();
    await paid.getByLabel(/Result/).fill('{"id":4}');
    await paid.getByRole("button", { name: /^done/ }).click();
    await paid.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Cancel the run" }).press("Enter");
    await page.getByLabel("Reason, for its history").fill("not wanted");
    await page.getByLabel("Reason, for its history").press("Enter");
    await rowIn(page, "r", "cancelled").waitFor();
    control.change("r", { state: "failed", error: { code: "UNKNOWN", message: "No", outcome: "executed" } });
    await page.getByRole("button", { name: "Retry the run" }).click();
    await rowIn(page, "r", "running").waitFor();
    const by = "the dashboard";
    expect(
      control.asked.filter(({ method }) => ["resume", "cancel", "retry"].includes(method)).map(({ given }) => given),
    ).to.deep.equal([
      { run: "r", step: "ok", answer: "yes", by },
      { run: "r", step: "note", answer: "nothing", by },
      { run: "r", step: "pay", answer: "done", result: { id: 4 }, by },
      { run: "r", reason: "not wanted", by },
      { run: "r", by },
    ]);
    expect(complaints).to.deep.equal([]);
  });

  it("does not take away what is being written while other things happen, and fits a small screen", async () => {
    const question = { step: "q", kind: "approval", text: "Name?", choices: [], since: 1 } as const;
    control.add({ id: "r", state: "waiting", questions: [question] });
    const { page, complaints } = await openPage({ viewport: { width: 360, height: 740 } });
    await page.getByRole("button", { name: "r", exact: true }).click();
    const field = page.getByRole("group", { name: /Name/ }).getByLabel("Answer");
    await field.fill("half");
    control.change("r", { steps: [stepOf("pay", { state: "running", startedAt: 1 })] }, { kind: "begun" });
    await stepIn(page, "pay", "running").waitFor();
    expect(await field.inputValue()).to.equal("half");
    expect(await field.evaluate((node) => node === document.activeElement)).to.equal(true);
    const wider = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(wider, "the page is no wider than a small screen").to.equal(0);
    expect(complaints).to.deep.equal([]);
  });

  it("shows services that come, and says when one does not answer until it is back", async () => {
    control.add({ id: "r" });
    const { page } = await openPage();
    await rowIn(page, "r", "running").waitFor();
    const other = new FakeControl();
    other.add({ id: "elsewhere" });
    const host = await mesh.host([other.definition], { nameserver, service: "/other", drainTimeoutMs: 1 });
    await page.getByRole("group", { name: "Workflow services" }).getByRole("button", { name: "/other" }).click();
    await rowIn(page, "elsewhere", "running").waitFor();
    await host.close();
    await page.locator("#runs-note").getByText("out of date").waitFor();
    other.add({ id: "later" });
    await mesh.host([other.definition], { nameserver, service: "/other" });
    await rowIn(page, "later", "running").waitFor();
    await page.locator("#runs-note").waitFor({ state: "hidden" });
  });

  it("lets one retry, answer and cancel runs of a workflow service, and shows them as they are then", async () => {
    let isBroken = true;
    const card = defineInterface("shop.card", {
      methods: {
        charge: () => {
          if (isBroken) throw new RemoteError("No money", { number: 100500 });
          return "paid";
        },
      },
    });
    await mesh.host([card], { nameserver, service: "/card" });
    await mesh.workflows({
      service: "/shop/workflow",
      definitions: {
        tasks: {
          order: [
            { name: "pay", interface: "shop.card", method: "charge" },
            { name: "both", parallel: { left: { value: 1 }, right: [{ name: "late", wait: { forMs: 3_600_000 } }] } },
          ],
          ship: [{ name: "ok", wait: { approval: "Ship it?", choices: ["yes", "no"] } }],
        },
      },
    });
    const w = workflow("/shop/workflow", { client: await mesh.caller() });
    await w.start({ task: "order", input: { order: 7 }, id: "order-7" });
    await w.wait({ run: "order-7" }).catch(() => undefined);
    await w.start({ task: "ship", id: "ship-7" });
    const { page, complaints } = await openPage();
    await page.getByRole("button", { name: "/shop/workflow" }).last().click();
    await page.getByRole("button", { name: "order-7", exact: true }).click();
    await stepIn(page, "pay", "failed").getByText("No money").waitFor();
    isBroken = false;
    await page.getByRole("button", { name: "Retry the run" }).click();
    await stepIn(page, "pay", "done").waitFor();
    await stepIn(page, "both/right/late", "waiting").waitFor();
    await rowIn(page, "order-7", "waiting").waitFor();
    await page.getByRole("button", { name: "Cancel the run" }).click();
    await page.getByLabel("Reason, for its history").fill("not wanted");
    await page.getByRole("button", { name: "Stop and undo" }).click();
    await rowIn(page, "order-7", "cancelled").waitFor();
    await page.locator("#run-failure").getByText("not wanted").waitFor();
    await page.getByRole("button", { name: "ship-7", exact: true }).click();
    await page
      .getByRole("group", { name: /Ship it/ })
      .getByRole("button", { name: "yes" })
      .click();
    await rowIn(page, "ship-7", "completed").waitFor();
    await page.locator("#run-values").getByText('"yes"').waitFor();
    await page.getByRole("button", { name: /^cancelled 1/ }).waitFor();
    const told = (await w.history({ run: "order-7" })).map(({ event }) => event);
    expect(told.find(({ kind }) => kind === "retried")).to.deep.include({ by: "the dashboard" });
    expect(told.find(({ kind }) => kind === "cancelled")).to.deep.include({
      by: "the dashboard",
      reason: "not wanted",
    });
    expect(complaints).to.deep.equal([]);
  });
});
