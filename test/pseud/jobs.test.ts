import { expect } from "chai";
import {
  createLocalRegistry,
  ErrorNames,
  globalRegistry,
  type JobFunction,
  Registry,
  register,
  registerPredicate,
  type ServerOptions,
  TranslationTable,
} from "../../src/compat/pseud/index.js";
import { currentCall, defineInterface, named, registerError, withOptions } from "../../src/index.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";

interface Jobs {
  job(...args: unknown[]): unknown;
  other(...args: unknown[]): unknown;
}

/** What runs the first of a name. */
function run(registry: Registry, name: string): unknown {
  return registry.candidates(name).map((job) => job.run())[0];
}

describe("Registries of pseud", () => {
  const says =
    (text: string): JobFunction =>
    () =>
      text;

  it("find special domains before the default one, near ones before far ones, late ones before early ones", () => {
    const base = new Registry("base");
    const local = new Registry("local", base);
    base.register(says("base"), { name: "job" });
    expect(run(local, "job")).to.equal("base");
    local.register(says("local"), { name: "job" });
    expect(run(local, "job")).to.equal("local");
    base.register(says("base one"), { name: "job", domain: "one" });
    base.register(says("base two"), { name: "job", domain: "two" });
    expect(run(local, "job")).to.equal("base two");
    local.register(says("local three"), { name: "job", domain: "three" });
    const order = local.candidates("job").map((job) => job.run());
    expect(order).to.deep.equal(["local three", "base two", "base one", "local", "base"]);
    expect([...local.names]).to.deep.equal(["job"]);
  });

  it("replace what has the same name and domain, in the same registry", () => {
    const registry = new Registry();
    registry.register(says("old"), { name: "job" });
    registry.register(says("new"), { name: "job" });
    expect(registry.candidates("job")).to.have.length(1);
    expect(run(registry, "job")).to.equal("new");
  });

  it("take the name of the function, and want one", () => {
    const registry = new Registry();
    const hello = (): string => "hello";
    expect(registry.register(hello)).to.equal(hello);
    expect(run(registry, "hello")).to.equal("hello");
    expect(() => registry.register(() => 1)).to.throw("without a name");
    expect(() => registry.register("hello" as never)).to.throw("has to be a function");
  });
});

