import { once } from "node:events";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { accessLog } from "../../src/gateway/access-log.js";
import { NodeBridge } from "../../src/gateway/events/node-bridge.js";
import { SharedSubscriptions } from "../../src/gateway/events/shared-subscriptions.js";
import { EventStream, publisher } from "../../src/index.js";
import { SILENT } from "../../src/util/log.js";
import { MemoryBridge } from "../support/memory-bridge.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { useNodes } from "../support/nodes.js";
import { until } from "../support/until.js";
import { ask, jsonOf, openGateway, post, rawConnection } from "../support/web.js";

const NAME = "demo.numbers";

/** A bridge whose dispatcher is away: it subscribes to nothing until it is told to give up. */
class AwayBridge extends MemoryBridge {
  waiting = 0;

  override subscribe(_uri: string, _listener?: unknown, signal?: AbortSignal): Promise<() => Promise<void>> {
    this.waiting++;
    return new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => {
        this.waiting--;
        reject(new Error("given up"));
      });
    });
  }
}

describe("Readers of the web gateway that go, and readers that stay", () => {
  const mesh = useMesh();
  const nodes = useNodes();

  const subscribe = (event: string, header = ""): string =>
    `GET /subscribe?event=${event} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`;

  it("leave nothing behind at gateway and dispatcher, each with an event of its own", async () => {
    const dispatcher = await nodes.dispatcher();
    const { url, gateway } = await openGateway(mesh, { dispatcher: dispatcher.address });
    const connections = await Promise.all(
      Array.from({ length: 1_000 }, async (_, index) => {
        const connection = await rawConnection(mesh, url);
        connection.socket.write(subscribe(`event-${index}`));
        return connection;
      }),
    );
    await until(() => dispatcher.table.length === 1_000);
    for (const { socket } of connections) socket.destroy();
    await until(() => dispatcher.table.length === 0 && gateway.openStreams === 0);
    expect(dispatcher.nodes).to.have.length(1);
  });

  it("leave nothing behind while the dispatcher is away", async () => {
    const bridge = new AwayBridge();
    const { url } = await openGateway(mesh, { events: bridge });
    const stays = await rawConnection(mesh, url);
    stays.socket.write(subscribe("shared"));
    await until(() => bridge.waiting === 1);
    for (let round = 0; round < 3; round++) {
      const connections = await Promise.all(
        ["shared", "one", "two"].map(async (event, index) => {
          const connection = await rawConnection(mesh, url);
          connection.socket.write(subscribe(event, index === 1 ? "Accept: text/event-stream\r\n" : ""));
          return connection;
        }),
      );
      await until(() => bridge.waiting === 3);
      for (const { socket } of connections) socket.destroy();
      await until(() => bridge.waiting === 1);
    }
    stays.socket.destroy();
    await until(() => bridge.waiting === 0);
  });

  it("are given up by the bridge to nodes as soon as nobody waits", async () => {
    const bridge = mesh.own(new NodeBridge({ dispatcher: "tcp://127.0.0.1:1" }));
    const subscriptions = new SharedSubscriptions(bridge, SILENT);
    const joined = ["a", "b", "a"].map((event) => subscriptions.join(event, () => undefined));
    const failures = joined.map(({ begun }) => failureOf(begun));
    expect(subscriptions.size).to.equal(2);
    for (const { leave } of joined) leave();
    await Promise.all(failures);
    await until(() => subscriptions.size === 0);
  });

  it("are over at once where they have gone before they were answered", async () => {
    const streams: EventStream[] = [];
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      response.once("close", () => {
        streams.push(new EventStream(request, response));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const connection = await rawConnection(mesh, `http://127.0.0.1:${port}`);
    const requested = once(server, "request");
    connection.socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await requested;
    connection.socket.destroy();
    await until(() => streams.length === 1);
    await streams[0]?.closed;
    expect(streams[0]?.send({ data: "x" })).to.equal(false);
    await new Promise((resolve) => server.close(resolve));
  });

  it("of the dashboard do not keep a gateway from closing", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const { url, gateway } = await openGateway(mesh, { nameserver, monitor: true, drainMs: 1_000_000 });
    const reader = await rawConnection(mesh, url);
    reader.socket.write("GET /dashboard/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await reader.waitFor(/event: snapshot/);
    await gateway.close();
    await reader.ended;
  });

  it("and do not read take no more memory than they may, and hear of the gap", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const texts = publisher<string>(NAME);
    await mesh.host([texts], { nameserver });
    const { url } = await openGateway(mesh, { nameserver, maxQueuedBytes: 4 * 1024 * 1024 });
    const [slow, quick] = await Promise.all(
      ["slow", "quick"].map(async () => {
        const connection = await rawConnection(mesh, url);
        connection.socket.write(`GET /events/${NAME} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        await connection.waitFor(/retry/);
        return connection;
      }),
    );
    slow?.socket.pause();
    let came = 0;
    quick?.socket.on("data", ({ byteLength }: Buffer) => (came += byteLength));
    for (let n = 1; n <= 40; n++) {
      await texts.publish(`<${n}>${"x".repeat(1024 * 1024)}`);
      // The other one has had it: so has the gateway.
      await until(() => came > n * 1024 * 1024);
    }
    slow?.socket.resume();
    await until(() => slow?.said().includes("<40>") === true);
    expect(slow?.said()).to.match(/event: gap\n[^]*"reason":"buffer"/);
    expect(quick?.said()).to.not.contain("event: gap");
  });

  it("and come back hear nothing twice, however many publishers there were", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const { url } = await openGateway(mesh, { nameserver });
    const publishers = Array.from({ length: 25 }, () => publisher<string>(NAME, { replay: 10 }));
    for (const [index, one] of publishers.entries()) {
      await mesh.host([one], { nameserver, service: `/demo/${index}` });
    }
    const request = `GET /events/${NAME} HTTP/1.1\r\nHost: localhost\r\n`;
    const first = await rawConnection(mesh, url);
    first.socket.write(`${request}\r\n`);
    await first.waitFor(/retry/);
    for (const [index, one] of publishers.entries()) {
      await one.publish(`first of ${index}`);
      await first.waitFor(new RegExp(`first of ${index}"`));
    }
    // That of one of them which is not the last that was heard.
    await publishers[0]?.publish("first of 0 again");
    await first.waitFor(/first of 0 again"/);
    const ids = Array.from(first.said().matchAll(/id: (\S+)\n/g), ([, id = ""]) => id);
    first.socket.destroy();
    await until(() => publishers.every(({ subscribers }) => subscribers.length === 0));
    const second = await rawConnection(mesh, url);
    second.socket.write(`${request}Last-Event-ID: ${ids.at(-1) ?? ""}\r\n\r\n`);
    await until(() => publishers.every(({ subscribers }) => subscribers.length === 1));
    for (const [index, one] of publishers.entries()) await one.publish(`second of ${index}`);
    for (const index of publishers.keys()) await second.waitFor(new RegExp(`second of ${index}"`));
    expect(second.said()).to.not.contain("first of");
    // Those that are not in the id are told of.
    expect(second.said().match(/event: gap/g)).to.have.length(5);
  });

  it("cannot take up by a call what subscribers take up by other ways", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const numbers = publisher<number>(NAME);
    await mesh.host([numbers], { nameserver });
    const { url } = await openGateway(mesh, { nameserver });
    const refused = await post(`${url}/call/${NAME}/subscribe`, { topics: [""], policy: "drop-oldest", buffer: 1 });
    expect(refused.status).to.equal(403);
    expect(jsonOf(refused)).to.include({ code: "ACCESS_DENIED", outcome: "not-sent" });
    expect((await post(`${url}/call/${NAME}/credit`, { token: "x", taken: 1 })).status).to.equal(403);
  });

  it("are not sent the next answer as the rest of a file that shrinks", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lamplighter-web-"));
    const bytes = 64 * 1024 * 1024;
    const path = join(folder, "file.bin");
    writeFileSync(path, Buffer.alloc(bytes));
    const { url } = await openGateway(mesh, { path: folder });
    try {
      const { socket, said, waitFor, ended } = await rawConnection(mesh, url);
      socket.write("GET /file.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await waitFor(/^HTTP\/1\.1 200 OK[^]*content-length: 67108864/);
      socket.pause();
      const file = openSync(path, "r+");
      ftruncateSync(file, 1);
      closeSync(file);
      socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      socket.resume();
      await ended;
      expect(said().length).to.be.below(bytes);
      expect(said().match(/HTTP\/1\.1 /g)).to.have.length(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("write nothing into the access log that speaks to a terminal, and no signature", async () => {
    const lines: string[] = [];
    const { url } = await openGateway(mesh, { handlers: [accessLog((line) => lines.push(line))] });
    const connection = await rawConnection(mesh, url);
    const header = "User-Agent: a\x9b31mb\x85\r\nReferer: http://x/?a=1&signature=geheim\r\nConnection: close";
    connection.socket.write(Buffer.from(`GET /nothing HTTP/1.1\r\nHost: localhost\r\n${header}\r\n\r\n`, "latin1"));
    await connection.ended;
    await until(() => lines.length === 1);
    expect(lines[0]).to.match(/"http:\/\/x\/\?a=1&signature=…" "a\\x9b31mb\\x85"$/);
    expect((await ask(`${url}/nothing`)).status).to.equal(404);
  });
});
