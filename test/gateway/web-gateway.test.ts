import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Client, WebGateway, type WebGatewayOptions } from "../../src/index.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { counter, echo, locked } from "../support/services.js";
import { ask, jsonOf, openGateway, post, rawConnection } from "../support/web.js";

describe("The web gateway", () => {
  const mesh = useMesh();

  async function open(options: WebGatewayOptions = {}) {
    const nameserver = await mesh.nameserver();
    const host = await mesh.host([echo, counter, locked], { nameserver: nameserver.address, service: "/demo/all" });
    return { ...(await openGateway(mesh, { nameserver: nameserver.address, ...options })), nameserver, host };
  }

  it("says that it lives, and whether it finds services", async () => {
    const { url, nameserver } = await open();
    for (const path of ["/health", "/health/live", "/health/ready"]) {
      const answer = await ask(url + path);
      expect(answer.status).to.equal(200);
      expect(jsonOf(answer)).to.include({ status: "ok" });
    }
    expect(jsonOf(await ask(`${url}/health`))).to.have.nested.property("nameserver.reachable", true);
    expect((await ask(`${url}/health/live`, { method: "HEAD" })).text).to.equal("");
    expect((await ask(`${url}/health`, { method: "DELETE" })).headers.allow).to.equal("GET, HEAD");
    await nameserver.close();
    const lonely = await openGateway(mesh, { nameserver: nameserver.address });
    expect((await ask(`${lonely.url}/health/live`)).status).to.equal(200);
    const ready = await ask(`${lonely.url}/health/ready`);
    expect(ready.status).to.equal(503);
    expect(jsonOf(ready)).to.deep.include({
      status: "degraded",
      nameserver: { reachable: false, code: "UNAVAILABLE" },
    });
    expect((await ask(`${lonely.url}/health`)).status).to.equal(200);
  });

  it("describes what can be called", async () => {
    const { url, nameserver } = await open({ title: "Demo" });
    const described = await ask(`${url}/openapi.json`);
    expect(described.status).to.equal(200);
    const api = jsonOf(described) as {
      openapi: string;
      info: unknown;
      tags: unknown;
      paths: Record<string, { post: Record<string, unknown> }>;
    };
    expect(api.openapi).to.equal("3.1.0");
    expect(api.info).to.deep.equal({ title: "Demo", version: "1" });
    expect(api.tags).to.deep.equal([
      { name: "demo.counter" },
      { name: "demo.echo", description: "Demo." },
      // demo.locked tells its contract only to who is known.
    ]);
    expect(Object.keys(api.paths)).to.include.members(["/call/demo.echo/add", "/call/demo.echo/__proto__"]);
    expect(Object.keys(api.paths).join()).to.not.contain("nameserver");
    const { post: add } = api.paths["/call/demo.echo/add"] ?? { post: {} };
    expect(add).to.include({ operationId: "demo.echo.add", "x-idempotent": true });
    expect(add)
      .to.have.nested.property("requestBody.content.application/json.schema.oneOf")
      .with.deep.members([
        {
          title: "By name",
          type: "object",
          properties: { a: { type: "number" }, b: { type: "number" }, c: { type: "number" } },
          required: ["a", "b"],
        },
        {
          title: "In order",
          type: "array",
          prefixItems: [{ type: "number" }, { type: "number" }, { type: "number" }],
          maxItems: 3,
        },
      ]);
    expect(JSON.stringify(api.paths["/call/demo.echo/blob"])).to.contain("X-Result");
    expect(JSON.stringify(api.paths["/call/demo.echo/digest"])).to.contain("multipart/form-data");
    const some = await openGateway(mesh, { nameserver: nameserver.address, allow: "demo.echo/add", prefix: "/api" });
    const fewer = jsonOf(await ask(`${some.url}/api/openapi.json`)) as { paths: object; servers: unknown };
    expect(Object.keys(fewer.paths)).to.deep.equal(["/call/demo.echo/add"]);
    expect(fewer.servers).to.deep.equal([{ url: "/api" }]);
    // Every reference leads somewhere.
    for (const [, path = ""] of described.text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = path.split("/").reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], api);
      expect(target, path).to.be.an("object");
    }
  });

  it("serves the files of a folder, and nothing else", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lamplighter-web-"));
    try {
      const root = join(folder, "root");
      mkdirSync(join(root, "sub"), { recursive: true });
      writeFileSync(join(folder, "secret.txt"), "secret");
      writeFileSync(join(root, "index.html"), "<p>home");
      writeFileSync(join(root, "a b.txt"), "");
      writeFileSync(join(root, ".hidden"), "secret");
      writeFileSync(join(root, "sub", "page.rpy"), "secret of a program");
      symlinkSync(join(folder, "secret.txt"), join(root, "link.txt"));
      symlinkSync(folder, join(root, "up"));
      const { url } = await open({ path: root });
      const home = await ask(`${url}/`);
      expect(home.text).to.equal("<p>home");
      expect(home.headers).to.include({
        "content-type": "text/html; charset=utf-8",
        "x-content-type-options": "nosniff",
      });
      expect((await ask(`${url}/a%20b.txt`)).status).to.equal(200);
      const since = { "if-modified-since": String(home.headers["last-modified"]) };
      expect((await ask(`${url}/index.html`, { headers: since })).status).to.equal(304);
      expect((await ask(`${url}/`, { method: "POST", body: "" })).status).to.equal(405);
      for (const path of [
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/..%5c..%5csecret.txt",
        "//secret.txt",
        "/.hidden",
        "/link.txt",
        "/up/secret.txt",
        "/index.html%00.txt",
        "/sub/page.rpy",
        "/sub",
        "/%",
      ]) {
        const connection = await rawConnection(mesh, url);
        connection.socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
        await connection.ended;
        expect(connection.said(), path).to.match(/^HTTP\/1\.1 40[04]/);
        expect(connection.said(), path).to.not.contain("secret of");
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("listens where it is told, and warns where others can reach it", async () => {
    const { log, lines } = keepLog();
    const gateway = mesh.own(new WebGateway({ nameserver: "tcp://127.0.0.1:1", log }));
    expect(gateway.address).to.equal(undefined);
    const url = await gateway.listen("localhost:0");
    expect(url).to.match(/^http:\/\/localhost:\d+$/);
    expect(gateway.address).to.equal(url);
    expect(lines("warn")).to.deep.equal([]);
    expect(await failureOf(gateway.listen("127.0.0.1:0"))).to.include({ code: "CONFIGURATION" });
    const second = mesh.own(new WebGateway({ nameserver: "tcp://127.0.0.1:1", log }));
    const taken = await failureOf(second.listen(url.replace("http://", "")));
    expect(taken).to.include({ code: "CONFIGURATION" });
    expect(taken.message).to.contain("in use");
    expect(await failureOf(second.listen("nowhere:at:all"))).to.include({ code: "CONFIGURATION" });
    await second.listen("0.0.0.0:0");
    expect(lines("warn").join()).to.contain("everybody there may call");
    await gateway.close();
    expect(gateway.address).to.equal(undefined);
    await gateway.close();
    expect(await failureOf(gateway.listen("127.0.0.1:0"))).to.include({ code: "CLOSED" });
    const hasty = new WebGateway({ nameserver: "tcp://127.0.0.1:1" });
    const starting = hasty.listen("127.0.0.1:0");
    await hasty.close();
    await starting;
    expect(hasty.address).to.equal(undefined);
  });

  it("leaves a client that it was given open", async () => {
    const { nameserver } = await open();
    const client = mesh.own(new Client({ nameserver: nameserver.address }));
    const { url, gateway } = await openGateway(mesh, { client });
    expect(jsonOf(await post(`${url}/call/demo.echo/add`, [1, 2]))).to.equal(3);
    await gateway.close();
    expect(await client.locate<{ add(a: number, b: number): number }>("demo.echo").add(1, 2)).to.equal(3);
  });

  it("answers what is under way when it closes", async () => {
    const { url, gateway } = await open({ drainMs: 5_000 });
    const connection = await rawConnection(mesh, url);
    connection.socket.write(
      "POST /call/demo.echo/slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n[100]",
    );
    await post(`${url}/call/demo.echo/add`, [1, 2]);
    await gateway.close();
    await connection.ended;
    expect(connection.said()).to.match(/^HTTP\/1\.1 200[^]*"slept"$/);
  });

  it("keeps pages of other sites out, unless their origin is named", async () => {
    const { url } = await open({ origins: ["https://app.example"] });
    const add = `${url}/call/demo.echo/add`;
    const from = (origin: string) => post(add, [1, 2], { origin });
    const foreign = await from("https://evil.example");
    expect(foreign.status).to.equal(403);
    expect(foreign.headers).to.not.have.property("access-control-allow-origin");
    expect((await from("null")).status).to.equal(403);
    expect((await from("https://app.example.evil")).status).to.equal(403);
    const own = await from(url);
    expect(own.status).to.equal(200);
    const allowed = await from("https://app.example");
    expect(allowed.status).to.equal(200);
    expect(allowed.headers).to.include({ "access-control-allow-origin": "https://app.example", vary: "Origin" });
    const preflight = (origin: string) =>
      ask(add, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    const yes = await preflight("https://app.example");
    expect(yes.status).to.equal(204);
    expect(yes.headers["access-control-allow-headers"]).to.contain("content-type");
    expect((await preflight("https://evil.example")).status).to.equal(403);
    const picture = await ask(add, { method: "POST", headers: { "sec-fetch-site": "cross-site" } });
    expect(picture.status).to.equal(403);
  });

  it("answers under its own names only, on loopback", async () => {
    const { url } = await open({ hosts: ["gateway.example"] });
    const { port } = new URL(url);
    const named = async (host: string) => (await ask(`${url}/health/live`, { headers: { host } })).status;
    for (const host of [`localhost:${port}`, "LOCALHOST", "127.0.0.1", `[::1]:${port}`, "gateway.example:80"]) {
      expect(await named(host), host).to.equal(200);
    }
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "localhost.evil"]) {
      expect(await named(host), host).to.equal(421);
    }
    const any = await openGateway(mesh, { nameserver: "tcp://127.0.0.1:1", hosts: "any" });
    expect((await ask(`${any.url}/health/live`, { headers: { host: "evil.example" } })).status).to.equal(200);
  });

  it("refuses options that are wrong", () => {
    for (const options of [
      { timeoutMs: 0 },
      { maxBodyBytes: NaN },
      { prefix: "api" },
      { prefix: "/api/" },
      { origins: ["https://app.example/"] },
      { origins: ["*"] },
      { allow: "a*b" },
      { allow: [] },
      { hosts: "localhost" as "any" },
      { log: {} as never },
    ]) {
      expect(() => new WebGateway(options), JSON.stringify(options))
        .to.throw()
        .with.property("code", "CONFIGURATION");
    }
    const client = mesh.client();
    expect(() => new WebGateway({ client, nameserver: "tcp://127.0.0.1:1" })).to.throw("not both");
  });
});