describe("Jobs of pseud", () => {
  const pseud = usePseud();
  const mesh = useMesh();

  async function connected(options: Partial<ServerOptions> = {}) {
    const server = pseud.server({ id: "service", ...options });
    const client = pseud.client<Jobs>({ serverId: "service" });
    await client.connect(await server.bind("tcp://127.0.0.1:0"));
    return { server, client };
  }

  it("of the process are found behind those of an endpoint", async () => {
    register(() => "global", { name: "test.global" });
    const registry = createLocalRegistry();
    const { server, client } = await connected({ registry });
    const remote = client as unknown as { test: { global(): Promise<string> } };
    expect(await remote.test.global()).to.equal("global");
    server.register(() => "local", { name: "test.global" });
    expect(await remote.test.global()).to.equal("local");
    expect(globalRegistry.candidates("test.global")).to.have.length(1);
    register(() => "of a registry", { name: "job", registry });
    expect(await client.job()).to.equal("of a registry");
  });

  it("of a domain are for whom its predicate says, and as if they were not there for others", async () => {
    registerPredicate("test.staff", async ({ user }) => {
      await Promise.resolve();
      return user === "alice";
    });
    const server = pseud.server({ id: "service", security: "trusted_peer" });
    const address = await server.bind("tcp://127.0.0.1:0");
    server.register(() => "small power", { name: "job" });
    server.register(() => "great power", { name: "job", domain: "test.staff" });
    server.register(() => "for staff", { name: "other", domain: "test.staff" });
    const login = async (userId: string) => {
      const client = pseud.client<Jobs>({ security: "trusted_peer", userId, password: "-" });
      await client.connect(address);
      return client;
    };
    const [alice, bob] = [await login("alice"), await login("bob")];
    expect(await alice.job()).to.equal("great power");
    expect(await bob.job()).to.equal("small power");
    expect(await alice.other()).to.equal("for staff");
    const refused = await failureOf(bob.other());
    expect(refused).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    expect(refused.remote).to.include({ name: "ServiceNotFoundError", message: "other" });
  });

  it("of a domain are not begun any more when its predicate has taken too long", async () => {
    let decide = (_isAllowed: boolean): void => undefined;
    registerPredicate("test.slow", () => new Promise((resolve) => (decide = resolve)));
    const { server, client } = await connected({ jobTimeoutMs: 30 });
    let runs = 0;
    server.register(() => runs++, { name: "job", domain: "test.slow" });
    server.register(() => runs, { name: "other" });
    expect(await failureOf(withOptions(client, { timeoutMs: 10_000 }).job())).to.include({ code: "TIMEOUT" });
    decide(true);
    expect(await client.other()).to.equal(0);
  });

  it("of a domain without predicate fail, and say so", async () => {
    const { server, client } = await connected();
    server.register(() => 1, { name: "job", domain: "test.unheard" });
    const failure = await failureOf(client.job());
    expect(failure.remote?.name).to.equal("ComponentLookupError");
    expect(failure.message).to.contain("test.unheard");
  });

  it("get keyword arguments at their place, or as an object behind the others", async () => {
    const { server, client } = await connected();
    server.register((...args: unknown[]) => args, { name: "job" });
    server.register((...args: unknown[]) => args, { name: "other", params: ["a", "b", "c"], withIdentity: true });
    expect(await client.job(1, named({ b: 2 }))).to.deep.equal([1, { b: 2 }]);
    expect(await client.other(1, named({ c: 3 }))).to.deep.equal([Buffer.alloc(0), 1, null, 3]);
    for (const args of [[1, named({ a: 2 })], [named({ d: 2 })]]) {
      const failure = await failureOf(client.other(...args));
      expect(failure.remote?.name).to.equal("TypeError");
    }
  });

  it("that are not found are looked for where they are proxied to, once", async () => {
    const behind = pseud.server({ id: "behind" });
    behind.register((text: string) => text.toLowerCase(), { name: "job" });
    const { client, server } = await connected({ proxyTo: behind });
    expect(await client.job("SCREAM")).to.equal("scream");
    const absent = await failureOf(client.other());
    expect(absent).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    server.proxyTo(undefined);
    expect(await failureOf(client.job("SCREAM"))).to.include({ code: "METHOD_NOT_FOUND" });
    expect(() => {
      server.proxyTo({});
    }).to.throw("no proxy");
  });

  it("are handed to remote services as well, with their errors", async () => {
    const far = pseud.server({ id: "far" });
    far.register((...args: unknown[]) => ["far", ...args], { name: "job" });
    far.register(
      () => {
        throw Object.assign(new Error("no more"), { name: "StockError" });
      },
      { name: "other" },
    );
    const way = pseud.client({ serverId: "far" });
    await way.connect(await far.bind("tcp://127.0.0.1:0"));
    const { client } = await connected({ proxyTo: way });
    expect(await client.job(1, named({ b: 2 }))).to.deep.equal(["far", 1, { b: 2 }]);
    const failure = await failureOf(client.other());
    expect(failure.remote).to.include({ name: "StockError", message: "no more" });
    const missing = (client as unknown as { none(): Promise<unknown> }).none();
    expect(await failureOf(missing)).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    const host = await mesh.host([
      defineInterface("demo.far", { methods: { job: (value: unknown) => ["host", value] } }),
    ]);
    const { client: other } = await connected({ proxyTo: mesh.client().connect(host.address, "demo.far") });
    expect(await other.job(1)).to.deep.equal(["host", 1]);
  });

  it("that have run are told to have, when what they looked for is nowhere", async () => {
    const far = pseud.server({ id: "far" });
    const toFar = pseud.client<Jobs>({ serverId: "far" });
    await toFar.connect(await far.bind("tcp://127.0.0.1:0"));
    const { server, client } = await connected({ proxyTo: toFar });
    server.register(() => toFar.other(), { name: "job" });
    expect(await failureOf(client.job())).to.include({ code: "METHOD_NOT_FOUND", outcome: "executed" });
  });

  it("throw errors under the names that Python is to have for them", async () => {
    class SheepGone extends Error {
      override readonly name = "SheepGone";
    }
    registerError(SheepGone);
    const { server, client } = await connected({ errorNames: new ErrorNames({ RangeError: "ValueError" }) });
    server.register(
      () => {
        throw new RangeError("too far");
      },
      { name: "job" },
    );
    server.register(
      () => {
        throw new SheepGone("none left");
      },
      { name: "other" },
    );
    const failure = await failureOf(client.job());
    expect(failure.remote).to.include({ name: "ValueError", message: "too far" });
    expect(await failureOf(client.other())).to.be.instanceOf(SheepGone);
  });

  it("carry types of the application's own", async () => {
    class Money {
      readonly text: string;
      constructor(text: string) {
        this.text = text;
      }
    }
    const translations = new TranslationTable({
      42: {
        type: Money,
        pack: (money: Money) => Buffer.from(money.text),
        unpack: (octets) => new Money(Buffer.from(octets).toString()),
      },
    });
    const server = pseud.server({ id: "service", translations });
    server.register((money: Money) => [money instanceof Money, money], { name: "job" });
    const client = pseud.client<Jobs>({ translations });
    const address = await server.bind("tcp://127.0.0.1:0");
    await client.connect(address);
    expect(await client.job(new Money("1.50"))).to.deep.equal([true, new Money("1.50")]);
    const plain = pseud.client<Jobs>();
    await plain.connect(address);
    expect(await failureOf(plain.job(new Money("1")))).to.include({
      code: "BAD_REQUEST",
      outcome: "not-sent",
    });
  });

  it("run for as long as they like where their callers wait so long", async () => {
    const { server, client } = await connected({ jobTimeoutMs: Infinity });
    let release: (text: string) => void = () => undefined;
    server.register(
      () =>
        new Promise<string>((resolve) => {
          release = resolve;
        }),
      { name: "job" },
    );
    server.register(
      () => {
        release("at last");
      },
      { name: "other" },
    );
    const waiting = client.job();
    await client.other();
    expect(await waiting).to.equal("at last");
    for (const jobTimeoutMs of [0, -1, Number.NaN]) {
      expect(() => pseud.server({ id: "x", jobTimeoutMs })).to.throw(
        "jobTimeoutMs is a number of milliseconds above 0",
      );
    }
  });

  it("are called without waiting for what becomes of them", async () => {
    const { server, client } = await connected();
    const called = new Promise<unknown>((resolve) => server.register(resolve, { name: "job" }));
    expect(await withOptions(client, { oneWay: true }).job(7)).to.equal(undefined);
    expect(await called).to.equal(7);
  });

  it("know their call: who calls, until when, and how to call back", async () => {
    const { server, client } = await connected({ jobTimeoutMs: 60_000 });
    server.register(() => [currentCall().remainingMs > 50_000, currentCall().method, currentCall().caller ?? null], {
      name: "job",
    });
    expect(await client.job()).to.deep.equal([true, "job", null]);
  });

  it("that kept the whole process waiting are not answered any more, for their callers would break", async () => {
    const { log, lines } = keepLog();
    const { server, client } = await connected({ jobTimeoutMs: 50, log });
    server.register(
      () => {
        const endsAt = performance.now() + 300;
        while (performance.now() < endsAt);
      },
      { name: "job" },
    );
    server.register(() => "other", { name: "other" });
    expect(await failureOf(withOptions(client, { timeoutMs: 350 }).job())).to.include({
      code: "TIMEOUT",
      outcome: "unknown",
    });
    expect(lines("warn").join()).to.contain("job was not answered");
    expect(await client.other()).to.equal("other");
  });

  it("may take as long as they like where that is said", async () => {
    const { server, client } = await connected({ jobTimeoutMs: Infinity });
    let finish = (_result: string): void => undefined;
    server.register(() => new Promise<string>((resolve) => (finish = resolve)), { name: "job" });
    server.register(() => "other", { name: "other" });
    const job = client.job();
    // A timer that is set for too long would have fired by now.
    for (let round = 0; round < 10; round++) await client.other();
    finish("late");
    expect(await job).to.equal("late");
  });
});
