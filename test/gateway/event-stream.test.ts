import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { expect } from "chai";
import { EventStream } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";
import { rawConnection } from "../support/web.js";

describe("EventStream", () => {
  const mesh = useMesh();

  /** A connection to a server that answers with what the test makes of it. */
  async function connect(header: string, answer: (request: IncomingMessage, response: ServerResponse) => void) {
    const server = createServer(answer);
    mesh.own({
      close: () => {
        server.close();
        server.closeAllConnections();
      },
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const port = typeof bound === "object" && bound ? bound.port : 0;
    const connection = await rawConnection(mesh, `http://127.0.0.1:${port}`);
    connection.socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${header}\r\n`);
    return connection;
  }

  it("sends events with names, ids and lines, which cannot break out of their fields", async () => {
    const connection = await connect("Last-Event-ID: 7\r\n", (request, response) => {
      const stream = new EventStream(request, response, { retryMs: 5 });
      stream.send({ data: `after ${EventStream.lastEventId(request) ?? ""}` });
      stream.send({ event: "a\nid: 9", id: "8\r\ndata: x", data: "one\r\ntwo\rthree\nfour" });
      stream.close();
      expect(stream.send({ data: "too late" })).to.equal(false);
      stream.close();
    });
    await connection.ended;
    const said = connection.said();
    expect(said).to.match(/content-type: text\/event-stream; charset=utf-8\r\n/i);
    expect(said).to.contain("retry: 5\n\n");
    expect(said).to.contain("data: after 7\n\n");
    expect(said).to.contain("event: a id: 9\nid: 8  data: x\ndata: one\ndata: two\ndata: three\ndata: four\n\n");
    expect(said).to.not.contain("too late");
  });

  it("says that it lives when nothing is sent", async () => {
    const connection = await connect("", (request, response) => {
      expect(new EventStream(request, response, { keepAliveMs: 1 }).isClosed).to.equal(false);
    });
    await connection.waitFor(/:\n\n[^]*:\n\n/);
  });

  it("waits for who reads slowly, and gives up who does not read", async () => {
    let stream: EventStream | undefined;
    const connection = await connect("", (request, response) => {
      stream = new EventStream(request, response, { maxQueuedBytes: 1_000_000 });
      void (async () => {
        for (let n = 0; n < 30; n++) {
          stream.send({ data: "x".repeat(100_000) });
          await stream.drained();
        }
        stream.send({ event: "done", data: "" });
      })();
    });
    await connection.waitFor(/event: done/);
    // Now without waiting, to somebody who has stopped.
    connection.socket.pause();
    await until(() => stream?.send({ data: "x".repeat(100_000) }) === false);
    await stream?.closed;
    expect(stream?.isClosed).to.equal(true);
    await stream?.drained();
  });
});
