import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { type Publication, publisher, type WebGatewayOptions } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";
import { ask, jsonOf, openGateway, rawConnection } from "../support/web.js";

const NAME = "demo.numbers";

describe("HTTP publications", () => {
  const mesh = useMesh();

  async function open(numbers: Publication<number>, options: WebGatewayOptions = {}) {
    const { address: nameserver } = await mesh.nameserver();
    const host = await mesh.host([numbers], { nameserver, service: "/demo" });
    return { host, nameserver, ...(await openGateway(mesh, { nameserver, ...options })) };
  }

  async function read(url: string, path: string, headers = "") {
    const connection = await rawConnection(mesh, url);
    connection.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
    return connection;
  }

  /** Ids and data of the events that came. */
  const eventsOf = (said: string): { event: string; id: string; data: unknown }[] =>
    Array.from(
      said.matchAll(/(?:event: (\S+)\n)?(?:id: (\S+)\n)?data: (.*)\n\n/g),
      ([, event = "message", id = "", data = ""]) => ({
        event,
        id,
        data: JSON.parse(data) as unknown,
      }),
    );

  it("sends values as events, and only of the topics that are asked for", async () => {
    const numbers = publisher<number>(NAME);
    const { url } = await open(numbers);
    const all = await read(url, `/events/${NAME}`);
    const some = await read(url, `/events/${NAME}?topic=b&topic=c.&full`);
    await Promise.all([all.waitFor(/text\/event-stream/), some.waitFor(/text\/event-stream/)]);
    await numbers.publish(1, { topic: "a" });
    await numbers.publish(2, { topic: "bee" });
    await numbers.publish(3, { topic: "c.d" });
    await all.waitFor(/data: 3\n/);
    await some.waitFor(/"value":3/);
    expect(eventsOf(all.said()).map(({ data }) => data)).to.have.members([1, 2, 3]);
    expect(eventsOf(some.said()).map(({ data }) => (data as { topic: string }).topic)).to.have.members(["bee", "c.d"]);
    expect(eventsOf(some.said())[0]?.data).to.include({ service: "/demo" });
  });

  it("goes on after the last event that a browser has seen, and tells what is not kept", async () => {
    const numbers = publisher<number>(NAME, { replay: 2 });
    const { url } = await open(numbers);
    const first = await read(url, `/events/${NAME}`);
    await first.waitFor(/retry/);
    await numbers.publish(1);
    await first.waitFor(/data: 1\n/);
    const id = eventsOf(first.said())[0]?.id ?? "";
    first.socket.destroy();
    await until(() => numbers.subscribers.length === 0);
    await numbers.publish(2);
    await turn();
    const second = await read(url, `/events/${NAME}`, `Last-Event-ID: ${id}\r\n`);
    await second.waitFor(/data: 2\n/);
    second.socket.destroy();
    for (let n = 3; n <= 6; n++) {
      await numbers.publish(n);
      await turn();
    }
    const third = await read(url, `/events/${NAME}`, `Last-Event-ID: ${id}\r\n`);
    await third.waitFor(/data: 6\n/);
    expect(
      eventsOf(third.said()).map(({ event, data }) => [event, (data as { missed?: number }).missed ?? data]),
    ).to.deep.equal([
      ["gap", 3],
      ["message", 5],
      ["message", 6],
    ]);
    const nonsense = await read(url, `/events/${NAME}?replay=1`, "Last-Event-ID: nonsense\r\n");
    await nonsense.waitFor(/data: 6\n/);
  });

  it("ends the subscription with the connection, of a thousand readers as of one", async () => {
    const numbers = publisher<number>(NAME);
    const { url, gateway } = await open(numbers);
    const readers = await Promise.all(Array.from({ length: 1_000 }, () => read(url, `/events/${NAME}`)));
    await until(() => numbers.subscribers.length === 1_000);
    await numbers.publish(7);
    await Promise.all(readers.map((reader) => reader.waitFor(/data: 7\n/)));
    for (const { socket } of readers) socket.destroy();
    await until(() => numbers.subscribers.length === 0 && gateway.openStreams === 0);
  });

  it("answers 404 when nobody publishes, 403 for what is not offered, 400 and 405 for what makes no sense", async () => {
    const { url } = await open(publisher(NAME), { allow: [`${NAME}/subscribe`], timeoutMs: 50 });
    const refused = await ask(`${url}/events/other`);
    expect(refused.status).to.equal(403);
    expect(jsonOf(refused)).to.include({ code: "ACCESS_DENIED" });
    expect((await ask(`${url}/events/${NAME}?replay=x`)).status).to.equal(400);
    expect((await ask(`${url}/events/${NAME}`, { method: "POST" })).status).to.equal(405);
    const { url: open403 } = await openGateway(mesh, { nameserver: (await mesh.nameserver()).address, timeoutMs: 50 });
    const missing = await ask(`${open403}/events/nobody`);
    expect(missing.status).to.equal(404);
    expect(jsonOf(missing)).to.include({ code: "SERVICE_NOT_FOUND" });
  });
});
