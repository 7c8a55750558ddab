import { expect } from "chai";
import type { RunView } from "../../src/gateway/workflows/run-view.js";
import { currentCall } from "../../src/index.js";
import { FakeControl, stepOf } from "../support/fake-control.js";
import { useMesh } from "../support/mesh.js";
import { ask, begin, jsonOf, openGateway, post, rawConnection } from "../support/web.js";

describe("Runs of workflows by HTTP", () => {
  const mesh = useMesh();
  let control = new FakeControl();
  let nameserver = "";

  beforeEach(async () => {
    control = new FakeControl();
    ({ address: nameserver } = await mesh.nameserver());
    await mesh.host([control.definition], { nameserver, service: "/flow" });
  });

  const open = async (options = {}) => {
    const { url } = await openGateway(mesh, { nameserver, monitor: true, ...options });
    return `${url}/dashboard/workflows`;
  };
  const read = async (url: string) => jsonOf(await ask(url));

  it("gives a page of runs by state, with how many there are in each", async () => {
    const url = await open();
    control.add({ id: "a", startedAt: 1_000 });
    control.add({ id: "b", startedAt: 2_000, state: "failed" });
    control.add({ id: "c", startedAt: 3_000 });
    const page = (await read(`${url}/runs?service=/flow&state=running&limit=1`)) as { runs: RunView[]; counts: object };
    expect(page.runs.map(({ id }) => id)).to.deep.equal(["c"]);
    expect(page.counts).to.deep.equal({ running: 2, failed: 1 });
    const next = (await read(`${url}/runs?service=/flow&after=c`)) as { runs: RunView[] };
    expect(next.runs.map(({ id }) => id)).to.deep.equal(["b", "a"]);
  });

  it("gives a run with its chain, of many items those that are not merely done, and believes nothing", async () => {
    const url = await open();
    const items = Array.from({ length: 300 }, (_, index) =>
      stepOf(`all/${index}`, { state: index === 200 ? "failed" : "done", error: index === 200 ? "No" : undefined }),
    );
    control.add({
      id: "r",
      input: { big: 12n },
      steps: [stepOf("all", { kind: "map", steps: items }), { step: 5, label: {}, steps: "none" } as never],
    });
    const run = (await read(`${url}/run?service=/flow&run=r`)) as {
      input: string;
      result: string | null;
      steps: { label: string; state: string; steps: { step: string }[]; omitted: object }[];
    };
    expect(run.input).to.equal('{"big":{"$type":"bigint","value":"12"}}');
    expect(run.result).to.equal(null);
    expect(run.steps[0]?.steps.map(({ step }) => step)).to.deep.equal(["all/200"]);
    expect(run.steps[0]?.omitted).to.deep.equal({ done: 299 });
    expect(run.steps[1]).to.deep.include({ label: "", state: "", steps: [] });
  });

  it("cancels, retries and answers, and says who did it", async () => {
    const url = await open();
    control.add({
      id: "r",
      questions: [{ step: "ok", kind: "approval", text: "Well?", choices: ["yes"], since: 1 }],
    });
    const answered = await post(`${url}/resume`, {
      service: "/flow",
      run: "r",
      answer: "yes",
      step: "ok",
      by: "forged",
    });
    expect(answered.status).to.equal(200);
    expect((jsonOf(answered) as RunView).questions).to.deep.equal([]);
    await post(`${url}/cancel`, { service: "/flow", run: "r", reason: "not wanted" });
    control.change("r", { state: "failed" });
    expect((jsonOf(await post(`${url}/retry`, { service: "/flow", run: "r" })) as RunView).state).to.equal("running");
    const acts = control.asked.filter(({ method }) => ["cancel", "retry", "resume"].includes(method));
    expect(acts).to.deep.equal([
      { method: "resume", given: { run: "r", answer: "yes", step: "ok", by: "the dashboard" } },
      { method: "cancel", given: { run: "r", reason: "not wanted", by: "the dashboard" } },
      { method: "retry", given: { run: "r", by: "the dashboard" } },
    ]);
  });

  it("answers what the service refuses, and what is wrong, as problems", async () => {
    const url = await open();
    control.add({ id: "r" });
    const refused = await post(`${url}/retry`, { service: "/flow", run: "r" });
    expect(refused.status).to.equal(400);
    expect((jsonOf(refused) as { detail: string }).detail).to.contain("has not failed");
    expect((await ask(`${url}/run?service=/flow&run=none`)).status).to.equal(400);
    expect((await ask(`${url}/runs?service=/nobody`)).status).to.equal(404);
    for (const wrong of ["runs", "runs?service=tcp://127.0.0.1:1", "run?service=/flow", "runs?service=/flow&limit=0"]) {
      expect((await ask(`${url}/${wrong}`)).status, wrong).to.equal(400);
    }
    expect((await ask(`${url}/cancel?service=/flow&run=r`)).status).to.equal(405);
    expect((await post(`${url}/runs?service=/flow`, {})).status).to.equal(405);
    expect((await post(`${url}/cancel`, { service: "/flow" })).status).to.equal(400);
    expect((await ask(`${url}/nothing`)).status).to.equal(404);
    const form = await ask(`${url}/cancel`, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: '{"service":"/flow","run":"r"}',
    });
    expect(form.status).to.equal(415);
    expect(control.asked.map(({ method }) => method)).to.not.include("cancel");
  });

  it("refuses pages of other sites, and who comes under another name than this machine's unless allow names it", async () => {
    control.add({ id: "r" });
    const url = await open({ hosts: ["runs.example", "127.0.0.1"] });
    const cancel = (base: string, headers: Record<string, string>) =>
      post(`${base}/cancel`, { service: "/flow", run: "r" }, headers);
    expect((await cancel(url, { origin: "https://evil.example" })).status).to.equal(403);
    expect((await cancel(url, { host: "evil.example" })).status).to.equal(421);
    const named = { host: "runs.example" };
    expect((await cancel(url, named)).status).to.equal(403);
    expect((await ask(`${url}/runs?service=/flow`, { headers: named })).status).to.equal(403);
    expect((await ask(`${url}/events?service=/flow&run=r`, { headers: named })).status).to.equal(403);
    for (const name of ["forwarded", "via", "x-forwarded-for", "x-real-ip"]) {
      expect((await cancel(url, { [name]: "198.51.100.7" })).status, name).to.equal(403);
    }
    expect(control.asked).to.deep.equal([]);
    const reading = await open({
      hosts: ["runs.example"],
      allow: ["lamplighter.workflow.control/list"],
    });
    expect((await ask(`${reading}/runs?service=/flow`, { headers: named })).status).to.equal(200);
    expect((await ask(`${reading}/run?service=/flow&run=r`, { headers: named })).status).to.equal(403);
    expect((await cancel(reading, named)).status).to.equal(403);
    const all = await open({ hosts: ["runs.example"], allow: "lamplighter.workflow.control" });
    expect((await cancel(all, named)).status).to.equal(200);
  });

  it("hands on the token of who asks", async () => {
    const url = await open();
    const tokens: unknown[] = [];
    const guarded = new FakeControl(() => {
      tokens.push(currentCall().extensions["org.pycom.auth"]);
    });
    await mesh.host([guarded.definition], { nameserver, service: "/guarded" });
    await ask(`${url}/runs?service=/guarded`, { headers: { authorization: "Bearer secret" } });
    expect(tokens).to.deep.equal(["secret", "secret"]);
  });

  it("tells of changes as they come, of a service that is gone and back, and ends with its reader", async () => {
    const url = await open();
    control.add({ id: "r" });
    const connection = await rawConnection(mesh, url);
    const path = new URL(url).pathname;
    connection.socket.write(`GET ${path}/events?service=/flow&run=r HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await connection.waitFor(/event: changed[^]*"state":"running"/);
    control.change("r", { state: "waiting" }, { kind: "started", step: "pay", attempt: 1 });
    await connection.waitFor(/"state":"waiting"/);
    control.change("r", { state: "completed", result: 5 }, { kind: "ended", state: "completed" });
    await connection.waitFor(/"result":"5"/);
    const all = await begin(`${url}/events?service=/flow`);
    let seen = "";
    all.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes('"id":"new"')) all.destroy();
    });
    control.add({ id: "new" });
    await new Promise((resolve) => all.once("close", resolve));
    expect(seen).to.contain("event: changed");
  });

  it("says that a service does not answer, and goes on when it does", async () => {
    const { address } = await mesh.nameserver();
    const { url } = await openGateway(mesh, { nameserver: address, monitor: true });
    const connection = await rawConnection(mesh, url);
    connection.socket.write("GET /dashboard/workflows/events?service=/late HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    await connection.waitFor(/event: away[^]*SERVICE_NOT_FOUND/);
    control.add({ id: "r" });
    await mesh.host([control.definition], { nameserver: address, service: "/late" });
    await connection.waitFor(/event: changed[^]*"id":"r"/);
  });
});
