import { inspect } from "node:util";
import { expect } from "chai";
import {
  ExtensionValue,
  PythonTimeDelta,
  Server,
  SyncClient,
  type SyncClientOptions,
  TranslationTable,
} from "../../src/compat/pseud/index.js";
import { call, named, RpcError, registerError, withOptions } from "../../src/index.js";
import { generateKeyPair } from "../../src/transport/index.js";
import { encodeZ85 } from "../../src/util/z85.js";
import { useProcesses } from "../support/processes.js";
import { pseudServers, type ServerProcess } from "../support/pseud-server-process.js";

/** What a blocking call fails with. */
function failureOf(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    expect(error).to.be.instanceOf(RpcError);
    return error as RpcError;
  }
  throw new Error("It did not fail");
}

describe("SyncClient", () => {
  const startServer = pseudServers(useProcesses());
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const client of open.splice(0)) client.close();
  });

  function connect(address: string, options: SyncClientOptions = {}): SyncClient<ServerProcess> {
    const client = new SyncClient<ServerProcess>({ serverId: "service", ...options });
    open.push(client);
    client.connect(address);
    return client;
  }

  it("returns values, not promises", async () => {
    const { address } = await startServer();
    using client = connect(address);
    expect(client.hello("Charly")).to.equal("Hello Charly");
    expect(client.draw.me.a.sheep(1, named({ colour: "black" }))).to.equal("beeeh2");
    expect(client.minus(5, 3)).to.equal(2);
    expect(client.minus(5, named({ b: 3 }))).to.equal(2);
    const values = [null, true, -7, 2n ** 63n, 0.5, "ä€😀", new Date(86_400_000), [1, [2]], { a: { b: 1 } }, [], {}];
    expect(client.echo(...values)).to.deep.equal(values);
    const [bytes, delta] = client.echo(new Uint8Array([1, 2, 255]), new PythonTimeDelta(-1, 2, 3));
    expect([...(bytes as Uint8Array)]).to.deep.equal([1, 2, 255]);
    expect(delta).to.deep.equal(new PythonTimeDelta(-1, 2, 3));
  });

  it("calls what nobody has declared", async () => {
    const { address } = await startServer();
    using client = new SyncClient();
    client.connect(address);
    expect(client.hello?.("Charly")).to.equal("Hello Charly");
    expect(call(client, "then")).to.equal("then");
    expect(client).to.be.instanceOf(SyncClient);
    expect({}).not.to.be.instanceOf(SyncClient);
  });

  it("translates the application's own classes", async () => {
    class Money {
      readonly cents: number;
      constructor(cents: number) {
        this.cents = cents;
      }
    }
    const translations = new TranslationTable();
    translations.add(42, {
      type: Money,
      pack: ({ cents }) => Buffer.from(String(cents)),
      unpack: (octets) => new Money(Number(Buffer.from(octets).toString())),
    });
    const { address } = await startServer();
    const [back] = connect(address, { translations }).echo(new Money(995));
    expect(back).to.be.instanceOf(Money).and.to.include({ cents: 995 });
    const [opaque] = connect(address).echo(new ExtensionValue(42, Buffer.from("995")));
    expect(opaque).to.be.instanceOf(ExtensionValue);
  });

  it("throws what an asynchronous client rejects with", async () => {
    const { address } = await startServer();
    const client = connect(address);
    const boom = failureOf(() => {
      client.boom();
    });
    expect(boom).to.include({ code: "UNKNOWN", outcome: "executed", method: "boom", service: address });
    expect(boom.remote).to.include({ name: "ValueError", message: "boom" });
    const missing = failureOf(() => (client as unknown as SyncClient).no?.such?.());
    expect(missing).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    const circle: unknown[] = [];
    circle.push(circle);
    expect(failureOf(() => client.echo(circle))).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    const large = connect(address, { maxMessageBytes: 1_000 });
    expect(failureOf(() => large.echo("x".repeat(1_000)))).to.include({ code: "TOO_LARGE", outcome: "not-sent" });
    expect(client.hello("again")).to.equal("Hello again");
  });

  it("throws errors of registered classes as themselves", async () => {
    class SyncClientTestError extends Error {}
    registerError(SyncClientTestError);
    const { address } = await startServer();
    const client = connect(address);
    expect(() => {
      client.boom("SyncClientTestError");
    }).to.throw(SyncClientTestError, "boom");
  });

  it("can be used after a time-out, and drops the answer that comes late", async () => {
    const { address } = await startServer();
    const client = connect(address);
    client.hello("warm");
    const late = failureOf(() => withOptions(client, { timeoutMs: 50 }).held());
    expect(late).to.include({ code: "TIMEOUT", outcome: "unknown", method: "held" });
    expect(client.release()).to.equal("released");
    expect(client.hello("Charly")).to.equal("Hello Charly");
    expect(client.echo("next")).to.deep.equal(["next"]);
  });

  it("tells what became of a call that nobody could take", async () => {
    const lonely = new SyncClient<ServerProcess>({ timeoutMs: 100 });
    expect(failureOf(() => lonely.hello("x"))).to.include({ code: "CONFIGURATION", outcome: "not-sent" });
    lonely.connect("tcp://127.0.0.1:1");
    const absent = failureOf(() => lonely.hello("x"));
    expect(absent).to.include({ code: "TIMEOUT", outcome: "not-sent" });
    lonely.close();
    lonely.close();
    expect(failureOf(() => lonely.hello("x"))).to.include({ code: "CLOSED", outcome: "not-sent" });
    const { address } = await startServer();
    const wrong = failureOf(() => connect(address, { serverId: "another", timeoutMs: 5_000 }).hello("x"));
    expect(wrong).to.include({ code: "TIMEOUT", outcome: "not-sent" });
    expect(wrong.message).to.contain('is known as "service"');
    const aborted = withOptions(connect(address), { signal: AbortSignal.abort() });
    expect(failureOf(() => aborted.hello("x"))).to.include({ code: "CANCELLED", outcome: "not-sent" });
  });

  it("says what is wrong with its use", async () => {
    const { address } = await startServer();
    const client = connect(address);
    const wrong: readonly (() => unknown)[] = [
      () => {
        client.connect("tcp://127.0.0.1:2");
      },
      () => connect("nonsense"),
      () => connect("memory://here"),
      () => new SyncClient({ security: "nonsense" }),
      () => new SyncClient({ security: "plain" }),
      () => new SyncClient({ timeoutMs: Number.NaN }),
      () => withOptions(client, { timeoutMs: -1 }).hello("x"),
    ];
    for (const run of wrong) expect(failureOf(run)).to.include({ code: "CONFIGURATION" });
    expect(client.hello("Charly")).to.equal("Hello Charly");
    client.close();
    expect(
      failureOf(() => {
        client.connect(address);
      }),
    ).to.include({ code: "CONFIGURATION" });
  });

  it("finds a server that was started anew, and knows what was lost with the old one", async () => {
    const { address, child } = await startServer();
    const client = connect(address);
    expect(client.hello("first")).to.equal("Hello first");
    const lost = failureOf(() => {
      client.die();
    });
    expect(lost).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    await child.ended;
    expect(failureOf(() => withOptions(client, { timeoutMs: 50 }).hello("x"))).to.include({ outcome: "not-sent" });
    await startServer({ address });
    expect(client.hello("second")).to.equal("Hello second");
  });

  it("logs in with a password", async () => {
    const { address } = await startServer({ security: "plain", users: { alice: "s3cret" } });
    const options = { security: "plain", userId: "alice", timeoutMs: 15_000 };
    expect(connect(address, { ...options, password: "s3cret" }).whoami()).to.equal("alice");
    const refused = connect(address, { ...options, password: "wrong" });
    expect(failureOf(() => refused.whoami())).to.include({ code: "ACCESS_DENIED", outcome: "not-sent" });
    expect(failureOf(() => refused.whoami())).to.include({ code: "ACCESS_DENIED", outcome: "not-sent" });
  });

  describe("with keys", () => {
    function keyTexts() {
      const { publicKey, secretKey } = generateKeyPair();
      return { publicKey: encodeZ85(publicKey), secretKey: encodeZ85(secretKey) };
    }
    const own = keyTexts();
    const servers = keyTexts();

    it("is known by its key", async () => {
      const users = { alice: own.publicKey };
      const { address } = await startServer({ security: "trusted_curve", keys: servers, users });
      const options = { security: "trusted_curve", serverKey: servers.publicKey, timeoutMs: 15_000 };
      expect(connect(address, { ...options, keys: own }).whoami()).to.equal("alice");
      const stranger = connect(address, { ...options, keys: keyTexts() });
      expect(failureOf(() => stranger.whoami())).to.include({ code: "ACCESS_DENIED", outcome: "not-sent" });
    });

    it("logs in when the server asks for it, once more after each refusal", async () => {
      const users = { john: "s3cret" };
      const { address } = await startServer({ security: "untrusted_curve", keys: servers, users });
      const options = { security: "untrusted_curve", serverKey: servers.publicKey, timeoutMs: 15_000, userId: "john" };
      const client = connect(address, { ...options, keys: own, password: "s3cret" });
      expect(client.hello("John")).to.equal("Hello John");
      expect(client.hello("again")).to.equal("Hello again");
      const stranger = connect(address, { ...options, keys: keyTexts(), password: "wrong" });
      for (let time = 0; time < 2; time++) {
        expect(failureOf(() => stranger.whoami())).to.include({ code: "ACCESS_DENIED", outcome: "not-executed" });
      }
    });
  });

  it("gives up on a server in its own thread, which cannot answer", async () => {
    const server = new Server({ id: "service" });
    try {
      server.register((name: string) => name, { name: "hello" });
      const client = connect(await server.bind("tcp://127.0.0.1:0"), { timeoutMs: 200 });
      expect(failureOf(() => client.hello("x"))).to.include({ code: "TIMEOUT" });
    } finally {
      await server.stop();
    }
  });

  it("tells a server that calls back that it has no jobs", async () => {
    const { address } = await startServer();
    expect(connect(address).callBack()).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
  });

  it("makes a thousand calls in a row, and large ones", async () => {
    const { address } = await startServer();
    const client = connect(address);
    for (let index = 0; index < 1_000; index++) expect(client.echo(index)).to.deep.equal([index]);
    const bytes = new Uint8Array(8 * 1024 * 1024).map((_, index) => index % 251);
    const [back] = client.echo(bytes);
    expect(Buffer.compare(back as Uint8Array, bytes)).to.equal(0);
    // What was given is still the caller's.
    expect(bytes).to.have.lengthOf(8 * 1024 * 1024);
    expect(client.echo("x".repeat(1_000_000))).to.deep.equal(["x".repeat(1_000_000)]);
  });

  it("calls nobody when it is looked at", async () => {
    const { address } = await startServer();
    const client = connect(address);
    const before = client.calls();
    expect(inspect(client)).to.equal(`RemoteProxy<pseud blocking client @ ${address} connected to service>`);
    expect(inspect(client.hello)).to.contain("RemoteMethod<hello of");
    expect(JSON.stringify({ client })).to.contain(address);
    expect(Object.keys(client)).to.deep.equal([]);
    expect("hello" in client).to.equal(false);
    await Promise.resolve(client);
    expect(client.calls()).to.equal(before + 1);
    client.close();
    expect(inspect(client)).to.contain("closed");
  });

  it("is closed by `using`, and the server sees it go", async () => {
    const { address, child } = await startServer();
    let kept: SyncClient<ServerProcess>;
    {
      using client = connect(address);
      kept = client;
      expect(client.hello("x")).to.equal("Hello x");
    }
    expect(failureOf(() => kept.hello("x"))).to.include({ code: "CLOSED" });
    await child.waitFor(/^gone$/m);
  });
});
