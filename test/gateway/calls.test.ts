import { once } from "node:events";
import { createServer } from "node:http";
import { expect } from "chai";
import { currentCall, defineInterface, registerError, reply, WebGateway } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";
import { authenticator, counter, echo, locked } from "../support/services.js";
import { until } from "../support/until.js";
import { ask, begin, jsonOf, openGateway, post, rawConnection } from "../support/web.js";

describe("HTTP calls", () => {
  const mesh = useMesh();
  let stopped = 0;
  let drained = 0;
  const values = defineInterface("demo.values", {
    methods: {
      kinds: () => ({
        big: 12345678901234567890n,
        when: new Date(0),
        bytes: new Uint8Array([1, 2, 3]),
        map: new Map<unknown, unknown>([[1, "one"]]),
        set: new Set(["a"]),
        nan: NaN,
        like: { $type: "bigint", value: "1" },
        call: () => 1,
        nothing: undefined,
      }),
      typeOf: (value: unknown) => Object.prototype.toString.call(value),
      same: (value: unknown) => value,
      async *count(to: number) {
        try {
          for (let n = 0; n < to; n++) yield { n };
        } finally {
          stopped++;
        }
      },
      async *breaks() {
        yield 1;
        throw new Error("inside");
      },
      wait: () =>
        new Promise((_resolve, reject) => {
          const { signal } = currentCall();
          signal.addEventListener("abort", () => {
            stopped++;
            reject(new Error("given up"));
          });
        }),
      copy: {
        params: ["name", "data"],
        attachments: { incoming: "data", outgoing: "copy", stream: true },
        results: ["name", "copy"],
        run: (name: string, data: ReadableStream<Uint8Array>) => ({ name, copy: data }),
      },
      drain: {
        params: ["data"],
        attachments: { incoming: "data", stream: true },
        run: async (data: ReadableStream<Uint8Array>) => {
          try {
            for await (const chunk of data) drained += chunk.byteLength;
          } finally {
            stopped++;
          }
        },
      },
      note: {
        params: ["text", "data"],
        attachments: { incoming: "data", outgoing: "data" },
        results: ["text", "data"],
        run: (text: string, data: Uint8Array | null) => [text, data],
      },
      late: () => reply("later", { attachment: new Uint8Array(2) }),
    },
  });

  async function open(options: ConstructorParameters<typeof WebGateway>[0] = {}) {
    stopped = 0;
    drained = 0;
    const nameserver = await mesh.nameserver();
    const host = await mesh.host([echo, counter, locked, authenticator, values], {
      nameserver: nameserver.address,
      service: "/demo/all",
    });
    return { ...(await openGateway(mesh, { nameserver: nameserver.address, ...options })), nameserver, host };
  }

  it("takes an array in order, an object by name, everything else as one argument, and gives the raw result", async () => {
    const { url } = await open();
    const add = `${url}/call/demo.echo/add`;
    expect(jsonOf(await post(add, [1, 2]))).to.equal(3);
    expect(jsonOf(await post(add, { a: 1, b: 2, c: 3 }))).to.equal(6);
    expect(jsonOf(await post(`${url}/call/demo.echo/echo`, "text"))).to.equal("text");
    expect(jsonOf(await post(`${url}/call/demo.echo/echo`, [[1, 2]]))).to.deep.equal([1, 2]);
    expect(jsonOf(await ask(`${url}/call/demo.echo/echo`, { method: "POST" }))).to.equal(null);
    expect(jsonOf(await post(`${url}/call/demo.echo/one`, [5]))).to.deep.equal({ value: 5 });
    const { headers } = await post(add, [1, 2]);
    expect(headers).to.include({ "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
  });

  it("carries what JSON has no form for, both ways", async () => {
    const { url } = await open();
    const at = `${url}/call/demo.values`;
    expect(jsonOf(await ask(`${at}/kinds`, { method: "POST" }))).to.deep.equal({
      big: { $type: "bigint", value: "12345678901234567890" },
      when: { $type: "date", value: "1970-01-01T00:00:00.000Z" },
      bytes: { $type: "bytes", value: "AQID" },
      map: { $type: "map", value: [[1, "one"]] },
      set: { $type: "set", value: ["a"] },
      nan: { $type: "number", value: "NaN" },
      like: { $type: "object", value: { $type: "bigint", value: "1" } },
      call: { $type: "reference", value: "function" },
    });
    for (const [type, value, tag] of [
      ["bigint", "-5", "BigInt"],
      ["date", "2026-01-31T12:00:00Z", "Date"],
      ["bytes", "AQID", "Uint8Array"],
      ["map", [[1, 2]], "Map"],
      ["set", [1], "Set"],
      ["number", "-Infinity", "Number"],
      ["object", { $type: "bigint", value: "1" }, "Object"],
    ] as const) {
      expect(jsonOf(await post(`${at}/typeOf`, [{ $type: type, value }])), type).to.equal(`[object ${tag}]`);
      const kept = jsonOf(await post(`${at}/same`, [{ $type: type, value }])) as { $type: string };
      expect(kept.$type).to.equal(type);
    }
    const wrong = await post(`${at}/same`, [{ deep: [{ $type: "bigint", value: "x" }] }]);
    expect(wrong.status).to.equal(400);
    expect(wrong.text).to.contain("[0].deep[0]");
  });

  it("answers failures as problems, with a status by code", async () => {
    const { url } = await open();
    const problem = async (path: string, value: unknown, headers = {}) => {
      const answer = await post(`${url}/call/${path}`, value, headers);
      expect(answer.headers["content-type"]).to.equal("application/problem+json");
      const told = jsonOf(answer) as Record<string, unknown>;
      expect(told.status).to.equal(answer.status);
      expect(answer.text).to.not.match(/node:|\.ts:|\bat .*\(/);
      return told;
    };
    expect(await problem("demo.echo/add", ["x", 1])).to.include({
      status: 400,
      code: "BAD_REQUEST",
      outcome: "not-sent",
    });
    expect(await problem("demo.echo/nope", [])).to.include({
      status: 404,
      code: "METHOD_NOT_FOUND",
      outcome: "not-sent",
    });
    expect(await problem("demo.echo/toString", [])).to.include({ status: 404, code: "METHOD_NOT_FOUND" });
    expect(await problem("demo.absent/x", [])).to.include({ status: 404, code: "SERVICE_NOT_FOUND" });
    expect(await problem("demo.echo/fail", [100500, "sold out"])).to.include({
      status: 500,
      code: "UNKNOWN",
      number: 100500,
      outcome: "executed",
      detail: "sold out",
      service: "/demo/all",
      method: "fail",
    });
    const crash = await problem("demo.echo/crash", []);
    expect(crash).to.include({ status: 500, outcome: "executed" });
    expect(JSON.stringify(crash)).to.not.contain("a secret");
    expect(await problem("demo.values/wait", [], { "x-timeout-ms": "50" })).to.include({
      status: 504,
      code: "TIMEOUT",
    });
    expect(await problem("demo.values/wait", [], { "x-timeout-ms": "soon" })).to.include({ status: 400 });
  });

  it("tells of errors of registered classes by name", async () => {
    class SoldOut extends Error {
      override name = "SoldOut";
      readonly left = 3;
    }
    registerError(SoldOut, { name: "demo.SoldOut" });
    const { url, nameserver } = await open();
    const shop = defineInterface("demo.shop", {
      methods: {
        buy: () => {
          throw new SoldOut("no tea");
        },
      },
    });
    await mesh.host([shop], { nameserver: nameserver.address });
    const answer = await post(`${url}/call/demo.shop/buy`, null);
    expect(answer.status).to.equal(500);
    expect(jsonOf(answer)).to.deep.include({ code: "UNKNOWN", outcome: "executed", detail: "no tea", method: "buy" });
    expect(jsonOf(answer)).to.deep.include({ name: "demo.SoldOut", data: { name: "SoldOut", left: 3 } });
    expect(answer.text).to.not.match(/\bat .*\(/);
  });

  it("says 503 and when to come back where nothing was executed", async () => {
    const { url, nameserver } = await open();
    await nameserver.close();
    const { status, headers, text } = await post(`${url}/call/demo.never/x`, [], { "x-timeout-ms": "300" });
    expect([503, 504], text).to.include(status);
    if (status === 503) expect(headers["retry-after"]).to.equal("1");
    expect(JSON.parse(text)).to.include({ outcome: "not-sent" });
  });

  it("caps the deadline that a request may name", async () => {
    const { url } = await open({ maxTimeoutMs: 50 });
    expect((await post(`${url}/call/demo.values/wait`, [], { "x-timeout-ms": "60000" })).status).to.equal(504);
  });

  it("cancels the call when its caller goes away", async () => {
    const { url } = await open();
    const asked = new AbortController();
    const called = fetch(`${url}/call/demo.values/wait`, { method: "POST", signal: asked.signal }).catch(() => "gone");
    const { gateway } = await openGateway(mesh);
    expect(gateway.openStreams).to.equal(0);
    await post(`${url}/call/demo.echo/echo`, 1);
    asked.abort();
    expect(await called).to.equal("gone");
    await until(() => stopped === 1);
  });

  it("chooses a service by name and tags, from header or query", async () => {
    const { url, nameserver } = await open();
    const who = (name: string) => defineInterface("demo.who", { methods: { name: () => name } });
    await mesh.host([who("one")], { nameserver: nameserver.address, service: "/who/1", tags: ["red"] });
    await mesh.host([who("two")], { nameserver: nameserver.address, service: "/who/2", tags: ["red", "large"] });
    const name = `${url}/call/demo.who/name`;
    expect(jsonOf(await ask(name, { method: "POST", headers: { "x-service": "/who/1" } }))).to.equal("one");
    expect(jsonOf(await ask(`${name}?service=/who/2`, { method: "POST" }))).to.equal("two");
    expect(jsonOf(await ask(`${name}?tags=red,large`, { method: "POST" }))).to.equal("two");
    expect((await ask(`${name}?tags=blue`, { method: "POST" })).status).to.equal(404);
  });

  it("gives each caller a session of its own, to be taken up by its id", async () => {
    const { url } = await open();
    const count = `${url}/call/demo.counter/counter`;
    const first = await ask(count, { method: "POST" });
    expect(jsonOf(first)).to.deep.equal({ count: 1 });
    expect(jsonOf(await ask(count, { method: "POST" }))).to.deep.equal({ count: 1 });
    const session = String(first.headers["x-session-id"]);
    expect(first.headers["x-service"]).to.equal("/demo/all");
    const again = await ask(count, { method: "POST", headers: { "x-session-id": session, "x-service": "/demo/all" } });
    expect(jsonOf(again)).to.deep.equal({ count: 2 });
    const foreign = await ask(count, { method: "POST", headers: { "x-session-id": "nobody's" } });
    expect(foreign.status).to.equal(409);
    expect(jsonOf(foreign)).to.include({ code: "SESSION_EXPIRED", outcome: "not-executed" });
  });

  it("hands on the caller's token, and asks for one where it is missing", async () => {
    const { url } = await open();
    const who = `${url}/call/demo.locked/whoami`;
    const anonymous = await ask(who, { method: "POST" });
    expect(anonymous.status).to.equal(401);
    expect(anonymous.headers["www-authenticate"]).to.equal("Bearer");
    const wrong = await ask(who, { method: "POST", headers: { authorization: "Bearer wrong" } });
    expect(wrong.status).to.equal(403);
    expect(wrong.text).to.not.contain("wrong");
    const known = await ask(who, { method: "POST", headers: { authorization: "Bearer token-of-ann" } });
    expect(jsonOf(known)).to.equal("ann");
    // One caller's token is not the next one's.
    expect((await ask(who, { method: "POST" })).status).to.equal(401);
  });

  it("asks with its own caller's token and deadline, wherever it was started", async () => {
    const { nameserver } = await open();
    let url = "";
    const starter = defineInterface("demo.starter", {
      methods: {
        start: async () => {
          ({ url } = await openGateway(mesh, { nameserver: nameserver.address }));
        },
      },
    });
    await mesh.host([starter], { nameserver: nameserver.address });
    const client = mesh.client({ nameserver: nameserver.address });
    await client.authenticate({ token: "token-of-ann" });
    await client.component("demo.starter").invoke("start");
    expect((await ask(`${url}/call/demo.locked/whoami`, { method: "POST" })).status).to.equal(401);
  });

  it("offers neither the mesh's own interfaces nor what allow does not name", async () => {
    const { url, nameserver } = await open();
    for (const path of ["org.pycom.nameserver/stat", "org.pycom.authenticator/validate", "lamplighter.host/stat"]) {
      expect((await post(`${url}/call/${path}`, {})).status, path).to.equal(403);
    }
    const some = await openGateway(mesh, {
      nameserver: nameserver.address,
      allow: ["demo.echo/add", "demo.coun*", "org.pycom.nameserver/stat", "org.*"],
    });
    const status = async (path: string, value: unknown) => (await post(`${some.url}/call/${path}`, value)).status;
    expect(await status("demo.echo/add", [1, 2])).to.equal(200);
    expect(await status("demo.echo/echo", [1])).to.equal(403);
    expect(await status("demo.counter/counter", null)).to.equal(200);
    expect(await status("org.pycom.nameserver/stat", null)).to.equal(200);
    expect(await status("org.pycom.nameserver/list_services", {})).to.equal(403);
  });

  it("streams lines of JSON, and server-sent events to who asks for them", async () => {
    const { url } = await open();
    const count = `${url}/call/demo.values/count`;
    const lines = await post(count, [3]);
    expect(lines.headers["content-type"]).to.equal("application/x-ndjson");
    expect(lines.text).to.equal('{"n":0}\n{"n":1}\n{"n":2}\n');
    const events = await post(count, [2], { accept: "text/event-stream" });
    expect(events.headers["content-type"]).to.equal("text/event-stream; charset=utf-8");
    expect(events.text).to.contain('data: {"n":0}\n\ndata: {"n":1}\n\nevent: end\n');
    await until(() => stopped === 2);
  });

  it("ends a stream that fails with its problem, and not as if it were whole", async () => {
    const { url } = await open();
    const response = await begin(`${url}/call/demo.values/breaks`, { method: "POST" });
    let text = "";
    const failure: unknown = await (async () => {
      for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString();
    })().catch((error: unknown) => error);
    expect(failure).to.have.property("code", "ECONNRESET");
    const [first, last] = text.trim().split("\n");
    expect(first).to.equal("1");
    expect(JSON.parse(last ?? "")).to.have.nested.property("value.code", "UNKNOWN");
    const events = await ask(`${url}/call/demo.values/breaks`, {
      method: "POST",
      headers: { accept: "text/event-stream" },
    });
    expect(events.text).to.match(/data: 1\n\nevent: problem\ndata: \{.*"status":500/);
  });

  it("ends the generator when the reader of its stream goes", async () => {
    const { url, gateway } = await open();
    const response = await begin(`${url}/call/demo.values/count`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "[1000000000]",
    });
    await once(response, "readable");
    expect(gateway.openStreams).to.equal(1);
    response.destroy();
    await until(() => stopped === 1);
    await until(() => gateway.openStreams === 0);
  });

  it("takes as many streams as it may", async () => {
    const { url } = await open({ maxStreams: 1 });
    const call = { method: "POST", headers: { "content-type": "application/json" }, body: "[1000000000]" };
    const first = await begin(`${url}/call/demo.values/count`, call);
    const second = await ask(`${url}/call/demo.values/count`, call);
    expect(second.status).to.equal(503);
    expect(jsonOf(second)).to.include({ code: "OVERLOADED" });
    first.destroy();
    await until(() => stopped === 2);
  });

  it("takes an attachment as the body, and gives one", async () => {
    const { url } = await open();
    const digest = await ask(`${url}/call/demo.echo/digest`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: Buffer.alloc(100_000, 1),
    });
    expect(jsonOf(digest)).to.have.property("size", 100_000);
    const blob = await post(`${url}/call/demo.echo/blob`, [3]);
    expect(blob.headers).to.include({ "content-type": "application/octet-stream", "x-result": '{"size":3}' });
    expect([...blob.bytes]).to.deep.equal([7, 7, 7]);
    const json = await post(`${url}/call/demo.echo/blob`, [3], { accept: "application/json" });
    expect(jsonOf(json)).to.deep.equal({ size: 3, data: { $type: "bytes", value: "BwcH" } });
    const undeclared = await ask(`${url}/call/demo.values/late`, { method: "POST" });
    expect(undeclared.bytes.byteLength).to.equal(2);
    expect(undeclared.headers["x-result"]).to.equal('"later"');
  });

  it("takes arguments beside an attachment from header, query or form", async () => {
    const { url } = await open();
    const note = `${url}/call/demo.values/note`;
    const headers = { "content-type": "application/octet-stream" };
    const body = Buffer.from("data");
    const byHeader = await ask(note, {
      method: "POST",
      headers: { ...headers, "x-arguments": '{"text": "gr\\u00fcn"}' },
      body,
    });
    expect(byHeader.headers["x-result"]).to.equal('{"text":"gr\\u00fcn"}');
    expect(byHeader.text).to.equal("data");
    const byQuery = await ask(`${note}?args=${encodeURIComponent('["q"]')}`, { method: "POST", headers, body });
    expect(byQuery.headers["x-result"]).to.equal('{"text":"q"}');
    const form = new FormData();
    form.set("args", '{"text": "f"}');
    form.set("data", new Blob(["of a form"]), "data.txt");
    const byForm = await fetch(note, { method: "POST", body: form });
    expect(byForm.headers.get("x-result")).to.equal('{"text":"f"}');
    expect(await byForm.text()).to.equal("of a form");
  });

  it("gives attachment and result as JSON where the result is too long for a header", async () => {
    const { url } = await open();
    const text = "x".repeat(5_000);
    const answer = await post(`${url}/call/demo.values/note`, { text, data: { $type: "bytes", value: "AQID" } });
    expect(jsonOf(answer)).to.deep.equal({ text, data: { $type: "bytes", value: "AQID" } });
  });

  it("passes attachments on while they come, both ways", async () => {
    const { url } = await open({ maxBodyBytes: 1_000 });
    const size = 3 * 1024 * 1024;
    const part = Buffer.alloc(64 * 1024, 5);
    let sent = 0;
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(part);
        sent += part.byteLength;
        if (sent >= size) controller.close();
      },
    });
    const response = await fetch(`${url}/call/demo.values/copy`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream", "x-arguments": '["big"]' },
      body: source,
      duplex: "half",
    });
    expect(response.headers.get("x-result")).to.equal('{"name":"big"}');
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.byteLength).to.equal(size);
    expect(body.every((byte) => byte === 5)).to.equal(true);
  });

  it("passes no more on than it may, and ends what the sender has broken off", async () => {
    const { url } = await open({ maxStreamBytes: 1_000_000 });
    const headers = { "content-type": "application/octet-stream" };
    const tooLong = await ask(`${url}/call/demo.values/drain`, {
      method: "POST",
      headers,
      body: Buffer.alloc(2_000_000),
    });
    expect(tooLong.status).to.equal(413);
    expect(jsonOf(tooLong)).to.include({ code: "TOO_LARGE", outcome: "executed" });
    drained = 0;
    const connection = await rawConnection(mesh, url);
    connection.socket.write(
      "POST /call/demo.values/drain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 900000\r\n\r\n",
    );
    connection.socket.write(Buffer.alloc(100_000));
    await until(() => drained > 0);
    connection.socket.destroy();
    await until(() => stopped === 2);
  });

  it("spreads calls over providers", async () => {
    const { url, nameserver } = await open({ balance: "round-robin" });
    for (const name of ["one", "two"]) {
      const who = defineInterface("demo.who", { methods: { name: () => name } });
      await mesh.host([who], { nameserver: nameserver.address, service: `/who/${name}` });
    }
    const names = new Set<unknown>();
    for (let n = 0; n < 4; n++) names.add(jsonOf(await ask(`${url}/call/demo.who/name`, { method: "POST" })));
    expect([...names]).to.have.members(["one", "two"]);
  });

  it("is a listener for servers of others, below a prefix, and leaves the rest to them", async () => {
    const { nameserver } = await open();
    const gateway = mesh.own(new WebGateway({ nameserver: nameserver.address, prefix: "/api" }));
    const server = createServer((request, response) => {
      gateway.listener(request, response, () => response.end(`mine: ${request.url ?? ""}`));
    });
    mesh.own({ close: () => server.close() });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const url = `http://127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`;
    expect(jsonOf(await post(`${url}/api/call/demo.echo/add`, [1, 2]))).to.equal(3);
    expect((await ask(`${url}/page`)).text).to.equal("mine: /page");
    expect((await ask(`${url}/api/unknown`)).text).to.equal("mine: /api/unknown");
    expect((await ask(`${url}/apix`)).text).to.equal("mine: /apix");
  });

  it("asks handlers of others first", async () => {
    const { url } = await open({
      handlers: [
        (_request, response, { pathname }) => {
          if (pathname !== "/mine") return false;
          response.end("mine");
          return true;
        },
        (_request, _response, { pathname }) => {
          if (pathname === "/broken") throw new Error("a secret");
          return false;
        },
      ],
    });
    expect((await ask(`${url}/mine`)).text).to.equal("mine");
    const broken = await ask(`${url}/broken`);
    expect(broken.status).to.equal(500);
    expect(broken.text).to.not.contain("secret");
    expect((await ask(`${url}/other`)).status).to.equal(404);
  });

  it("finds a service that came back elsewhere", async () => {
    const { url, nameserver, host } = await open();
    expect(jsonOf(await post(`${url}/call/demo.echo/add`, [1, 2]))).to.equal(3);
    await host.close();
    await mesh.host([echo], { nameserver: nameserver.address, service: "/demo/all" });
    expect(jsonOf(await post(`${url}/call/demo.echo/add`, [1, 2]))).to.equal(3);
  });
});
