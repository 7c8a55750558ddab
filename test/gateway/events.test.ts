import { createHmac } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { expect } from "chai";
import { hmacVerifier, type Verifier, type WebGatewayOptions } from "../../src/index.js";
import { keepLog } from "../support/log.js";
import { MemoryBridge } from "../support/memory-bridge.js";
import { useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";
import { ask, begin, openGateway, rawConnection } from "../support/web.js";

describe("HTTP events", () => {
  const mesh = useMesh();

  async function open(options: WebGatewayOptions = {}) {
    const bridge = new MemoryBridge();
    return { bridge, ...(await openGateway(mesh, { nameserver: "tcp://127.0.0.1:1", events: bridge, ...options })) };
  }

  it("writes JSON and CR LF for each event, chunk by chunk over HTTP/1.1, and nothing before the first", async () => {
    const { url, bridge } = await open();
    const connection = await rawConnection(mesh, url);
    connection.socket.write("GET /subscribe?event=one&event=two HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => bridge.subscriptions === 2);
    // Another request is answered meanwhile: whatever was to be sent would have been.
    await ask(`${url}/health/live`);
    expect(connection.said()).to.equal("");
    bridge.emit("one", { a: 1, _delivery_mode: "all" });
    bridge.emit("two", { b: "grün" });
    await connection.waitFor(/"b"/);
    const [, header = "", body = ""] = /^([^]*?)\r\n\r\n([^]*)$/.exec(connection.said()) ?? [];
    expect(header).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(header).to.match(/\r\nContent-Type: application\/json(\r\n|$)/i);
    expect(header).to.match(/\r\nTransfer-Encoding: chunked(\r\n|$)/i);
    expect(Buffer.from(body, "latin1").toString("utf8")).to.equal('9\r\n{"a":1}\r\n\r\nf\r\n{"b":"grün"}\r\n\r\n');
  });

  it("ends after the first event over HTTP/1.0", async () => {
    const { url, bridge } = await open();
    const connection = await rawConnection(mesh, url);
    connection.socket.write("GET /subscribe?event=one HTTP/1.0\r\n\r\n");
    await until(() => bridge.subscriptions === 1);
    bridge.emit("one", { n: 1 });
    bridge.emit("one", { n: 2 });
    await connection.ended;
    expect(connection.said()).to.match(/^HTTP\/1\.\d 200 OK\r\n[^]*\r\n\r\n\{"n":1\}\r\n$/);
    expect(connection.said()).to.not.match(/chunked/i);
    await until(() => bridge.subscriptions === 0);
  });

  it("takes GET, POST with a form, and both together", async () => {
    const { url, bridge } = await open();
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const subscribed = begin(`${url}/subscribe?event=one`, { method: "POST", headers: form, body: "event=two" });
    await until(() => bridge.subscriptions === 2);
    expect(bridge.log).to.have.members(["+*@localhost/one", "+*@localhost/two"]);
    const published = await ask(`${url}/publish`, {
      method: "POST",
      headers: form,
      body: new URLSearchParams({
        event: "one",
        message: '{"x": [1, {"y": null}], "_delivery_mode": "direct"}',
      }).toString(),
    });
    expect(published.status).to.equal(200);
    expect(published.headers["content-type"]).to.equal("text/html");
    expect(published.text).to.equal("\r\n");
    expect(bridge.published).to.deep.equal([
      { uri: "one", attributes: { x: [1, { y: null }], _delivery_mode: "direct" } },
    ]);
    const response = await subscribed;
    const [chunk] = (await once(response, "data")) as [Buffer];
    expect(chunk.toString()).to.equal('{"x":[1,{"y":null}]}\r\n');
    response.destroy();
    const byGet = await ask(`${url}/publish?event=two&message=${encodeURIComponent("{}")}`);
    expect(byGet.status).to.equal(200);
    expect(bridge.published[1]).to.deep.equal({ uri: "two", attributes: {} });
    // A body of another type is no reason not to take what the query says.
    const other = { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" };
    expect((await ask(`${url}/publish?event=two&message={}`, other)).status).to.equal(200);
  });

  it("answers what is wrong as the original does: 500 with a page", async () => {
    const { url, bridge } = await open();
    for (const query of [
      "",
      "?event=one",
      "?message={}",
      "?event=one&message={",
      "?event=one&message=[]",
      "?event=one&message=1",
    ]) {
      const answer = await ask(`${url}/publish${query}`);
      expect(answer.status, query).to.equal(500);
      expect(answer.headers["content-type"]).to.match(/^text\/html/);
    }
    expect((await ask(`${url}/subscribe`)).status).to.equal(500);
    expect((await ask(`${url}/subscribe?event=h/`)).text).to.contain("Invalid addressing h/");
    bridge.failure = new Error("no <dispatcher> yet");
    const failed = await ask(`${url}/publish?event=one&message={}`);
    expect(failed.status).to.equal(500);
    expect(failed.text).to.contain("no &lt;dispatcher&gt; yet");
    const unsubscribed = await ask(`${url}/subscribe?event=one`);
    expect(unsubscribed.status).to.equal(500);
    bridge.failure = undefined;
    expect(bridge.published).to.deep.equal([]);
    expect((await ask(`${url}/publish`, { method: "PUT", body: "" })).status).to.equal(405);
    expect((await ask(`${url}/subscribe/more?event=one`)).status).to.equal(404);
  });

  it("keeps names of members as they come", async () => {
    const { url, bridge } = await open();
    await ask(
      `${url}/publish?event=one&message=${encodeURIComponent('{"__proto__": {"polluted": 1}, "constructor": 2}')}`,
    );
    const [{ attributes } = { attributes: {} }] = bridge.published;
    expect(Object.keys(attributes)).to.deep.equal(["__proto__", "constructor"]);
    expect(({} as { polluted?: number }).polluted).to.equal(undefined);
  });

  it("shares one subscription among requests, whatever they call the event, and ends it with the last", async () => {
    const { url, bridge } = await open();
    const responses = ["ev", "localhost/ev", "/ev", "@localhost/ev"].map((event) =>
      begin(`${url}/subscribe?event=${encodeURIComponent(event)}&event=${encodeURIComponent(event)}`),
    );
    await until(() => bridge.subscriptions === 1);
    let told = 0;
    for (const pending of responses) {
      void pending.then((response) => {
        response.on("data", () => told++).on("error", () => undefined);
      });
    }
    // All have joined when one event reaches all of them.
    await until(() => {
      if (told < 4) bridge.emit("ev", { n: 1 });
      return told >= 4;
    });
    expect(bridge.log).to.deep.equal(["+*@localhost/ev"]);
    const [first, ...others] = await Promise.all(responses);
    first?.destroy();
    for (const response of others) response.destroy();
    await until(() => bridge.subscriptions === 0);
    expect(bridge.log).to.deep.equal(["+*@localhost/ev", "-*@localhost/ev"]);
  });

  it("makes one text of an event, however many read it", async () => {
    const { url, bridge } = await open();
    const connections = await Promise.all(Array.from({ length: 5 }, () => rawConnection(mesh, url)));
    for (const { socket } of connections) socket.write("GET /subscribe?event=ev HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => {
      bridge.made = 0;
      bridge.emit("ev", { n: 1 });
      return connections.every(({ said }) => said() !== "");
    });
    expect(bridge.made).to.equal(1);
  });

  it("says the name of the event to who asks for it", async () => {
    const { url, bridge } = await open();
    const response = begin(`${url}/subscribe?event=h/one&event=two&names=1`);
    await until(() => bridge.subscriptions === 2);
    bridge.emit("h/one", { a: 1 });
    const lines = await response;
    const [chunk] = (await once(lines, "data")) as [Buffer];
    expect(JSON.parse(chunk.toString())).to.deep.equal({ event: "one", uri: "h/one", message: { a: 1 } });
    lines.destroy();
    const events = await begin(`${url}/subscribe?event=two`, { headers: { accept: "text/event-stream" } });
    await until(() => bridge.log.includes("-*@h/one"));
    await until(() => bridge.subscriptions === 1);
    bridge.emit("two", { b: 2 });
    await untilSaid(events, 'event: two\ndata: {"b":2}\n\n');
    events.destroy();
  });

  it("gives up a reader that does not read, and goes on with the others", async () => {
    const { log, lines } = keepLog();
    const { url, bridge, gateway } = await open({ maxQueuedBytes: 100_000, log });
    const slow = await rawConnection(mesh, url);
    slow.socket.write("GET /subscribe?event=ev HTTP/1.1\r\nHost: localhost\r\n\r\n");
    slow.socket.pause();
    const quick = await subscribed(url, bridge);
    let got = 0;
    quick.on("data", (chunk: Buffer) => (got += chunk.byteLength));
    const text = "x".repeat(50_000);
    let sent = 0;
    await until(() => {
      bridge.emit("ev", { text });
      sent++;
      return gateway.openStreams === 1;
    });
    await until(() => got >= sent * 50_000);
    expect(lines("warn").join()).to.contain("100000 bytes");
    quick.destroy();
    await until(() => bridge.subscriptions === 0);
  });

  it("leaves nothing behind of 1,000 subscribers that vanish", async function () {
    this.timeout(60_000);
    const { url, bridge, gateway } = await open();
    for (let round = 0; round < 10; round++) {
      const connections = await Promise.all(Array.from({ length: 100 }, () => rawConnection(mesh, url)));
      connections.forEach(({ socket }, index) => {
        socket.write(`GET /subscribe?event=ev${index % 10}&event=all HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      });
      await until(() => gateway.openStreams === 100 && bridge.subscriptions === 11);
      if (round % 2 === 0) bridge.emit("all", { round });
      for (const { socket } of connections) {
        if (round % 3 === 0) socket.resetAndDestroy();
        else socket.destroy();
      }
      await until(() => gateway.openStreams === 0 && bridge.subscriptions === 0);
    }
    expect(bridge.log.filter((line) => line.startsWith("+")).length).to.equal(
      bridge.log.filter((line) => line.startsWith("-")).length,
    );
  });

  it("refuses with 403 what a verifier refuses, and what is not signed", async () => {
    const asked: unknown[] = [];
    const verifier: Verifier = {
      verify(first, second, signature) {
        asked.push([first, second, signature]);
        if (signature === "broken") throw new Error("a fault");
        return signature === "good";
      },
    };
    const { url, bridge, gateway } = await open({ verifier });
    const message = encodeURIComponent('{"a": 1}');
    for (const query of ["", "&signature=", "&signature=bad", "&signature=broken"]) {
      const refused = await ask(`${url}/publish?event=ev&message=${message}${query}`);
      expect(refused.status, query).to.equal(403);
      expect(refused.text).to.contain("Signature invalid");
    }
    for (const query of ["", "&signature=good", "&signature=bad&timestamp=1"]) {
      const refused = await ask(`${url}/subscribe?event=ev${query}`);
      expect(refused.status, query).to.equal(403);
      expect(refused.text).to.contain("Signature invalid");
    }
    expect(bridge.published.length + bridge.subscriptions).to.equal(0);
    expect((await ask(`${url}/publish?event=ev&message=${message}&signature=good`)).status).to.equal(200);
    expect(asked.at(-1)).to.deep.equal(["ev", '{"a": 1}', "good"]);
    const subscribed = begin(`${url}/subscribe?event=ev&signature=good&timestamp=7`, {
      headers: { "x-verify-key": "key" },
    });
    await until(() => bridge.subscriptions === 1);
    expect(asked.at(-1)).to.deep.equal(["key", "7", "good"]);
    bridge.emit("ev", {});
    (await subscribed).destroy();
    gateway.setVerifier({ verify: () => false });
    expect((await ask(`${url}/publish?event=ev&message=${message}&signature=good`)).status).to.equal(403);
    gateway.setVerifier(undefined);
    expect((await ask(`${url}/publish?event=ev&message=${message}`)).status).to.equal(200);
  });

  it("verifies HMAC within a window of time", () => {
    const verifier = hmacVerifier({ secret: "s", windowMs: 10_000, now: () => 1_000_000 });
    const sign = (...lines: string[]) => createHmac("sha256", "s").update(lines.join("\n")).digest("hex");
    const subscribe = (timestamp: string, signature: string, events = ["a", "b"], key = "k") =>
      verifier.verify(key, timestamp, signature, { action: "subscribe", events, timestamp });
    const good = sign("subscribe", "1000", "k", "a", "b");
    expect(subscribe("1000", good)).to.equal(true);
    expect(subscribe("1000", good.toUpperCase())).to.equal(true);
    expect(subscribe("1000", good, ["a"])).to.equal(false);
    expect(subscribe("1000", good, ["a\nb"])).to.equal(false);
    expect(subscribe("1000", good, ["a", "b"], "other")).to.equal(false);
    expect(subscribe("1000", "")).to.equal(false);
    for (const timestamp of ["989", "1011", "1e3", "", "soon"]) {
      expect(subscribe(timestamp, sign("subscribe", timestamp, "k", "a", "b")), timestamp).to.equal(false);
    }
    const publish = (timestamp: string | undefined, signature: string) =>
      verifier.verify("ev", '{"a":\n1}', signature, { action: "publish", events: ["ev"], timestamp });
    expect(publish("1000", sign("publish", "1000", "ev", '{"a":\n1}'))).to.equal(true);
    expect(publish(undefined, sign("publish", "", "ev", '{"a":\n1}'))).to.equal(false);
    expect(() => hmacVerifier({ secret: "" })).to.throw("must not be empty");
  });

  it("does not publish for a link or a picture on a page of another site", async () => {
    const { url, bridge } = await open();
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect((await ask(`${url}/publish?event=ev&message={}`, { headers })).status).to.equal(403);
    expect(bridge.published).to.deep.equal([]);
  });

  it("ends open subscriptions when it closes", async () => {
    const { bridge, gateway, url } = await open();
    const silent = await rawConnection(mesh, url);
    silent.socket.write("GET /subscribe?event=ev HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => bridge.subscriptions === 1);
    await gateway.close();
    await silent.ended;
    await until(() => bridge.subscriptions === 0);
  });

  /** A subscriber that reads. */
  async function subscribed(url: string, bridge: MemoryBridge): Promise<IncomingMessage> {
    const response = begin(`${url}/subscribe?event=ev`);
    let isHere = false;
    void response.then(() => {
      isHere = true;
    });
    await until(() => {
      if (!isHere) bridge.emit("ev", {});
      return isHere;
    });
    return await response;
  }
});

async function untilSaid(response: IncomingMessage, text: string): Promise<void> {
  let said = "";
  await new Promise<void>((resolve) => {
    response.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(text)) resolve();
    });
  });
}
