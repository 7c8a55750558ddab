import { inspect } from "node:util";
import { expect } from "chai";
import {
  Client,
  disconnect,
  type PseudEvent,
  peersOf,
  Server,
  type ServerOptions,
} from "../../src/compat/pseud/index.js";
import { ConfigurationError, currentCall, named, type Remote, withOptions } from "../../src/index.js";
import { failureOf } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";

interface Service {
  hello(name: string): string;
  add(a: number, ...rest: unknown[]): number;
  echo(...args: unknown[]): unknown;
  whoami(): Uint8Array;
  tellBack(): string;
  readonly no: { such(): void };
}
interface Sheep {
  readonly draw: { readonly me: { readonly a: { sheep(...args: unknown[]): string } } };
}

describe("Endpoints of pseud", () => {
  const pseud = usePseud();

  async function start(options: Partial<ServerOptions> = {}) {
    const server = pseud.server({ id: "service", ...options });
    server.register((name: string) => `Hello ${name}`, { name: "hello" });
    server.register((a: number, b: number) => a + b, { name: "add", params: ["a", "b"] });
    server.register((...args: unknown[]) => args, { name: "echo" });
    server.register((user: Uint8Array) => user, { name: "whoami", withIdentity: true });
    server.register(() => currentCall().peerAs<Sheep>("").draw.me.a.sheep(), { name: "tellBack" });
    const address = await server.bind("tcp://127.0.0.1:0");
    return { server, address };
  }

  it("call each other over one connection, whichever has made it", async () => {
    const { server, address } = await start();
    const client = pseud.client<Service>({ serverId: "service" });
    client.register((...args: unknown[]) => `beeeh${args.length}`, { name: "draw.me.a.sheep" });
    await client.connect(address);
    expect(await client.hello("Charly")).to.equal("Hello Charly");
    expect(await client.add(1, named({ b: 2 }))).to.equal(3);
    expect(await client.echo(1, [2, { three: 3 }], named({ four: 4 }))).to.deep.equal([
      1,
      [2, { three: 3 }],
      { four: 4 },
    ]);
    expect(await client.tellBack()).to.equal("beeeh0");
    const [peer] = pseud.joined(server);
    expect(await server.sendTo<Sheep>(peer?.id ?? "").draw.me.a.sheep(1, 2)).to.equal("beeeh2");
  });

  it("call each other when the client binds and the server connects", async () => {
    const client = pseud.client<Service>({ serverId: "service" });
    client.register(() => "beeeh", { name: "draw.me.a.sheep" });
    const address = await client.bind("tcp://127.0.0.1:0");
    const server = pseud.server({ id: "service" });
    server.register((name: string) => `Hello ${name}`, { name: "hello" });
    await server.connect(address);
    expect(await client.hello("Charly")).to.equal("Hello Charly");
    expect(await server.sendTo<Sheep>(address).draw.me.a.sheep()).to.equal("beeeh");
  });

  it("wait for the other end, and for it again when it was started anew", async () => {
    const { server, address } = await start();
    await server.stop();
    let gone = 0;
    const client = pseud.client<Service>({
      serverId: "service",
      onEvent: (event) => {
        if (event.type === "gone") gone++;
      },
    });
    await client.connect(address);
    const early = client.hello("early");
    const again = pseud.server({ id: "service" });
    again.register((name: string) => `Hello again ${name}`, { name: "hello" });
    await again.bind(address);
    expect(await early).to.equal("Hello again early");
    await again.stop();
    await pseud.until(() => gone === 1);
    const third = pseud.server({ id: "service" });
    third.register((name: string) => `Third ${name}`, { name: "hello" });
    await third.bind(address);
    expect(await client.hello("late")).to.equal("Third late");
  });

  it("tell what became of a call that nobody could take", async () => {
    const lonely = pseud.client<Service>({ serverId: "service" });
    expect(await failureOf(lonely.hello("x"))).to.include({ code: "CONFIGURATION", outcome: "not-sent" });
    await lonely.connect("tcp://127.0.0.1:1");
    const absent = await failureOf(withOptions(lonely, { timeoutMs: 100 }).hello("x"));
    expect(absent).to.include({ code: "TIMEOUT", outcome: "not-sent" });
    const { server, address } = await start();
    expect(await failureOf(server.sendTo<Sheep>("nobody").draw.me.a.sheep())).to.include({
      code: "SERVICE_NOT_FOUND",
      outcome: "not-sent",
    });
    expect(await failureOf((server as unknown as Remote<Service>).hello("x"))).to.include({ code: "CONFIGURATION" });
    const client = pseud.client<Service>({ serverId: "another" });
    await client.connect(address);
    expect(await failureOf(withOptions(client, { timeoutMs: 300 }).hello("x"))).to.include({
      code: "TIMEOUT",
      outcome: "not-sent",
    });
  });

  it("tell of jobs that are not there, and of what jobs throw", async () => {
    const { server, address } = await start();
    server.register(
      () => {
        throw Object.assign(new Error("boom"), { name: "ValueError" });
      },
      { name: "boom" },
    );
    const client = pseud.client<Service & { boom(): void }>({ serverId: "service" });
    await client.connect(address);
    expect(await failureOf(client.no.such())).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    const boom = await failureOf(client.boom());
    expect(boom).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(boom.remote).to.include({ name: "ValueError", message: "boom" });
    const wrong = await failureOf(client.add(1, named({ c: 2 })));
    expect(wrong.remote).to.include({ name: "TypeError" });
    expect(wrong.message).to.contain('unexpected keyword argument "c"');
  });

  it("call each other inside of a process, and over a unix socket", async () => {
    for (const address of ["inproc://pseud-test", "ipc:///tmp/pseud-test.sock"]) {
      const server = pseud.server({ id: "service" });
      server.register((name: string) => `Hello ${name}`, { name: "hello" });
      await server.bind(address);
      const client = pseud.client<Service>({ serverId: "service" });
      await client.connect(address);
      expect(await client.hello(address)).to.equal(`Hello ${address}`);
    }
    const proven = pseud.server({ id: "service", security: "trusted_peer" });
    expect(await failureOf(proven.bind("inproc://pseud-test"))).to.include({ code: "CONFIGURATION" });
  });

  it("tell who comes and goes", async () => {
    const events: PseudEvent[] = [];
    const { address } = await start({ onEvent: (event) => events.push(event) });
    const client = pseud.client<Service>({ serverId: "service" });
    await client.connect(address);
    await client.hello("x");
    await client.stop();
    await pseud.until(() => events.length === 2);
    expect(events.map((event) => event.type)).to.deep.equal(["joined", "gone"]);
    expect(events[1]).to.include({ reason: "disconnected" });
  });

  it("tell where nobody is", async () => {
    const events: PseudEvent[] = [];
    const client = pseud.client({ onEvent: (event) => events.push(event) });
    await client.connect("tcp://127.0.0.1:1");
    await pseud.until(() => events.length > 0);
    expect(events[0]).to.include({ type: "unreachable", address: "tcp://127.0.0.1:1" });
  });

  it("let running jobs finish when they are stopped, and not for ever", async () => {
    for (const [drainTimeoutMs, outcome] of [
      [60_000, "finished"],
      [10, "unknown"],
    ] as const) {
      const { server, address } = await start({ drainTimeoutMs });
      let finish: ((result: string) => void) | undefined;
      server.register(() => new Promise<string>((resolve) => (finish = resolve)), { name: "hello" });
      const client = pseud.client<Service>({ serverId: "service" });
      await client.connect(address);
      const result = client.hello("x").then(
        (text) => text,
        (error: unknown) => (error as { outcome: string }).outcome,
      );
      await pseud.until(() => finish !== undefined);
      const stopped = server.stop();
      if (outcome === "finished") {
        const refused = await failureOf(client.echo());
        expect(refused.remote?.name).to.equal("ConnectionRefusedError");
        finish?.(outcome);
      } else await stopped;
      expect(await result).to.equal(outcome);
      await stopped;
    }
  });

  it("bind nothing any more when they are stopped meanwhile", async () => {
    const server = pseud.server({ id: "service" });
    const bound = failureOf(server.bind("tcp://127.0.0.1:0"));
    await server.stop();
    expect(await bound).to.include({ code: "CONFIGURATION" });
  });

  it("give calls of jobs no more time than the jobs have", async () => {
    const lonely = pseud.client<Service>();
    await lonely.connect("tcp://127.0.0.1:1");
    const { server, address } = await start({ jobTimeoutMs: 90 });
    let told = "";
    server.register(
      async () => {
        told = (await failureOf(lonely.hello("x"))).message;
      },
      { name: "hello" },
    );
    const client = pseud.client<Service>({ serverId: "service" });
    await client.connect(address);
    void failureOf(client.hello("x"));
    await pseud.until(() => told !== "");
    expect(told).to.match(/the deadline of the call that it was made for|within \d{1,2} ms/);
  });

  it("say who is there, and end a connection that is wanted no more", async () => {
    const { server, address } = await start();
    const client = pseud.client<Service>({ serverId: "service", timeoutMs: 200 });
    await client.connect(address);
    await client.connect(address);
    await client.hello("x");
    expect(peersOf(server)).to.have.length(1);
    expect(peersOf(client)).to.have.nested.property("[0].routingId", "service");
    expect(disconnect(client, address)).to.equal(true);
    expect(disconnect(client, address)).to.equal(false);
    await pseud.until(() => peersOf(server).length === 0);
    expect(await failureOf(client.hello("x"))).to.include({ code: "TIMEOUT", outcome: "not-sent" });
    await client.connect(address);
    expect(await client.hello("y")).to.equal("Hello y");
    expect(() => peersOf({})).to.throw("neither");
  });

  it("want ids that a socket can have, and texts", async () => {
    for (const id of ["", "x".repeat(256), "\0x", Buffer.of(0xff), undefined]) {
      expect(() => pseud.server({ id: id as string }), String(id)).to.throw(ConfigurationError);
    }
    expect(() => pseud.client({ serverId: Buffer.of(0xff) })).to.throw("UTF-8");
    const { server } = await start();
    expect(() => server.sendTo(Buffer.of(0xff))).to.throw("UTF-8");
  });

  it("are what they are, and print so", async () => {
    const { server, address } = await start();
    const client = pseud.client({ serverId: "service" });
    await client.connect(address);
    expect(server).to.be.instanceOf(Server);
    expect(client).to.be.instanceOf(Client);
    expect(client).not.to.be.instanceOf(Server);
    expect({}).not.to.be.instanceOf(Server);
    expect(inspect(client)).to.match(/^RemoteProxy<pseud client @ tcp:\/\/127\.0\.0\.1:\d+ \d peers to service>$/);
    await client.stop();
    expect(inspect(client)).to.contain("stopped");
    expect(await failureOf(Promise.resolve().then(() => client.connect(address)))).to.include({
      code: "CONFIGURATION",
    });
  });
});
