import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { dashboardHandler } from "../../src/gateway/dashboard/dashboard.js";
import { metricsHandler } from "../../src/gateway/monitor/metrics.js";
import { Monitor } from "../../src/gateway/monitor/monitor.js";
import { histogramSeries, PrometheusText } from "../../src/gateway/monitor/prometheus.js";
import type { RequestHandler } from "../../src/gateway/request-handler.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";
import { until } from "../support/until.js";

describe("PrometheusText", () => {
  it("writes HELP, TYPE and series, escaped, each once", () => {
    const text = new PrometheusText();
    text.metric("a_total", "counter", "Back\\slash\nline.", [
      { labels: { name: 'q"\\\n' }, value: 1 },
      { labels: { name: 'q"\\\n' }, value: 2 },
      { labels: {}, value: Infinity },
    ]);
    text.metric("nothing", "gauge", "Nothing.", []);
    expect(String(text)).to.equal(
      '# HELP a_total Back\\\\slash\\nline.\n# TYPE a_total counter\na_total{name="q\\"\\\\\\n"} 1\na_total +Inf\n',
    );
  });

  it("writes two names that are the same where they are read as one", () => {
    const text = new PrometheusText();
    const series = ["\ud83d", "\ud834", "\ufffd"].map((name) => ({ labels: { name }, value: 1 }));
    text.metric("a_total", "counter", "All.", series);
    expect(String(text).match(/^a_total\{/gm)).to.have.length(1);
  });

  it("adds up the classes of a histogram", () => {
    const series = histogramSeries({ a: "b" }, [1, 2], [3, 0, 4], 9.5);
    expect(series.map(({ suffix, labels, value }) => [suffix, labels.le, value])).to.deep.equal([
      ["_bucket", "1", 3],
      ["_bucket", "2", 3],
      ["_bucket", "+Inf", 7],
      ["_sum", undefined, 9.5],
      ["_count", undefined, 7],
    ]);
  });
});

describe("Metrics and dashboard over HTTP", () => {
  const mesh = useMesh();

  const serve = async (nameserver: string, ...make: ((monitor: Monitor) => RequestHandler)[]) => {
    const monitor = mesh.own(new Monitor({ client: mesh.client({ nameserver }), intervalMs: 50 }));
    const handlers = make.map((one) => one(monitor));
    const server = createServer((request, response) => {
      void (async () => {
        const url = new URL(request.url ?? "/", "http://localhost");
        for (const handle of handlers) if (await handle(request, response, url)) return;
        response.writeHead(404).end();
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    mesh.own({
      close: () => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      },
    });
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${base}${path}`, { ...init, headers: { connection: "close" } });
    return { ask, monitor };
  };

  it("tell Prometheus what services did", async () => {
    const { address } = await mesh.nameserver();
    const host = await mesh.host([echo], { nameserver: address, service: '/de"mo\n' });
    host.addStats("publications", () => [
      {
        interface: "demo.events",
        topics: [
          { topic: "a", published: 7 },
          { topic: "a", published: 7 },
        ],
        subscribers: [{ id: "1" }],
      },
    ]);
    const remote = mesh.client({ nameserver: address }).component("demo.echo");
    for (let call = 0; call < 3; call++) await remote.invoke("echo", call);
    await failureOf(remote.invoke("crash"));
    const { ask } = await serve(address, metricsHandler);
    const response = await ask("/metrics");
    expect(response.headers.get("content-type")).to.equal("text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    const labels = 'service="/de\\"mo\\n",interface="demo.echo"';
    const lines = text.split("\n");
    expect(lines).to.include.members([
      "lamplighter_nameserver_up 1",
      'lamplighter_up{service="/de\\"mo\\n"} 1',
      `lamplighter_calls_total{${labels},method="echo"} 3`,
      `lamplighter_call_errors_total{${labels},method="crash",code="UNKNOWN",outcome="executed"} 1`,
      'lamplighter_published_total{service="/de\\"mo\\n",interface="demo.events",topic="a"} 7',
      'lamplighter_subscribers{service="/de\\"mo\\n",interface="demo.events"} 1',
    ]);
    const of = (suffix: string): number => {
      const line = lines.find((one) => one.startsWith(`lamplighter_call_duration_seconds${suffix}`));
      return Number(line?.slice(line.lastIndexOf(" ")));
    };
    expect(of(`_count{${labels},method="echo"}`)).to.be.within(1, 3);
    expect(of(`_bucket{${labels},method="echo",le="+Inf"}`)).to.equal(of(`_count{${labels},method="echo"}`));
    expect(of(`_sum{${labels},method="echo"}`)).to.be.above(0);
    // What the format asks for: every metric is introduced once, every line is one series with a number.
    const series = lines.filter((line) => line !== "" && !line.startsWith("#"));
    expect(new Set(series.map((line) => line.slice(0, line.lastIndexOf(" "))))).to.have.property("size", series.length);
    for (const line of series) {
      expect(line).to.match(/^[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)*\})? ([0-9.e+-]+|\+Inf)$/);
      const [name = ""] = /^[a-z_]+?(?=_bucket|_sum|_count|\{| )/.exec(line) ?? [];
      expect(text).to.contain(`\n# TYPE ${name} `.trimStart());
    }
    expect(text.endsWith("\n")).to.equal(true);
  });

  it("bound the number of series, and say what is left out", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address });
    const remote = mesh.client({ nameserver: address }).component("demo.echo");
    await remote.invoke("echo", 1);
    await remote.invoke("one", { a: 1 });
    const { ask } = await serve(address, (monitor) => metricsHandler(monitor, { maxRows: 1 }));
    const text = await (await ask("/metrics")).text();
    expect(text.match(/^lamplighter_calls_total\{/gm)).to.have.length(1);
    expect(Number(/^lamplighter_omitted_methods (\d+)$/m.exec(text)?.[1])).to.be.above(0);
  });

  it("say so when there is no nameserver", async () => {
    const { ask } = await serve("tcp://127.0.0.1:1", metricsHandler);
    expect(await (await ask("/metrics")).text()).to.match(/^lamplighter_nameserver_up 0$/m);
  });

  it("serve the page and its files with a strict policy, and nothing else", async () => {
    const { address } = await mesh.nameserver();
    const { ask } = await serve(address, dashboardHandler, metricsHandler);
    const page = await ask("/dashboard");
    expect(page.headers.get("content-security-policy")).to.contain("default-src 'none'").and.not.contain("unsafe");
    expect(page.headers.get("x-content-type-options")).to.equal("nosniff");
    const html = await page.text();
    expect(html).not.to.match(/https?:|<style|<script(?![^>]* src=)| on[a-z]+=| style=/);
    const files = Array.from(html.matchAll(/(?:href|src)="([^"]+)"/g), ([, file = ""]) => file);
    expect(files).to.include("dashboard/app.js");
    for (const file of files) {
      const answer = await ask(`/${file}`);
      expect(answer.status, file).to.equal(200);
      for (const [, imported = ""] of (await answer.text()).matchAll(/from "\.\/([^"]+)"/g)) {
        const script = await ask(`/dashboard/${imported}`);
        expect(script.headers.get("content-type"), imported).to.equal("text/javascript; charset=utf-8");
        await script.text();
      }
    }
    for (const path of ["/dashboard/", "/dashboard/../package.json", "/dashboard/constructor", "/dashboardx"]) {
      expect((await ask(path)).status, path).to.equal(404);
    }
    expect((await ask("/dashboard/events", { method: "HEAD" })).status).to.equal(405);
    for (const path of ["/dashboard", "/dashboard/events", "/metrics"]) {
      expect((await ask(path, { method: "POST" })).status, path).to.equal(405);
    }
  });

  it("stream a snapshot and updates, to so many readers, and ask nobody when they have left", async () => {
    const { address } = await mesh.nameserver();
    let asked = 0;
    const host = await mesh.host([echo], { nameserver: address, service: "/demo" });
    host.addStats("asked", () => ++asked);
    const { ask } = await serve(address, (monitor) => dashboardHandler(monitor, { maxReaders: 1 }));
    const leave = new AbortController();
    const response = await ask("/dashboard/events", { signal: leave.signal });
    let text = "";
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
    })().catch(() => undefined);
    await until(() => /event: snapshot\n[^]*event: update\ndata: .*"health":"answers"/.test(text));
    expect((await ask("/dashboard/events")).status).to.equal(503);
    leave.abort();
    await reading;
    await until(async () => {
      const again = new AbortController();
      const { status } = await ask("/dashboard/events", { signal: again.signal });
      again.abort();
      return status === 200;
    });
    expect(asked).to.be.above(0);
  });
});
