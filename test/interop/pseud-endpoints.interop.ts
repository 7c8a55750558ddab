import { expect } from "chai";
import type { ClientOptions, PseudEvent, ServerOptions } from "../../src/compat/pseud/index.js";
import { PythonFloat, SyncClient } from "../../src/compat/pseud/index.js";
import { call, currentCall, defineInterface, named, type Remote } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";
import { CURVE_KEYS, octetsOf, type PeerOptions, PythonPseud, useCleanUp } from "../support/pseud-peer.js";
import { comparable, pseudVectors, valueOf } from "../support/pseud-vectors.js";
import { until } from "../support/until.js";

const { server: SERVER_KEYS, bob: BOB_KEYS, john: JOHN_KEYS } = CURVE_KEYS;

interface Jobs {
  hello(name: string): string;
  later(value: string): string;
  echo(...args: unknown[]): unknown;
  add(...args: unknown[]): number;
  whoami(): Uint8Array;
  boom(): unknown;
  boom_custom(): void;
  slow(seconds: number): void;
  readonly please: { do_that_job(...args: unknown[]): unknown };
  readonly draw: { readonly me: { readonly a: { sheep(...args: unknown[]): string } } };
  readonly call: { back(...args: unknown[]): string };
  readonly no: { readonly such: { method(): void } };
}

/** How both sides are set up for each security plugin. */
interface Setting {
  readonly ourServer?: Partial<ServerOptions>;
  readonly ourClient?: Partial<ClientOptions>;
  readonly theirServer?: Partial<PeerOptions>;
  readonly theirClient?: Partial<PeerOptions>;
  /** Who the client is to its server, at first. */
  readonly user: string;
  /** By what name it is called; default `user`. */
  readonly name?: string;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  noop: { user: "" },
  plain: {
    ourServer: { security: "plain", users: { alice: "alice" } },
    ourClient: { security: "plain", userId: "alice", password: "alice" },
    theirServer: { plugin: "plain" },
    theirClient: { plugin: "plain", user: "alice", password: "alice" },
    user: "alice",
  },
  trusted_peer: {
    ourServer: { security: "trusted_peer" },
    ourClient: { security: "trusted_peer", userId: "alice", password: "-" },
    theirServer: { plugin: "trusted_peer" },
    theirClient: { plugin: "plain", user: "alice", password: "-" },
    user: "alice",
  },
  trusted_curve: {
    ourServer: { security: "trusted_curve", keys: SERVER_KEYS, users: { bob: BOB_KEYS.publicKey } },
    ourClient: { security: "trusted_curve", keys: BOB_KEYS, serverKey: SERVER_KEYS.publicKey },
    theirServer: { plugin: "trusted_curve", ...SERVER_KEYS, keys: { bob: BOB_KEYS.publicKey } },
    theirClient: { plugin: "trusted_curve", ...BOB_KEYS, peerKey: SERVER_KEYS.publicKey },
    user: "bob",
  },
  untrusted_curve: {
    ourServer: { security: "untrusted_curve", keys: SERVER_KEYS, users: { john: "s3cret!" } },
    ourClient: {
      security: "untrusted_curve",
      keys: JOHN_KEYS,
      serverKey: SERVER_KEYS.publicKey,
      userId: "john",
      password: "s3cret!",
    },
    theirServer: { plugin: "untrusted_curve", ...SERVER_KEYS, users: { john: "s3cret!" } },
    theirClient: {
      plugin: "untrusted_curve",
      ...JOHN_KEYS,
      peerKey: SERVER_KEYS.publicKey,
      user: "john",
      password: "s3cret!",
    },
    user: JOHN_KEYS.publicKey,
    name: "john",
  },
};

