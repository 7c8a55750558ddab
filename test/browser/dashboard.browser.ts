import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { Dispatcher, Node } from "../../src/compat/nodeset/index.js";
import { publisher, subscriber, WebGateway } from "../../src/index.js";
import { useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";
import { until } from "../support/until.js";
import { useBrowser } from "./browser.js";
import { type DashboardServer, serveDashboard } from "./dashboard-server.js";

describe("The dashboard in a browser", () => {
  const mesh = useMesh();
  const command = useCommand();
  const open = useBrowser();

  const serve = async (nameserver: string, port?: number): Promise<DashboardServer> =>
    mesh.own(await serveDashboard(nameserver, port));

  /** The row of a service, whatever characters its name has. */
  const healthOf = (page: Page, service: string): Promise<string | undefined> =>
    page.evaluate(
      (name) => [...document.querySelectorAll("tr")].find((row) => row.dataset.service === name)?.dataset.health,
      service,
    );

  it("shows services that are started, killed and started again within two seconds of the nameserver", async () => {
    const nameserver = await mesh.nameserver();
    const known = (service: string) => nameserver.records.some((record) => record.service === service);
    const server = await serve(nameserver.address);
    const { page, complaints, hosts } = await open(`${server.url}/dashboard`);
    const names = ["/shop/1", "/shop/2", "/shop/3"];
    const start = async (service: string) => {
      const child = command.start(["serve", "test/fixtures/query.js", "-n", nameserver.address, "-s", service]);
      await command.ready(child);
      return child;
    };
    /** How long the page takes to show what the nameserver knows by now. */
    const lag = async (service: string, health: string): Promise<number> => {
      const knownAt = performance.now();
      await until(async () => (await healthOf(page, service)) === health);
      return performance.now() - knownAt;
    };
    const lags: number[] = [];
    const children = new Map<string, Awaited<ReturnType<typeof start>>>();
    for (const service of names) {
      children.set(service, await start(service));
      lags.push(await lag(service, "answers"));
    }
    for (let round = 0; round < 2; round++) {
      for (const service of names) {
        children.get(service)?.process.kill("SIGKILL");
        await until(() => !known(service));
        lags.push(await lag(service, "gone"));
      }
      for (const service of names) {
        children.set(service, await start(service));
        lags.push(await lag(service, "answers"));
      }
    }
    // The promise of docs/monitoring.md; it usually takes a tenth of it.
    expect(Math.max(...lags)).to.be.below(2_000);
    expect(await page.locator("#tile-services").textContent()).to.equal("4 of 4");
    expect(complaints).to.deep.equal([]);
    expect([...hosts]).to.deep.equal([new URL(server.url).host]);
  });

  it("shows names from outside as text, whatever they hold", async () => {
    const nameserver = await mesh.nameserver();
    const service = `/<img src=x onerror="document.title='hacked'"><script>alert(1)</script>`;
    const host = await mesh.host([echo], { nameserver: nameserver.address, service });
    host.addStats("<b>bold</b>", () => ({ "<i>": "<script>document.title = 'hacked'</script>" }));
    host.addStats("publications", () => [
      {
        interface: "<u>demo</u>",
        topics: [{ topic: "<svg onload=alert(1)>", published: 3 }],
        subscribers: [{ id: "<a>", topics: ["<hr>"], policy: "block", delivered: 2, dropped: 1, queued: 0 }],
      },
    ]);
    host.addStats("dispatcher", () => ({
      subs: 1,
      pubs: 2,
      nodes: 1,
      subscriptions: 1,
      table: [{ event: "<p>", host: "h", node: "n", incarnation: "s" }],
    }));
    const server = await serve(nameserver.address);
    const { page, complaints } = await open(`${server.url}/dashboard`);
    await page.getByRole("button", { name: service }).click();
    await page.getByText("<svg onload=alert(1)>").waitFor();
    await page.getByText("<b>bold</b>").waitFor();
    const detail = await page.locator("#detail").textContent();
    for (const text of [
      "<u>demo</u>",
      "<a>",
      "<hr>",
      "Since its start: 1 times subscribed, 2 events delivered",
      "<p>",
      "<i>",
    ]) {
      expect(detail).to.contain(text);
    }
    expect(await page.locator("#detail-title").textContent()).to.equal(service);
    expect(await page.locator("main :is(img, script, b, i, u, a, hr)").count()).to.equal(0);
    expect(await page.title()).to.equal("Lamplighter");
    expect(complaints).to.deep.equal([]);
  });

  it("shows publishers with their subscribers, and dispatchers with their tables, as they are", async () => {
    const nameserver = await mesh.nameserver();
    const { address } = nameserver;
    const numbers = publisher<number>("demo.numbers");
    await mesh.host([numbers], { nameserver: address, service: "/numbers" });
    const subscribed = mesh.own(
      subscriber<number>("demo.numbers", { client: mesh.client({ nameserver: address }), topics: "eu." }),
    );
    await subscribed.ready;
    await numbers.publish(1, { topic: "eu.de" });
    const dispatcher = mesh.own(
      new Dispatcher({ address: "tcp://127.0.0.1:0", nameserver: address, service: "/dispatcher" }),
    );
    await dispatcher.start();
    const node = mesh.own(new Node({ name: "listener", dispatcher: dispatcher.address }));
    await node.start();
    await node.subscribe("simple_event");
    const gateway = mesh.own(new WebGateway({ nameserver: address, monitor: true }));
    const url = await gateway.listen("127.0.0.1:0");
    const { page, complaints } = await open(`${url}/dashboard`);
    await page.getByRole("button", { name: "/numbers" }).click();
    await page.getByText("eu.de").waitFor();
    await page.getByText("drop-oldest").waitFor();
    await page.getByRole("button", { name: "/dispatcher" }).click();
    await page.getByText("1 nodes, 1 subscriptions").waitFor();
    await page.getByText("simple_event").waitFor();
    expect(await page.locator("#detail").textContent()).to.contain("listener");
    expect(complaints).to.deep.equal([]);
  });

  it("draws calls and latencies, and tells values to the keyboard", async () => {
    const nameserver = await mesh.nameserver();
    await mesh.host([echo], { nameserver: nameserver.address, service: "/demo" });
    const server = await serve(nameserver.address);
    const { page, complaints } = await open(`${server.url}/dashboard`, { viewport: { width: 360, height: 740 } });
    const remote = mesh.client({ nameserver: nameserver.address }).component("demo.echo");
    const stop = new AbortController();
    const calling = (async () => {
      while (!stop.signal.aborted) {
        await remote.invoke("echo", 1);
        await remote.invoke("crash").catch(() => undefined);
        await sleep(5);
      }
    })();
    await page.locator("#plot-calls path.series-calls:not(.area)").waitFor({ state: "attached" });
    await page.locator("#plot-latency path.series-p99").waitFor({ state: "attached" });
    const plot = page.locator("#plot-calls svg");
    await plot.focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    expect(await page.locator("#plot-calls .readout").textContent()).to.match(
      /^\d\d:\d\d:\d\d: calls \S+, errors \S+\.$/,
    );
    expect(await plot.getAttribute("aria-label")).to.contain("Calls per second");
    await page.getByRole("button", { name: "/demo" }).press("Enter");
    await page.locator("#errors").getByText("executed").waitFor();
    expect(await page.locator("#methods").textContent()).to.contain("demo.echo.crash");
    const wider = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(wider, "the page is no wider than a small screen").to.equal(0);
    stop.abort();
    await calling;
    expect(complaints).to.deep.equal([]);
  });

  it("says that the server is lost, and comes back by itself", async () => {
    const nameserver = await mesh.nameserver();
    const server = await serve(nameserver.address);
    const { page } = await open(`${server.url}/dashboard`);
    const live = page.locator("#live");
    await page.locator('#live[data-state="good"]').waitFor();
    await server.close();
    await page.locator('#live[data-state="bad"]').waitFor();
    expect(await page.locator("#alert").textContent()).to.contain("lost");
    await mesh.host([echo], { nameserver: nameserver.address, service: "/new" });
    await serve(nameserver.address, Number(new URL(server.url).port));
    await page.locator('#live[data-state="good"]').waitFor();
    await until(async () => (await healthOf(page, "/new")) === "answers");
    expect(await live.textContent()).to.equal("live");
    expect(await page.locator("#alert").isHidden()).to.equal(true);
  });

  it("says that the nameserver does not answer", async () => {
    const nameserver = await mesh.nameserver();
    const server = await serve(nameserver.address);
    const { page, complaints } = await open(`${server.url}/dashboard`);
    await page.locator('#nameserver[data-state="good"]').waitFor();
    await nameserver.close();
    await page.locator('#nameserver[data-state="bad"]').waitFor();
    expect(await page.locator("#alert").textContent()).to.contain("nameserver");
    await mesh.nameserver({ address: nameserver.address });
    await page.locator('#nameserver[data-state="good"]').waitFor();
    expect(await page.locator("#alert").isHidden()).to.equal(true);
    expect(complaints).to.deep.equal([]);
  });
});
