import { createServer } from "node:net";
import { expect } from "chai";
import {
  type Client,
  type ClientEvent,
  componentOf,
  type Host,
  named,
  type Protocol,
  withOptions,
} from "../../src/index.js";
import { generateKeyPair } from "../../src/transport/index.js";
import { JsonProtocol } from "../support/json-protocol.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";
import { until } from "../support/until.js";

/** What the tests call of {@link echo}. */
interface Echo {
  add(a: number | object, b?: number, c?: number): number;
  echo(value: unknown): unknown;
  fail(code: number, text: string): void;
  hang(): void;
  slow(ms: number): string;
  nothing(): void;
}

const ANY = "tcp://127.0.0.1:0";

describe("A protocol with connections of its own", () => {
  const mesh = useMesh();
  let protocol: JsonProtocol;
  beforeEach(() => {
    protocol = new JsonProtocol(["add", "slow"]);
  });

  const host = (options: Parameters<typeof mesh.host>[1] = {}): Promise<Host> =>
    mesh.host([echo], { address: { address: ANY, wire: protocol }, ...options });

  /** A host that is registered, at an address of our own wires and one of the protocol. */
  const registered = (nameserver: string, options: Parameters<typeof mesh.host>[1] = {}): Promise<Host> =>
    host({ nameserver, address: [ANY, { address: "tls://127.0.0.1:0", wire: protocol }], ...options });

  describe("at an address", () => {
    it("is called with arguments by name, in order, and both", async () => {
      const { address } = await host();
      const client = mesh.client();
      const remote = client.connect<Echo>(address, "demo.echo", { wire: protocol });
      expect(await remote.add({ a: 1, b: 2 })).to.equal(3);
      expect(await remote.add(1, 2, 3)).to.equal(6);
      expect(await remote.add(named({ a: 1, b: 5, c: undefined }))).to.equal(6);
      expect(await componentOf(remote).invoke("add", { a: 2, b: 2 })).to.equal(4);
      expect(await client.component(address, "demo.echo", { wire: protocol }).invoke("echo", ["a"])).to.equal("a");
    });

    it("needs no interface, and asks for no contract", async () => {
      const { address } = await host({ middleware: [(call, next) => (call.method === "introspect" ? call : next())] });
      expect(await mesh.client().connect<Echo>(address, undefined, { wire: protocol }).add(1, 2)).to.equal(3);
      expect(protocol.opened[0]?.calls).to.equal(1);
    });

    it("has one channel for each object and address", async () => {
      const { address, peers } = await host();
      expect(peers).to.deep.equal([]);
      const client = mesh.client();
      const other = new JsonProtocol();
      for (const wire of [protocol, protocol, other])
        await client.connect<Echo>(address, undefined, { wire }).add(1, 2);
      await client.connect<Echo>(address, "demo.echo", { wire: protocol }).add(1, 2);
      expect([protocol, other].map(({ opened }) => opened.length)).to.deep.equal([1, 1]);
    });

    it("tells of failures as ever", async () => {
      const { address } = await host();
      const remote = mesh.client().connect<Echo>(address, "demo.echo", { wire: protocol });
      expect(await failureOf(remote.fail(1, "no"))).to.include({ outcome: "executed", message: "no" });
      expect(await failureOf(remote.nothing())).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    });

    it("gives its calls the deadline of a Lamplighter service, and minds it", async () => {
      const { address } = await host({ drainTimeoutMs: 1 });
      const remote = mesh.client().connect<Echo>(address, "demo.echo", { wire: protocol });
      await remote.add(1, 2);
      expect(protocol.opened[0]?.lastTimeoutMs).to.be.greaterThan(29_000);
      const failure = await failureOf(withOptions(remote, { timeoutMs: 50 }).hang());
      expect(failure).to.include({ code: "TIMEOUT", outcome: "unknown" });
    });

    it("waits for no answer where none is wanted", async () => {
      const { address } = await host();
      const remote = mesh.client().connect<Echo>(address, "demo.echo", { wire: protocol });
      expect(await withOptions(remote, { oneWay: true }).add(1, 2)).to.equal(undefined);
    });

    it("connects again when the host is started anew", async () => {
      const first = await host();
      const { address } = first;
      const remote = mesh.client().connect<Echo>(address, "demo.echo", { wire: protocol });
      expect(await remote.add(1, 2)).to.equal(3);
      await first.close();
      const answer = remote.add(1, 3);
      await host({ address: { address, wire: protocol } });
      expect(await answer).to.equal(4);
    });

    it("refuses what it has no place for, and does not send it", async () => {
      const { address } = await host();
      const remote = mesh.client().connect<Echo>(address, "demo.echo", { wire: protocol });
      const attachment = new Uint8Array(1);
      for (const options of [{ attachment }, { extensions: { "a.b": 1 } }]) {
        const failure = await failureOf(withOptions(remote, options).echo(1));
        expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
        expect(failure.message).to.match(/demo.echo.echo has .*, and the protocol jsonl has none/);
      }
      const component = componentOf(remote);
      await component.resumeSession("one");
      expect(await failureOf(component.invoke("echo"))).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    });

    it("is tried again after a call that was not answered, if its method is idempotent", async () => {
      let connections = 0;
      let fourth: () => void = () => undefined;
      const rude = createServer((socket) => {
        if (++connections === 4) fourth();
        socket.on("data", () => socket.destroy()).on("error", () => undefined);
      });
      await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
      mesh.own({ close: () => rude.close() });
      const { port } = rude.address() as { port: number };
      const remote = withOptions(
        mesh.client().connect<Echo>(`tcp://127.0.0.1:${port}`, "demo.echo", { wire: protocol }),
        { timeoutMs: 60_000 },
      );
      expect(await failureOf(remote.echo(1))).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(connections).to.equal(1);
      expect(await failureOf(withOptions(remote, { idempotent: false }).add(1, 2))).to.include({ outcome: "unknown" });
      expect(connections).to.equal(2);
      const triedAgain = new Promise<void>((resolve) => {
        fourth = resolve;
      });
      const giveUp = new AbortController();
      const failing = failureOf(withOptions(remote, { signal: giveUp.signal }).add(1, 2));
      await triedAgain;
      giveUp.abort();
      expect(await failing).to.include({ outcome: "unknown" });
    });

    it("is not called in clear text by who says nothing in clear text", async () => {
      const { address } = await host();
      const secret = await host({ address: { address: "tls://127.0.0.1:0", wire: protocol } });
      const client = mesh.client({ security: { keys: generateKeyPair() } });
      expect(await failureOf(client.connect<Echo>(address, undefined, { wire: protocol }).add(1, 2))).to.include({
        code: "ACCESS_DENIED",
        outcome: "not-sent",
      });
      expect(await client.connect<Echo>(secret.address, undefined, { wire: protocol }).add(1, 2)).to.equal(3);
    });

    it("says what is wrong with options", () => {
      const client = mesh.client();
      const connect = (address: string, options: Parameters<Client["connect"]>[2]) => () =>
        client.connect(address, "demo.echo", options);
      expect(connect("ipc:///tmp/x", { wire: protocol })).to.throw(/jsonl does not go over ipc .*, but over tls, tcp/);
      expect(connect("tcp://nowhere", { wire: protocol })).to.throw(/port is missing/);
      expect(connect(ANY, { wire: protocol, serverKey: "x".repeat(40) })).to.throw(/serverKey is for wires/);
      expect(connect(ANY, { wire: {} as Protocol })).to.throw(/the name of a wire \(lamp, .*\), or a protocol/);
      expect(connect(ANY, { wire: "amp" })).to.throw(/import \{ amp \} from "lamplighter\/amp".*wire: amp\(…\)/);
      expect(connect(ANY, { wire: "lam" })).to.throw(/no wire named "lam", did you mean/);
      expect(() => client.locate("demo.echo", { wire: "amp" })).to.throw(/lamplighter\/amp/);
    });
  });

  describe("found through a nameserver", () => {
    it("is registered beside the own wires, and never as PyCOM's address", async () => {
      const { address, records } = await mesh.nameserver();
      const { service, addresses } = await host({
        nameserver: address,
        address: [{ address: "tls://0.0.0.0:0", wire: protocol, advertise: "localhost:0" }, ANY],
      });
      expect(records).to.have.length(1);
      const [first, second] = addresses;
      expect(first).to.match(/^tls:\/\/localhost:[1-9]\d*$/);
      const [record] = await mesh.client({ nameserver: address }).find("demo.echo");
      expect(record).to.include({ service, address: second });
      expect(record?.endpoints[0]).to.deep.equal({ address: first, wires: ["jsonl"] });
      expect(record?.endpoints[1]?.wires).to.include("lamp");
    });

    it("is called by those who want it, and others go on with the own wires", async () => {
      const { address } = await mesh.nameserver();
      const { peers } = await registered(address, { withinMachine: false });
      expect(peers).to.deep.equal([]);
      const client = mesh.client({ nameserver: address });
      expect(await client.locate<Echo>("demo.echo", { wire: protocol }).add({ a: 1, b: 2 })).to.equal(3);
      expect(await client.component("demo.echo", { wire: protocol }).invoke("add", { a: 1, b: 2 })).to.equal(3);
      expect(protocol.opened.map(({ address: where }) => where.slice(0, 6))).to.deep.equal(["tls://"]);
      expect(await client.locate<Echo>("demo.echo").add(1, 2)).to.equal(3);
      expect(await client.locate<Echo>("demo.echo", { wire: "pycom" }).add(1, 2)).to.equal(3);
      expect(protocol.opened[0]?.calls).to.equal(2);
    });

    it("is found on its new port when the host is started anew", async () => {
      const { address } = await mesh.nameserver();
      // Another provider, which does not speak it, is no reason to give up.
      await mesh.host([echo], { nameserver: address });
      const first = await registered(address);
      const remote = mesh.client({ nameserver: address }).locate<Echo>("demo.echo", { wire: protocol });
      expect(await remote.add(1, 2)).to.equal(3);
      await first.close();
      const answer = remote.add(1, 3);
      await registered(address);
      expect(await answer).to.equal(4);
    });

    it("says what a service speaks that does not speak it", async () => {
      const { address } = await mesh.nameserver();
      const other = await mesh.host([echo], { nameserver: address, withinMachine: false });
      let retries = 0;
      let triedThrice: () => void = () => undefined;
      const thrice = new Promise<void>((resolve) => {
        triedThrice = resolve;
      });
      const onEvent = ({ type }: ClientEvent): void => {
        if (type === "retry" && ++retries === 3) triedThrice();
      };
      const remote = mesh.client({ nameserver: address, onEvent }).locate<Echo>("demo.echo", { wire: protocol });
      const failure = await failureOf(remote.add(1, 2));
      expect(failure).to.include({ code: "SERVICE_NOT_FOUND", outcome: "not-sent" });
      expect(failure.message).to.equal(
        `No provider of demo.echo speaks jsonl over tls, tcp: ${other.service} is reached at ${other.address} (lamp, pseud, pycom)`,
      );
      const waiting = withOptions(remote, { waitForMs: 10_000 }).add(1, 2);
      // The one that is there is no reason to give up.
      await thrice;
      await registered(address);
      expect(await waiting).to.equal(3);
    });
  });

  describe("at a host", () => {
    it("is bound by policies and limits", async () => {
      const { address } = await host({ policy: [{ method: "add", then: "allow" }], limits: { connections: 1 } });
      const remote = mesh.client().connect<Echo>(address, undefined, { wire: protocol });
      expect(await remote.add(1, 2)).to.equal(3);
      expect((await failureOf(remote.echo(1))).code).to.equal("ACCESS_DENIED");
      const second = withOptions(mesh.client().connect<Echo>(address, undefined, { wire: protocol }), { retry: false });
      expect((await failureOf(second.add(1, 2))).code).to.equal("UNAVAILABLE");
    });

    it("takes so many calls of a connection and no more", async () => {
      const { address } = await host({ limits: { callsInFlight: 1 } });
      const client = mesh.client({ retry: false });
      const remote = client.connect<Echo>(address, undefined, { wire: protocol });
      const slow = remote.slow(50);
      expect((await failureOf(remote.echo(1))).code).to.equal("OVERLOADED");
      expect(await slow).to.equal("slept");
    });

    it("finishes what runs when the host closes, and refuses the rest", async () => {
      const serving = await host();
      const remote = mesh.client({ retry: false }).connect<Echo>(serving.address, undefined, { wire: protocol });
      const slow = remote.slow(100);
      await until(() => serving.pending === 1);
      const closed = serving.close();
      expect(await failureOf(remote.echo(1))).to.include({ code: "DRAINING", outcome: "not-executed" });
      expect(await slow).to.equal("slept");
      await closed;
      expect((await failureOf(remote.echo(1))).code).to.equal("UNAVAILABLE");
    });

    it("lists who is connected, and answers the own wires elsewhere", async () => {
      const both = await host({ address: [{ address: ANY, wire: protocol }, ANY] });
      const client = mesh.client();
      await client.connect<Echo>(both.address, undefined, { wire: protocol }).add(1, 2);
      await client.connect<Echo>(both.addresses[1] ?? "", "demo.echo").add(1, 2);
      expect(both.peers.map(({ wire }) => wire).sort()).to.deep.equal(["jsonl", "pycom"]);
      expect(() => both.peer("jsonl-1")).to.throw(/Nobody is called back by jsonl/);
      expect(() => both.peer("jsonl-2")).to.throw(/No peer/);
    });

    it("does not start where it would be of no use, or let in too many", async () => {
      const at = { address: ANY, wire: protocol };
      const failure = async (options: Parameters<typeof host>[0]): Promise<string> =>
        (await failureOf(host(options))).message;
      expect(await failure({ nameserver: "tcp://127.0.0.1:1" })).to.match(
        /needs an address of its own wires besides .* jsonl/,
      );
      expect(await failure({ address: { ...at, mechanisms: ["curve"] } })).to.match(
        /by curve: the protocol jsonl lets in/,
      );
      const security = { keys: generateKeyPair(), authenticator: { checkKey: () => "somebody" } };
      expect(await failure({ security })).to.match(/by curve: .* give the address the mechanisms \["null"\]/);
      const { name, schemes } = protocol;
      const connect: Protocol["connect"] = (address, options) => protocol.connect(address, options);
      expect(await failure({ address: { ...at, wire: { connect, name, schemes } } })).to.match(/jsonl is for clients/);
      expect(await failure({ address: { ...at, address: "ipc:///tmp/x" } })).to.match(/does not go over ipc/);
      // libzmq cannot tell by which key somebody has come.
      const open = await host({ security, transport: "zmtp", address: { ...at, mechanisms: ["null"] } });
      expect(await mesh.client().connect<Echo>(open.address, undefined, { wire: protocol }).add(1, 2)).to.equal(3);
    });

    it("takes no names of wires for an address", async () => {
      const address = { address: ANY, wire: "lamp" as unknown as Protocol };
      expect((await failureOf(host({ address }))).message).to.match(/The wire of tcp:\/\/127.0.0.1:0 is a protocol/);
    });
  });
});
