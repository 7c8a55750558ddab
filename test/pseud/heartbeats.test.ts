import { expect } from "chai";
import {
  type Heartbeat,
  type HeartbeatPlugin,
  intervalHeartbeat,
  type PseudEvent,
  peersOf,
  type Routing,
  registerHeartbeat,
  registerSecurity,
  type SecurityPlugin,
} from "../../src/compat/pseud/index.js";
import { withOptions } from "../../src/index.js";
import { failureOf } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";

interface Jobs {
  hello(): string;
  which(): number;
}

describe("Heartbeats of pseud", () => {
  const pseud = usePseud();

  /** A server that takes everybody for who he says he is, and what it tells. */
  async function start(heartbeat: unknown) {
    const events: PseudEvent[] = [];
    const server = pseud.server({
      id: "service",
      security: "trusted_peer",
      heartbeat: heartbeat as string,
      onEvent: (event) => events.push(event),
    });
    server.register(() => "hello", { name: "hello" });
    const gone = (): readonly PseudEvent[] => events.filter((event) => event.type === "gone");
    return { server, gone, address: await server.bind("tcp://127.0.0.1:0") };
  }

  it("report a user who falls silent, once, and again when he has been heard of meanwhile", async () => {
    const { gone, address } = await start({ limitMs: 60 });
    const client = pseud.client<Jobs>({ security: "trusted_peer", userId: "alice", password: "" });
    await client.connect(address);
    await client.hello();
    await pseud.until(() => gone().length === 1);
    expect(gone()[0]).to.deep.include({ type: "gone", reason: "silent" });
    expect(gone()[0]).to.have.nested.property("peer.user", "alice");
    // It is only told of: the connection goes on.
    expect(await client.hello()).to.equal("hello");
    await pseud.until(() => gone().length === 2);
  });

  it("keep those alive who send them, and tell of connections that end at once", async () => {
    const { gone, address } = await start({ limitMs: 10_000 });
    const client = pseud.client<Jobs>({
      security: "trusted_peer",
      userId: "alice",
      password: "",
      heartbeat: intervalHeartbeat({ intervalMs: 5 }),
    });
    await client.connect(address);
    await client.hello();
    await client.stop();
    await pseud.until(() => gone().length === 1);
    expect(gone()[0]).to.include({ reason: "disconnected" });
  });

  it("are pluggable: by a name, or as an object", async () => {
    const heard: string[] = [];
    let stopped = 0;
    const server: Heartbeat = { heard: ({ user }) => heard.push(user), stop: () => stopped++ };
    const plugin: HeartbeatPlugin = { name: "test.counting", server: () => server, client: () => ({}) };
    registerHeartbeat(plugin);
    for (const heartbeat of ["test.counting", plugin]) {
      const { address, server: endpoint } = await start(heartbeat);
      const client = pseud.client<Jobs>({
        security: "trusted_peer",
        userId: "bob",
        password: "",
        heartbeat: { intervalMs: 5 },
      });
      await client.connect(address);
      await pseud.until(() => heard.length >= 3);
      await endpoint.stop();
      heard.length = 0;
    }
    expect(stopped).to.equal(2);
    expect(() => {
      registerHeartbeat({ ...plugin });
    }).to.throw("registered already");
    expect(() => pseud.server({ id: "x", heartbeat: "test.countin" })).to.throw('did you mean "test.counting"');
    for (const intervalMs of [0, -1, Number.NaN, Infinity, 2 ** 31]) {
      expect(() => pseud.server({ id: "x", heartbeat: { intervalMs } })).to.throw("above 0");
    }
  });
});

describe("Routing of pseud", () => {
  const pseud = usePseud();

  async function start(routing: "last" | "turns" | Routing | undefined) {
    const server = pseud.server({ id: "service", security: "trusted_peer", routing });
    const address = await server.bind("tcp://127.0.0.1:0");
    const clients = [];
    for (const number of [0, 1, 2]) {
      const client = pseud.client({ security: "trusted_peer", userId: "alice", password: "" });
      client.register(() => number, { name: "which" });
      await client.connect(address);
      await pseud.until(() => pseud.joined(server).length === number + 1);
      clients.push(client);
    }
    const ask = (): Promise<number> => server.sendTo<Jobs>("alice").which();
    return { ask, clients, server };
  }

  it("calls the newest connection of a user, and when that has gone the one before", async () => {
    const { ask, clients } = await start(undefined);
    expect(await ask()).to.equal(2);
    await clients[2]?.stop();
    await pseud.until(async () => (await ask().catch(() => 2)) === 1);
  });

  it("calls each in its turn, or as one likes", async () => {
    const turns = await start("turns");
    const answers = [await turns.ask(), await turns.ask(), await turns.ask(), await turns.ask()];
    expect(answers.slice(0, 3).sort()).to.deep.equal([0, 1, 2]);
    expect(answers[3]).to.equal(answers[0]);
    const own = await start((routes) => routes[1]);
    expect(await own.ask()).to.equal(1);
    expect(() => pseud.server({ id: "x", routing: "first" as "last" })).to.throw("there are last and turns");
  });
});