/** Needs Debian's python3-zmq and python3-msgpack. */
describe("Endpoints of pseud and the peer in Python", () => {
  const pseud = usePseud();
  const mesh = useMesh();
  useCleanUp();

  async function ourServer(options: Partial<ServerOptions> = {}) {
    const server = pseud.server({ id: "service", ...options });
    server.register((name: string) => `Hello ${name}`, { name: "hello" });
    server.register((a: number, b: number) => a + b, { name: "add", params: ["a", "b"] });
    server.register((...args: unknown[]) => args[0], { name: "echo" });
    server.register((...args: unknown[]) => args, { name: "please.do_that_job" });
    server.register((user: Uint8Array) => user, { name: "whoami", withIdentity: true });
    server.register(() => currentCall().caller?.name ?? null, { name: "caller" });
    server.register(
      () => {
        throw Object.assign(new Error("boom"), { name: "ValueError" });
      },
      { name: "boom" },
    );
    server.register(() => currentCall().peerAs<Jobs>("").draw.me.a.sheep(), { name: "nested" });
    const address = await server.bind("tcp://127.0.0.1:0");
    return { server, address };
  }

  function ourClient(options: Partial<ClientOptions> = {}) {
    const client = pseud.client<Jobs>({ serverId: "service", ...options });
    client.register((...args: unknown[]) => `${args.length} beeeh`, { name: "draw.me.a.sheep" });
    client.register((name: string) => `Hello ${name}`, { name: "hello" });
    return client;
  }

  for (const [plugin, setting] of Object.entries(SETTINGS)) {
    describe(`with ${plugin}`, () => {
      it("our server serves their client, and calls it", async () => {
        const { server, address } = await ourServer(setting.ourServer);
        await using client = await PythonPseud.start({ role: "client", connect: address, ...setting.theirClient });
        expect(await client.call("hello", ["Charly"])).to.deep.equal({ result: "Hello Charly" });
        expect(await client.call("whoami")).to.deep.equal({ result: octetsOf(setting.user) });
        expect(await client.call("add", [1], { b: 2 })).to.deep.equal({ result: 3 });
        const { name = setting.user } = setting;
        if (name !== "") expect(await client.call("caller")).to.deep.equal({ result: name });
        const called = server.sendTo<Jobs>(name === "" ? (pseud.joined(server)[0]?.id ?? "") : name);
        expect(await called.draw.me.a.sheep()).to.equal("beeeh");
        expect(await called.add(2, named({ b: 3 }))).to.equal(5);
        expect((await failureOf(called.no.such.method())).outcome).to.equal("not-executed");
        expect((await client.state()).alive).to.equal(true);
      });

      it("our client calls their server, and is called by it", async () => {
        await using server = await PythonPseud.start({
          role: "server",
          bind: "tcp://127.0.0.1:*",
          ...setting.theirServer,
        });
        const client = ourClient(setting.ourClient);
        await client.connect(server.address);
        const calls = await Promise.all([client.hello("Charly"), client.add(1, named({ b: 2 })), client.hello("x")]);
        expect(calls).to.deep.equal(["Hello Charly", 3, "Hello x"]);
        expect(Buffer.from(await client.whoami()).toString()).to.equal(setting.user);
        expect(await client.please.do_that_job(1, 2, 3, named({ b: 4 }))).to.deep.equal([[1, 2, 3], { b: 4 }]);
        const { users } = await server.state();
        if (setting.user !== "" && plugin !== "untrusted_curve") {
          expect(await server.sendTo(setting.user).call("draw.me.a.sheep", [1])).to.deep.equal({ result: "1 beeeh" });
          expect(users).not.to.deep.equal([]);
        }
        expect((await server.state()).alive).to.equal(true);
      });

      it("a client whose peer calls back while it waits", async () => {
        const { address } = await ourServer(setting.ourServer);
        await using client = await PythonPseud.start({ role: "client", connect: address, ...setting.theirClient });
        expect(await client.call("nested")).to.deep.equal({ result: "beeeh" });
      });
    });
  }

  it("pass every value on, both ways", async () => {
    const isForeign = (told: unknown): boolean => JSON.stringify(told).includes('"foreign"');
    const vectors = pseudVectors().filter(
      ({ name, fatalForPython, decoded }) => name.startsWith("value/") && !fatalForPython && !isForeign(decoded),
    );
    const told = vectors.map(({ decoded }) => decoded);
    const { address } = await ourServer();
    await using theirs = await PythonPseud.start({ role: "client", connect: address });
    const echoed = await theirs.call("echo", [told]);
    // Floats that are whole are the one thing that cannot be told apart in JavaScript.
    const withoutFloats = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll(/\{"\$float":"(-?\d+)\.0"\}/g, "$1"));
    expect(withoutFloats(echoed)).to.deep.equal(withoutFloats({ result: told }));
    await using server = await PythonPseud.start({ role: "server", bind: "tcp://127.0.0.1:*" });
    const client = ourClient();
    await client.connect(server.address);
    const values = told.map(valueOf);
    expect(comparable(await client.echo(values))).to.deep.equal(comparable(values));
    expect(await client.echo(new PythonFloat(3))).to.equal(3);
    expect((await theirs.state()).alive && (await server.state()).alive).to.equal(true);
  });

  it("tell errors as they are", async () => {
    const { address } = await ourServer();
    await using theirs = await PythonPseud.start({ role: "client", connect: address });
    const boom = await theirs.call("boom");
    expect(boom).to.have.nested.property("error.class", "ValueError");
    const absent = await theirs.call("no.such.method");
    expect(absent).to.have.nested.property("error.class", "ServiceNotFoundError");
    if ("error" in absent) expect(absent.error.text.split("\n").at(-1)).to.equal("no.such.method");
    expect(await theirs.call("add", [1], { c: 2 })).to.have.nested.property("error.class", "TypeError");
    await using server = await PythonPseud.start({ role: "server", bind: "tcp://127.0.0.1:*" });
    const client = ourClient();
    await client.connect(server.address);
    const failed = await failureOf(client.boom());
    expect(failed).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(failed.remote).to.include({ name: "ValueError", message: "boom" });
    expect(failed.remote?.stack).to.match(/^Traceback .*\n/);
    const odd = await failureOf(client.boom_custom());
    expect(odd.remote?.message).to.equal("no white left");
  });

  it("connect either way round", async () => {
    for (const [plugin, setting] of Object.entries(SETTINGS)) {
      if (plugin === "untrusted_curve") continue;
      const client = ourClient(setting.ourClient);
      const address = await client.bind("tcp://127.0.0.1:0");
      await using theirs = await PythonPseud.start({ role: "server", connect: address, ...setting.theirServer });
      expect(await client.hello("x"), plugin).to.equal("Hello x");
      const server = pseud.server({ id: "service", ...setting.ourServer });
      server.register((name: string) => `Hello ${name}`, { name: "hello" });
      await using bound = await PythonPseud.start({
        role: "client",
        bind: "tcp://127.0.0.1:*",
        ...setting.theirClient,
      });
      await server.connect(bound.address);
      await until(() => pseud.joined(server).length === 1);
      expect(await bound.call("hello", ["y"]), plugin).to.deep.equal({ result: "Hello y" });
      expect((await theirs.state()).alive).to.equal(true);
    }
  });

  it("serve the client that blocks", async () => {
    for (const plugin of ["noop", "plain", "trusted_curve"]) {
      const setting = SETTINGS[plugin];
      const { address } = await ourServer(setting?.ourServer);
      await using sync = await PythonPseud.start({ role: "sync", connect: address, ...setting?.theirClient });
      expect(await sync.call("hello", ["Charly"])).to.deep.equal({ result: "Hello Charly" });
      expect(await sync.call("boom")).to.have.nested.property("error.class", "ValueError");
      expect(await sync.call("whoami")).to.deep.equal({ result: octetsOf(setting?.user ?? "") });
    }
  });

  it("block, and get values all the same", async () => {
    for (const [plugin, { ourClient: ours, theirServer }] of Object.entries(SETTINGS)) {
      await using server = await PythonPseud.start({ role: "server", bind: "tcp://127.0.0.1:*", ...theirServer });
      using client = new SyncClient<Jobs>({ serverId: "service", ...ours });
      client.connect(server.address);
      expect(client.hello("Charly"), plugin).to.equal("Hello Charly");
      expect(client.add(1, named({ b: 2 })), plugin).to.equal(3);
      expect(() => client.boom(), plugin).to.throw("boom");
      expect((await server.state()).alive, plugin).to.equal(true);
    }
  });

  it("report users whose signs of life cease, and send their own", async () => {
    const events: PseudEvent[] = [];
    const { address } = await ourServer({
      ...SETTINGS.plain?.ourServer,
      heartbeat: "testing_heartbeat_backend",
      onEvent: (event) => events.push(event),
    });
    const theirs = await PythonPseud.start({
      role: "client",
      connect: address,
      ...SETTINGS.plain?.theirClient,
      heartbeat: "testing",
    });
    const gone = (): PseudEvent | undefined => events.find((event) => event.type === "gone");
    await theirs.call("hello", ["x"]);
    expect(gone()).to.equal(undefined);
    theirs.pause();
    await until(() => gone() !== undefined);
    expect(gone()).to.deep.include({ reason: "silent" }).and.to.have.nested.property("peer.user", "alice");
    await theirs.close();
    await using server = await PythonPseud.start({
      role: "server",
      bind: "tcp://127.0.0.1:*",
      heartbeat: "testing",
      plugin: "plain",
    });
    const client = ourClient({ ...SETTINGS.plain?.ourClient, heartbeat: "testing_heartbeat_backend" });
    await client.connect(server.address);
    expect(await client.hello("x")).to.equal("Hello x");
    await until(async () => ((await server.state()).messages.HEARTBEAT ?? 0) >= 3);
    expect((await server.state()).gone).to.deep.equal([]);
    await client.stop();
    await server.happens("gone");
    expect((await server.state()).gone).to.deep.equal([octetsOf("alice")]);
  });

  it("leave a peer of release 1.0.0-a1 alive, which breaks at a probe", async () => {
    await using server = await PythonPseud.start({ role: "server", bind: "tcp://127.0.0.1:*", probe: false });
    const client = ourClient({ probe: false });
    await client.connect(server.address);
    expect(await client.hello("x")).to.equal("Hello x");
    expect((await server.state()).alive).to.equal(true);
    await using other = await PythonPseud.start({ role: "server", bind: "tcp://127.0.0.1:*", probe: false });
    await ourClient().connect(other.address);
    await other.happens("died");
  });

  it("do not break a caller whose call takes too long, or whose connection comes late", async function () {
    this.timeout(30_000);
    const { server, address } = await ourServer();
    const ends: (() => void)[] = [];
    server.register(() => new Promise<void>((resolve) => ends.push(resolve)), { name: "endless" });
    await using theirs = await PythonPseud.start({ role: "client", connect: address });
    const outcome = await theirs.call("endless");
    expect(outcome).to.have.nested.property("error.class", "TimeoutError");
    for (const end of ends) end();
    expect(await theirs.call("hello", ["still there"])).to.deep.equal({ result: "Hello still there" });
    expect((await theirs.state()).alive).to.equal(true);
  });

  it("do not break callers while the whole process stands still", async function () {
    this.timeout(40_000);
    const { server, address } = await ourServer();
    server.register(
      () => {
        const end = performance.now() + 5_600;
        while (performance.now() < end);
        return "at last";
      },
      { name: "block" },
    );
    await using theirs = await PythonPseud.start({ role: "client", connect: address });
    await theirs.call("hello", ["x"]);
    // The second is sent while nobody reads, and waits for as long.
    const blocked = theirs.call("block");
    const behind = theirs.call("hello", ["behind"]);
    expect(await blocked).to.have.nested.property("error.class", "TimeoutError");
    expect(await behind).to.have.nested.property("error.class", "TimeoutError");
    // What comes before the process goes on may be as old, and is not answered either.
    await theirs.call("hello", ["between"]);
    expect(await theirs.call("hello", ["y"])).to.deep.equal({ result: "Hello y" });
    expect((await theirs.state()).alive).to.equal(true);
  });

  it("survive what no peer should send, and answer what they can", async () => {
    const { server, address } = await ourServer();
    await using theirs = await PythonPseud.start({ role: "client", connect: address });
    await theirs.call("hello", ["x"]);
    const uid = "01".repeat(16);
    const bad = [
      ["", "7632", uid, "03", "93a568656c6c6f91a17880"],
      ["7631", uid, "03", "93a568656c6c6f91a17880"],
      ["", "7631"],
      ["", "7631", uid, "99", ""],
      ["", "7631", uid, "01", "01"],
      ["", "7631", uid, "10", "93aa56616c75654572726f72a16da27462"],
      ["", "7631", uid, "11", "41"],
      ["", "7631", uid, "02", "92c40161c40162"],
      ["", "7631", uid, "04", "6869"],
      ["6a756e6b"],
    ];
    for (const frames of bad) await theirs.send(frames);
    expect(await theirs.call("hello", ["y"])).to.deep.equal({ result: "Hello y" });
    expect(pseud.joined(server)).to.have.length(1);
    expect((await theirs.state()).alive).to.equal(true);
  });

  it("are served by a host beside its other callers, and by their server as any service", async () => {
    const host = await mesh.host(
      [defineInterface("demo.query", { methods: { hello: (name: string) => `Hello ${name}` } })],
      { routingId: "service" },
    );
    await using theirs = await PythonPseud.start({ role: "client", connect: host.address });
    expect(await theirs.call("hello", ["Charly"])).to.deep.equal({ result: "Hello Charly" });
    expect(await theirs.call("demo.query.hello", ["Charly"])).to.deep.equal({ result: "Hello Charly" });
    await using sync = await PythonPseud.start({ role: "sync", connect: host.address });
    expect(await sync.call("hello", ["Sync"])).to.deep.equal({ result: "Hello Sync" });
    await using server = await PythonPseud.start({ role: "server", bind: "tcp://127.0.0.1:*" });
    const remote: Remote<Jobs> = mesh.client().connect<Jobs>(server.address, undefined, { wire: "pseud" });
    expect(await remote.hello("x")).to.equal("Hello x");
    expect(await remote.please.do_that_job(1, named({ b: 4 }))).to.deep.equal([[1], { b: 4 }]);
    expect(await call(remote, "draw.me.a.sheep")).to.equal("beeeh");
    expect((await theirs.state()).alive && (await server.state()).alive).to.equal(true);
  });
});
