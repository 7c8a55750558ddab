import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { expect } from "chai";
import { Client, ConfigurationError, checkArgument, defineInterface, Host } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { json, text, useRawPeers } from "../support/raw.js";
import { echo } from "../support/services.js";

interface Echo {
  echo(value: unknown): unknown;
  add(a: number, b: number): number;
  throwText(): never;
  nan(): unknown;
}

/** Each with a clear error, and nothing else disturbed. */
describe("Bad input", () => {
  const mesh = useMesh();
  const raw = useRawPeers();
  const startPair = async () => {
    const host = await mesh.host([echo], { maxMessageBytes: 100_000 });
    const remote = mesh.client().connect<Echo>(host.address, "demo.echo");
    await remote.echo(1);
    return { host, remote, address: host.address };
  };

  const addresses: [string, RegExp][] = [
    ["", /port is missing/],
    ["tcp://host", /port is missing/],
    ["tcp://:5", /host is missing/],
    ["tcp://host:x", /no number/],
    ["tcp://host:70000", /no number/],
    ["tcp://300.1.1.1:5", /no host/],
    ["tcp://ho st:5", /no host/],
    ["udp://host:5", /scheme udp/],
    ["ipc://", /no path/],
  ];
  for (const [address, message] of addresses) {
    it(`wrong address ${JSON.stringify(address)}`, () => {
      expect(() => mesh.client().connect(address, "a.b")).to.throw(ConfigurationError, message);
      expect(() => new Client({ nameserver: address === "" ? [""] : address })).to.throw(ConfigurationError);
    });
  }

  it("a host name that does not exist", async () => {
    const remote = mesh.client({ timeoutMs: 400 }).connect<Echo>("tcp://no-such-host.invalid:5", "a.b");
    expect(await failureOf(remote.echo(1))).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
  });

  it("port in use", async () => {
    const { address, remote } = await startPair();
    const error = await failureOf(mesh.host([echo], { address }));
    expect(error.code).to.equal("CONFIGURATION");
    expect(error.message)
      .to.contain(address)
      .and.to.match(/in use/);
    expect(await remote.echo(2)).to.equal(2);
  });

  it("no nameserver", async () => {
    const remote = mesh.client({ timeoutMs: 200 }).locate<Echo>("demo.echo");
    const error = await failureOf(remote.echo(1));
    expect(error).to.include({ code: "UNAVAILABLE", outcome: "not-sent", interface: "demo.echo", method: "echo" });
    expect(error.message).to.match(/No nameserver[^]*lamplighter nameserver/);
  });

  it("something that accepts connections and says nothing", async () => {
    const silent = createServer((socket) => socket.resume().on("error", () => undefined));
    await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
    const { port } = silent.address() as { port: number };
    const client = mesh.client({ timeoutMs: 400, connectTimeoutMs: 100 });
    const error = await failureOf(client.connect<Echo>(`tcp://127.0.0.1:${port}`, "demo.echo").echo(1));
    expect(error).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
    expect(error.message).to.match(/within 100 ms/);
    await client.close();
    await new Promise((done) => silent.close(done));
  });

  it("unknown interface", async () => {
    const { address, remote } = await startPair();
    const error = await failureOf(mesh.client().connect<Echo>(address, "demo.ech").echo(1));
    expect(error).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
    expect(error.message).to.match(/Unsupported interface: demo\.ech, did you mean "demo\.echo"/);
    expect(await remote.echo(2)).to.equal(2);
  });

  it("a message that is too large, either way, with size and limit", async () => {
    const { address, remote } = await startPair();
    const error = await failureOf(remote.echo("x".repeat(150_000)));
    expect(error).to.include({ code: "TOO_LARGE", outcome: "not-sent" });
    expect(error.message).to.match(/150\d{3} bytes[^]*100000/);
    const request = JSON.stringify({ interface: "demo.echo", method: "echo", args: "x".repeat(150_000) });
    const answer = json(await raw.request(address, "CALL", request));
    expect(answer.code).to.equal(4);
    expect(answer.error).to.match(/bytes, the limit is 100000/);
    const blob = json(
      await raw.request(
        address,
        "CALL",
        JSON.stringify({ interface: "demo.echo", method: "blob", args: { size: 1e6 } }),
      ),
    );
    expect(blob.error).to.match(/1000\d{3} bytes, the limit is 100000/);
    expect(await remote.echo(2)).to.equal(2);
  });

  it("a method that throws something that is no Error", async () => {
    const { remote } = await startPair();
    expect(await failureOf(remote.throwText())).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(await remote.echo(2)).to.equal(2);
  });

  it("a result that cannot be encoded, with its path", async () => {
    const { remote } = await startPair();
    const error = await failureOf(remote.nan());
    expect(error).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(error.message).to.contain("result.list[1]");
  });

  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const values: [string, unknown, RegExp][] = [
    ["NaN", { a: [1, Number.NaN] }, /args\.a\[1\] is the number NaN/],
    ["a cycle", cycle, /args\.self\.self.* is a cycle/],
    ["a bigint", { big: 1n }, /args\.big is a bigint/],
    ["a function", [() => 1], /args\[0\] is a function/],
    ["a Map", { "odd key": new Map() }, /args\["odd key"\] is a Map/],
    ["bytes", { data: new Uint8Array(1) }, /args\.data is binary data/],
    ["undefined in a list", [undefined], /args\[0\] is undefined/],
    ["an invalid date", [new Date(Number.NaN)], /invalid Date/],
  ];
  for (const [what, value, message] of values) {
    it(`an argument that JSON cannot carry: ${what}`, async () => {
      const { remote } = await startPair();
      const error = await failureOf(remote.echo(value));
      expect(error).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(error.message).to.match(message);
    });
  }

  it("garbage of every length and shape, while good calls go on", async () => {
    const { address, remote } = await startPair();
    const dealer = raw.dealer(address);
    const good = Array.from({ length: 200 }, (_, index) => remote.echo(index));
    for (let count = 0; count < 500; count++) {
      const frames = Array.from({ length: count % 6 }, (_, index) => (index === 0 ? "" : randomBytes(count % 40)));
      await dealer.send(frames.length === 0 ? [randomBytes(3)] : frames);
    }
    expect(await Promise.all(good)).to.have.length(200);
    expect(await remote.echo("alive")).to.equal("alive");
  });

  it("a service that answers garbage, to one call of several", async () => {
    const address = await raw.router((frames) => {
      const request = JSON.parse(text(frames.at(-1))) as { method: string; args: unknown };
      const envelope = frames.slice(0, 3);
      if (request.method === "introspect") return [...envelope, "OK", '{"code":2,"error":"none"}'];
      if (request.args === "bad") return [...envelope, "OK", randomBytes(20)];
      return [...envelope, "OK", JSON.stringify({ code: 0, result: request.args })];
    });
    const remote = mesh.client().connect<Echo>(address, "demo.echo");
    const [first, bad, last] = await Promise.all([remote.echo(1), failureOf(remote.echo("bad")), remote.echo(2)]);
    expect([first, last]).to.deep.equal([1, 2]);
    expect(bad).to.include({ code: "PROTOCOL", outcome: "unknown" });
  });

  it("declarations that contradict themselves", () => {
    const host = mesh.own(new Host({ nameserver: false }));
    // What the compiler refuses, and plain JavaScript does not.
    const exposed = (params: unknown) =>
      defineInterface("a.b", { methods: { m: { params: params as never, run: () => 1 } } });
    const wrong: [() => unknown, RegExp][] = [
      [() => host.provide({}), /provides no interface/],
      [() => host.provide(defineInterface("a.b", { methods: {} })), /has no methods/],
      [
        () => host.provide(defineInterface("a.b", { methods: { m: { params: ["a?", "b"], run: () => 1 } } })),
        /after an/,
      ],
      [() => host.provide(defineInterface("a.b", { methods: { m: { params: ["a", "a"], run: () => 1 } } })), /twice/],
      [() => host.provide(exposed({ a: "strnig" })), /args\.a of the method m [^]*"strnig"[^]*did you mean "string"\?/],
      [() => host.provide(exposed({ "a?": "String" })), /args\.a [^]*did you mean "string"\?/],
      [() => host.provide(exposed({ a: Number })), /args\.a [^]*a function for a type[^]*types are string, number/],
      [() => host.provide(exposed([1])), /name is no text/],
      [() => host.provide(exposed("ab")), /list of names/],
      [() => checkArgument("a", { types: "strnig" as never }), /args\.a of checkArgument[^]*"string"/],
      [() => checkArgument("a", { types: ["string", "nmber"] as never }), /"number"/],
      [() => host.provide(echo).provide(echo), /provided twice$/],
      [() => mesh.client().provide(echo).provide(echo), /demo\.echo is provided twice$/],
      [() => mesh.client().locate(""), /named by a string [^]*got an empty one$/],
      [() => mesh.client().locate(undefined as never), /named by a string [^]*got undefined$/],
      [() => defineInterface("", { methods: {} }), /name/],
    ];
    for (const [declare, message] of wrong) expect(declare).to.throw(ConfigurationError, message);
  });

  it("more calls than a host runs and queues are refused, and the rest answered", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = defineInterface("demo.slow", { methods: { wait: () => gate.then(() => 1) } });
    const host = await mesh.host([slow], { maxConcurrent: 2, maxQueued: 3 });
    const client = mesh.client({ retry: false });
    const remote = client.connect<{ wait(): number }>(host.address, "demo.slow");
    const refused: unknown[] = [];
    let allRefused: () => void = () => undefined;
    const threeRefused = new Promise<void>((resolve) => {
      allRefused = resolve;
    });
    const results = Array.from({ length: 8 }, () =>
      remote.wait().catch((error: unknown) => {
        if (refused.push(error) === 3) allRefused();
      }),
    );
    await threeRefused;
    for (const error of refused) expect(error).to.include({ code: "OVERLOADED", outcome: "not-executed" });
    release();
    const settled = await Promise.all(results);
    expect(settled.filter((result) => result === 1)).to.have.length(5);
  });

  it("more calls in flight than the client allows", async () => {
    const { address } = await startPair();
    const client = mesh.client({ maxInFlight: 1, retry: false });
    const remote = client.connect<Echo & { slow(ms: number): string }>(address, "demo.echo");
    await remote.echo(1);
    const first = remote.slow(50);
    expect(await failureOf(remote.echo(1))).to.include({ code: "OVERLOADED", outcome: "not-sent" });
    expect(await first).to.equal("slept");
  });
});