describe("Security plugins of pseud", () => {
  const pseud = usePseud();

  it("are pluggable: by a name, or as an object", async () => {
    registerSecurity({
      name: "test.knock",
      server: () => ({
        listener: {
          plain: (user, password) => (password.length === 3 ? `knocking ${Buffer.from(user).toString()}` : undefined),
        },
      }),
      client: ({ userId = new Uint8Array() }) => ({
        link: { mechanism: "plain", user: userId, password: "123" },
      }),
    });
    const server = pseud.server({ id: "service", security: "test.knock" });
    server.register((user: Uint8Array) => Buffer.from(user).toString(), { name: "hello", withIdentity: true });
    const client = pseud.client<Jobs>({ security: "test.knock", userId: "ann" });
    await client.connect(await server.bind("tcp://127.0.0.1:0"));
    expect(await client.hello()).to.equal("knocking ann");
    expect(() => pseud.client({ security: "test.knok" })).to.throw('did you mean "test.knock"');
  });

  it("let nobody in who has gone while it was found out who that is", async () => {
    const asked: ((user: string) => void)[] = [];
    const security: SecurityPlugin = {
      name: "test.slow",
      server: () => ({
        challenge: { userOf: () => undefined, logIn: () => new Promise((resolve) => asked.push(resolve)) },
      }),
      client: () => ({ login: { login: Buffer.from("ann"), password: Buffer.from("") } }),
    };
    // There is room for the second when the first has gone.
    const server = pseud.server({ id: "service", security, limits: { connections: 1 } });
    const address = await server.bind("tcp://127.0.0.1:0");
    const first = pseud.client<Jobs>({ security });
    await first.connect(address);
    const dropped = failureOf(first.hello());
    await pseud.until(() => asked.length === 1);
    const waiting = await failureOf(withOptions(first, { timeoutMs: 50 }).hello());
    expect(waiting).to.include({ code: "TIMEOUT", outcome: "not-sent" });
    expect(waiting.message).to.contain("has not answered the log-in");
    await first.stop();
    await dropped;
    const second = pseud.client<Jobs>({ security });
    await second.connect(address);
    void failureOf(second.hello());
    await pseud.until(() => asked.length === 2);
    asked[0]?.("early");
    asked[1]?.("late");
    await pseud.until(() => pseud.joined(server).length > 0);
    expect(peersOf(server).map(({ user }) => user)).to.deep.equal(["late"]);
  });

  it("say what they lack", () => {
    const keys = pseud.keys();
    const wrong: [() => unknown, string][] = [
      [() => pseud.server({ id: "x", security: "plain" }), "needs passwords"],
      [() => pseud.server({ id: "x", security: "trusted_curve" }), "needs keys"],
      [() => pseud.server({ id: "x", security: "trusted_curve", keys }), "needs the keys of its users"],
      [() => pseud.server({ id: "x", security: "untrusted_curve", keys }), "needs passwords"],
      [() => pseud.client({ security: "plain" }), "option userId"],
      [() => pseud.client({ security: "trusted_curve", keys }), "option serverKey"],
      [() => pseud.client({ security: "untrusted_curve", keys, serverKey: keys.publicKey }), "option userId"],
      [
        () => pseud.server({ id: "x", security: "trusted_curve", keys: { ...keys, publicKey: "short" }, users: {} }),
        "40",
      ],
    ];
    for (const [make, text] of wrong) expect(make).to.throw(text);
  });

  it("let a client with an empty password in, and take texts for octets", async () => {
    const server = pseud.server({ id: Buffer.from("service"), security: "plain", users: { ännchen: "" } });
    server.register(() => "hello", { name: "hello" });
    const address = await server.bind("tcp://127.0.0.1:0");
    for (const userId of ["ännchen", Buffer.from("ännchen")]) {
      const client = pseud.client<Jobs>({ serverId: "service", security: "plain", userId, password: "" });
      await client.connect(address);
      expect(await client.hello()).to.equal("hello");
    }
  });
});
