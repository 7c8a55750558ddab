import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { defineInterface, type WebGatewayOptions } from "../../src/index.js";
import { MemoryBridge } from "../support/memory-bridge.js";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";
import { until } from "../support/until.js";
import { ask, jsonOf, openGateway, post, rawConnection } from "../support/web.js";

describe("The web gateway under attack", () => {
  const mesh = useMesh();

  const keys = defineInterface("demo.keys", {
    methods: {
      own: (value: object) => Object.keys(value),
      polluted: () => ({}),
    },
  });

  async function open(options: WebGatewayOptions = {}) {
    const nameserver = await mesh.nameserver();
    await mesh.host([echo, keys], { nameserver: nameserver.address });
    const events = new MemoryBridge();
    return { events, ...(await openGateway(mesh, { nameserver: nameserver.address, events, ...options })) };
  }

  it("survives garbage", async () => {
    const { url } = await open();
    const beginnings = [
      "",
      "GET ",
      "GET / HTTP/9.9\r\n\r\n",
      "POST /call/demo.echo/add HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
      "POST /call/demo.echo/add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST /call/demo.echo/add HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "GET http://other/subscribe?event=a HTTP/1.1\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /subscribe HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n",
    ];
    for (let round = 0; round < 60; round++) {
      const connection = await rawConnection(mesh, url);
      connection.socket.end(
        Buffer.concat([Buffer.from(beginnings[round % beginnings.length] ?? ""), randomBytes(200)]),
      );
      await connection.ended;
      expect(connection.said()).to.not.match(/node:internal|\.ts:\d/);
    }
    expect(jsonOf(await post(`${url}/call/demo.echo/add`, [1, 2]))).to.equal(3);
  });

  it("refuses paths, bodies and headers that are none", async () => {
    const { url } = await open({ maxBodyBytes: 1_000 });
    const echoed = `${url}/call/demo.echo/echo`;
    const raw = (body: string | Uint8Array, type: string) =>
      ask(echoed, { method: "POST", headers: { "content-type": type }, body });
    const status = async (answer: ReturnType<typeof ask>) => {
      const { status: number, headers } = await answer;
      expect(headers["content-type"]).to.equal("application/problem+json");
      return number;
    };
    expect(await status(ask(`${url}/call/%/x`, { method: "POST" }))).to.equal(400);
    expect(await status(ask(`${url}/call/demo.echo`, { method: "POST" }))).to.equal(404);
    expect(await status(ask(`${url}/call/demo.echo/echo/more`, { method: "POST" }))).to.equal(404);
    expect(await status(ask(`${url}/call//echo`, { method: "POST" }))).to.equal(404);
    expect(await status(ask(echoed))).to.equal(405);
    expect((await ask(echoed)).headers.allow).to.equal("POST");
    expect(await status(raw("{", "application/json"))).to.equal(400);
    expect(await status(raw(new Uint8Array([0x22, 0xff, 0x22]), "application/json"))).to.equal(400);
    expect(await status(raw(`${"[".repeat(400)}${"]".repeat(400)}`, "application/json"))).to.equal(400);
    expect(await status(raw("{}", "text/plain"))).to.equal(415);
    const packed = { "content-type": "application/json", "content-encoding": "gzip" };
    expect(await status(ask(echoed, { method: "POST", headers: packed, body: "1" }))).to.equal(415);
    expect(await status(raw("a=1", "application/x-www-form-urlencoded"))).to.equal(415);
    expect(await status(ask(echoed, { method: "POST", body: "1" }))).to.equal(415);
    expect(await status(raw("--x", "multipart/form-data; boundary=x"))).to.equal(400);
    expect(await status(raw("x", "multipart/form-data"))).to.equal(400);
    expect(await status(raw(`"${"x".repeat(2_000)}"`, "application/json"))).to.equal(413);
    expect(await status(post(echoed, 1, { accept: "text/html" }))).to.equal(406);
    expect(await status(post(echoed, 1, { accept: "application/json;q=0, text/*;q=0" }))).to.equal(406);
    expect((await post(echoed, 1, { accept: "text/html, */*;q=0.1" })).status).to.equal(200);
    const form = await ask(`${url}/publish`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `event=a&message=${"x".repeat(2_000)}`,
    });
    expect(form.status).to.equal(500);
  });

  it("counts bodies whose length is not told", async () => {
    const { url } = await open({ maxBodyBytes: 1_000 });
    const connection = await rawConnection(mesh, url);
    connection.socket.write(
      "POST /call/demo.echo/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    connection.socket.write(`7d0\r\n${"1".repeat(2_000)}\r\n`);
    await connection.waitFor(/^HTTP\/1\.1 413/);
  });

  it("takes names as names", async () => {
    const { url } = await open();
    const text = '[{"__proto__": {"polluted": true}, "constructor": 1, "toString": 2}]';
    const headers = { "content-type": "application/json" };
    const kept = await ask(`${url}/call/demo.echo/echo`, { method: "POST", headers, body: text });
    expect([200, 400], kept.text).to.include(kept.status);
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined);
    for (const method of ["constructor", "hasOwnProperty", "then", "introspect%00", "valueOf"]) {
      expect((await post(`${url}/call/demo.echo/${method}`, [])).status, method).to.equal(404);
    }
    expect(jsonOf(await post(`${url}/call/demo.echo/__proto__`, []))).to.equal("proto");
    for (const name of ["tcp://127.0.0.1:1", "local:1", "/com/foo", "x".repeat(300)]) {
      expect((await post(`${url}/call/${encodeURIComponent(name)}/x`, [])).status, name).to.equal(400);
    }
    for (const name of ["__proto__", "constructor", "..", "a b", "🙂"]) {
      expect((await post(`${url}/call/${encodeURIComponent(name)}/x`, [])).status, name).to.equal(404);
    }
  });

  it("does not wait for slow headers and bodies", async () => {
    const { url } = await open({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const header = await rawConnection(mesh, url);
    header.socket.write("POST /call/demo.echo/echo HTTP/1.1\r\nHost: loc");
    const body = await rawConnection(mesh, url);
    body.socket.write(
      "POST /call/demo.echo/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[1",
    );
    await Promise.all([header.ended, body.ended]);
    expect(header.said()).to.match(/^HTTP\/1\.1 408/);
    const deadline = await open();
    const slow = await rawConnection(mesh, deadline.url);
    slow.socket.write(
      "POST /call/demo.echo/echo HTTP/1.1\r\nHost: localhost\r\nX-Timeout-Ms: 100\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[1",
    );
    await slow.waitFor(/^HTTP\/1\.1 504[^]*"outcome":"not-sent"/);
  });

  it("refuses huge headers, and takes only so many connections", async () => {
    const { url } = await open({ maxHeaderBytes: 2_000, maxConnections: 2 });
    const huge = await rawConnection(mesh, url);
    huge.socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(5_000)}\r\n\r\n`);
    await huge.ended;
    expect(huge.said()).to.match(/^HTTP\/1\.1 431/);
    const first = await rawConnection(mesh, url);
    const second = await rawConnection(mesh, url);
    const third = await rawConnection(mesh, url);
    await third.ended;
    first.socket.destroy();
    second.socket.destroy();
  });

  it("ends what half-closed connections have begun", async () => {
    const { url, events, gateway } = await open();
    const half = await rawConnection(mesh, url);
    half.socket.end("GET /subscribe?event=a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await half.ended;
    await until(() => gateway.openStreams === 0 && events.subscriptions === 0);
    const broken = await rawConnection(mesh, url);
    broken.socket.write(
      "POST /call/demo.echo/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[1",
    );
    broken.socket.resetAndDestroy();
    expect(jsonOf(await post(`${url}/call/demo.echo/add`, [1, 2]))).to.equal(3);
  });

  it("keeps its limits on what a request may name", async () => {
    const { url } = await open();
    const many = new URLSearchParams("event=e&".repeat(1_001));
    const answer = await ask(`${url}/subscribe`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: many.toString(),
    });
    expect(answer.status).to.equal(500);
  });
});
