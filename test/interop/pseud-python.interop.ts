import { execFileSync } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import {
  CURVE_KEYS,
  type Outcome,
  octetsOf,
  type PeerOptions,
  PythonPseud,
  useCleanUp,
} from "../support/pseud-peer.js";
import { pseudVectors } from "../support/pseud-vectors.js";
import { until } from "../support/until.js";

const SERVER: PeerOptions = { role: "server", bind: "tcp://127.0.0.1:*" };
const TIMEOUT = { class: "TimeoutError", module: "builtins", text: "" };
const UID = "01".repeat(16);
/** What the second frame but one of a message says of it; a probe has none. */
const TYPES: Readonly<Record<string, string>> = {
  "01": "ok",
  "02": "hello",
  "03": "work",
  "04": "authenticated",
  "06": "heartbeat",
  "10": "error",
  "11": "unauthorized",
};

/** Class and last line of the error that a call ended with. */
function failure(outcome: Outcome): string[] {
  if (!("error" in outcome)) throw new Error(`no error: ${JSON.stringify(outcome)}`);
  return [outcome.error.class, outcome.error.text.split("\n").at(-1) ?? ""];
}

async function typesReceived(peer: PythonPseud): Promise<string[]> {
  return (await peer.received()).map((frames) => TYPES[frames[3] ?? ""] ?? "probe");
}

/** A client that may be refused, or not be noticed before it calls. */
async function startStranger(server: PythonPseud, options: Partial<PeerOptions> = {}): Promise<PythonPseud> {
  return PythonPseud.start({ role: "client", connect: server.address, ...options });
}

/** A client that the server knows by its probe: its calls do not wait for the connection. */
async function startClient(server: PythonPseud, options: Partial<PeerOptions> = {}): Promise<PythonPseud> {
  const known = (await server.state()).users.length;
  const client = await startStranger(server, options);
  await until(async () => (await server.state()).users.length > known);
  return client;
}

/**
 * The peer of pseud in Python, against itself: whoever tests with it can rely on this. Needs Debian's python3-zmq and
 * python3-msgpack.
 */
describe("The peer of the pseud wire in Python", () => {
  useCleanUp();

  it("agrees with what the library wrote", () => {
    const vectors = ["pseud", "pseud-messages"].map((name) => `test/fixtures/vectors/${name}.json`);
    const args = ["test/interop/python/pseud_check.py", ...vectors];
    const out = execFileSync("/usr/bin/python3", args, { encoding: "utf8", stdio: "pipe" });
    expect(out).to.match(/^[1-9]\d\d passed, 0 failed\n$/);
  });

  describe("without authentication", () => {
    it("calls and answers", async () => {
      await using server = await PythonPseud.start({ ...SERVER, proxy: true });
      await using client = await startClient(server);
      const calls: [string, unknown[], unknown][] = [
        ["hello", ["Charly"], "Hello Charly"],
        ["nothing", [], null],
        ["later", ["done"], "done"],
        ["whoami", [], octetsOf("")],
        ["nearest", [], "local"],
        ["everywhere", [], "global"],
        ["most.special", [], "local"],
        ["try_to_call_me", [], "small power"],
        ["str.lower", ["SCREAM"], "scream"],
        ["type.of", [[1]], "tuple"],
        ["type.of", [octetsOf("a")], "bytes"],
        ["type.of", [{ $float: "3.0" }], "float"],
        ["proxied.whoami", [], octetsOf("")],
      ];
      for (const [name, args, result] of calls) expect(await client.call(name, args)).to.deep.equal({ result });
      const named = await client.call("please.do_that_job", [1, 2, 3], { b: 4 });
      expect(named).to.deep.equal({ result: [[1, 2, 3], { b: 4 }] });
      expect(await server.state()).to.deep.include({ alive: true, reason: null, messages: { PROBE: 1, WORK: 14 } });
    });

    it("passes every value on", async () => {
      await using server = await PythonPseud.start(SERVER);
      await using client = await startClient(server);
      const isForeign = (told: unknown): boolean => JSON.stringify(told).includes('"foreign"');
      const values = pseudVectors()
        .filter(({ fatalForPython, decoded }) => !fatalForPython && !isForeign(decoded))
        .map(({ decoded }) => decoded);
      expect(values).to.have.length.above(100);
      expect(await client.call("echo", [values])).to.deep.equal({ result: values });
    });

    it("passes decimals on by a table", async () => {
      await using server = await PythonPseud.start({ ...SERVER, decimal: 42 });
      await using client = await startClient(server, { decimal: 42 });
      await using plain = await startClient(server);
      const price = { $decimal: "1.50" };
      expect(await client.call("type.of", [price])).to.deep.equal({ result: "Decimal" });
      expect(await client.call("echo", [price])).to.deep.equal({ result: price });
      expect(await plain.call("echo", [{ $ext: [42, "322e35"] }])).to.deep.equal({ result: { $ext: [42, "322e35"] } });
      expect(failure(await plain.call("echo", [price]))).to.include("TypeError");
    });

    it("fails a call with the error of the job", async () => {
      await using server = await PythonPseud.start({ ...SERVER, proxy: true });
      await using client = await startClient(server);
      const calls: [string, unknown[], string, string][] = [
        ["boom", [], "ValueError", "boom"],
        ["boom_empty", [], "RuntimeError", ""],
        ["boom_oserror", [], "FileNotFoundError", "[Errno 2] No such file or directory: 'sheep.txt'"],
        ["boom_custom", [], "Exception", "no white left"],
        ["add", [1], "TypeError", "add() missing 1 required positional argument: 'b'"],
        ["no.such.method", [1], "ServiceNotFoundError", "no.such.method"],
        ["only.admin", [], "ServiceNotFoundError", "only.admin"],
        ["no.predicate", [], "Exception", "unheard-of"],
        ["boom_not_found", ["x"], "ServiceNotFoundError", "boom_not_found"],
        ["boom_called", ["SystemExit", "out"], "SystemExit", "out"],
      ];
      for (const [name, args, kind, text] of calls) {
        expect(failure(await client.call(name, args)), name).to.deep.equal([kind, text]);
      }
      // Python's own way to call a job has parameters of that name.
      expect(failure(await client.call("echo", [], { name: 1 }))[0]).to.equal("TypeError");
      expect((await client.state()).alive).to.equal(true);
    });

    it("calls from either side, whichever is bound", async () => {
      await using client = await PythonPseud.start({ ...SERVER, role: "client" });
      await using server = await PythonPseud.start({ role: "server", connect: client.address });
      // Sending waits less long than a connection may take; the probe tells that it is there.
      const { routing } = await client.happens("user");
      expect(routing).to.deep.equal(octetsOf("service"));
      expect(await client.call("hello", ["x"])).to.deep.equal({ result: "Hello x" });
      const { routing: theirs } = (await server.state()).users[0] ?? expect.fail("the server saw nobody");
      expect(await server.sendTo(theirs).call("add", [1, 2])).to.deep.equal({ result: 3 });
      expect(await client.call("call.back", ["hello", "y"])).to.deep.equal({ result: "soon" });
    });

    it("runs one job at a time", async () => {
      await using server = await PythonPseud.start(SERVER);
      await using client = await startClient(server);
      const order: unknown[] = [];
      const note = async (call: Promise<Outcome>): Promise<void> => {
        order.push(await call);
      };
      await Promise.all([note(client.call("slow", [0.3, "slow"])), note(client.call("echo", ["fast"]))]);
      expect(order).to.deep.equal([{ result: "slow" }, { result: "fast" }]);
    });

    it("drops what nobody takes, and goes on when somebody is there", async () => {
      const gone = await PythonPseud.start(SERVER);
      const { address } = gone;
      await gone.close();
      await using client = await PythonPseud.start({ role: "client", connect: address, timeout: 0.6 });
      expect(await client.call("nothing")).to.deep.equal({ error: TIMEOUT });
      await using server = await PythonPseud.start({ ...SERVER, bind: address });
      await server.happens("user");
      expect(await client.call("hello", ["x"])).to.deep.equal({ result: "Hello x" });
      expect(await typesReceived(server)).to.deep.equal(["probe", "work"]);
    });

    it("says nothing to a peer that knows no probes, and dies as that does", async () => {
      await using server = await PythonPseud.start({ ...SERVER, probe: false });
      await using old = await startStranger(server, { probe: false, timeout: 1 });
      // What is dropped before the connection is there is not answered late.
      await until(async () => "result" in (await old.call("nothing")));
      expect(await typesReceived(server)).to.not.include("probe");
      expect((await server.state()).alive).to.equal(true);
      await using client = await startStranger(server, { timeout: 0.3 });
      expect((await server.happens("died")).reason).to.equal(
        "ValueError: not enough values to unpack (expected 6, got 2)",
      );
      expect(await client.call("nothing")).to.deep.equal({ error: TIMEOUT });
    });

    it("cannot be used when stopped", async () => {
      await using server = await PythonPseud.start(SERVER);
      await using client = await startClient(server);
      await client.stop();
      expect(failure(await client.call("nothing"))[0]).to.equal("RuntimeError");
      expect((await server.state()).alive).to.equal(true);
    });
  });

  describe("when it dies", () => {
    it("leaves a caller waiting whose error cannot be made again", async () => {
      await using server = await PythonPseud.start(SERVER);
      await using client = await startClient(server, { timeout: 0.3 });
      const pending = client.call("slow", [0.5]);
      const hanging = client.call("boom_decode");
      // The slow one times out and its answer is fatal before the error comes.
      expect(await pending).to.deep.equal({ error: TIMEOUT });
      expect(await hanging).to.deep.equal({ error: TIMEOUT });
      await using another = await startClient(server);
      expect(await another.call("boom_decode")).to.deep.equal({ waitsForEver: true });
      expect(await another.state()).to.deep.include({
        alive: false,
        reason: "TypeError: function takes exactly 5 arguments (1 given)",
      });
      expect(another.err).to.equal("reader died: TypeError: function takes exactly 5 arguments (1 given)\n");
      expect((await server.state()).alive).to.equal(true);
    });

    it("does of an answer that is late", async () => {
      await using server = await PythonPseud.start(SERVER);
      await using client = await startClient(server, { timeout: 0.2 });
      expect(await client.call("slow", [0.4])).to.deep.equal({ error: TIMEOUT });
      expect((await client.happens("died")).reason).to.match(/^KeyError: b/);
    });

    it("does of a job that waits for its caller", async () => {
      await using server = await PythonPseud.start({ ...SERVER, plugin: "plain", timeout: 0.3 });
      await using client = await startClient(server, { plugin: "plain", user: "alice", password: "alice" });
      expect(failure(await client.call("call.inside", ["draw.me.a.sheep"]))[0]).to.equal("TimeoutError");
      expect((await server.happens("died")).reason).to.match(/^KeyError: b/);
    });

    for (const [job, reason] of [
      ["unpackable", /^TypeError: \{1, 2\} cannot be packed|^TypeError: \{2, 1\} cannot be packed/],
      ["cancelled", /^CancelledError/],
    ] as const) {
      it(`does of the job ${job}`, async () => {
        await using server = await PythonPseud.start(SERVER);
        await using client = await startClient(server, { timeout: 0.3 });
        expect(await client.call(job)).to.deep.equal({ error: TIMEOUT });
        expect((await server.happens("died")).reason).to.match(reason);
      });
    }

    it("does of a challenge that its plugin knows nothing of", async () => {
      await using server = await PythonPseud.start({ ...SERVER, plugin: "plain" });
      await using client = await startClient(server, { plugin: "plain", user: "alice", password: "alice" });
      await server.send(["", "7631", UID, "11", ""], "alice");
      expect((await client.happens("died")).reason).to.match(/has no attribute 'handle_authentication'$/);
    });
  });

  describe("with passwords", () => {
    it("knows users before they call, and calls them", async () => {
      await using server = await PythonPseud.start({ ...SERVER, plugin: "plain" });
      await using alice = await startClient(server, { plugin: "plain", user: "alice", password: "alice" });
      expect(await server.sendTo("alice").call("draw.me.a.sheep")).to.deep.equal({ result: "beeeh" });
      expect(failure(await server.sendTo("alice").call("boom"))).to.deep.equal(["ValueError", "boom"]);
      expect(await server.sendTo("bob").call("nothing")).to.deep.equal({
        error: { class: "KeyError", module: "builtins", text: "b'bob'" },
      });
      expect(await alice.call("whoami")).to.deep.equal({ result: octetsOf("alice") });
      expect(await alice.call("call.back", ["hello", "A"])).to.deep.equal({ result: "soon" });
      expect(await server.happens("callback")).to.deep.equal({ event: "callback", result: "Hello A" });
    });

    it("refuses a wrong one in silence", async () => {
      await using server = await PythonPseud.start({ ...SERVER, plugin: "plain", users: { alice: "secret" } });
      await using wrong = await startStranger(server, {
        plugin: "plain",
        user: "alice",
        password: "alice",
        timeout: 0.6,
      });
      expect(await wrong.call("nothing")).to.deep.equal({ error: TIMEOUT });
      await using right = await startClient(server, { plugin: "plain", user: "alice", password: "secret" });
      expect(await right.call("nothing")).to.deep.equal({ result: null });
      expect(await typesReceived(server)).to.deep.equal(["probe", "work"]);
    });

    it("believes everybody as trusted peer", async () => {
      await using server = await PythonPseud.start({ ...SERVER, plugin: "trusted_peer" });
      for (const user of ["ann", "ben"]) {
        await using client = await startClient(server, { plugin: "plain", user, password: "anything" });
        expect(await client.call("whoami")).to.deep.equal({ result: octetsOf(user) });
        expect(await server.sendTo(user).call("add", [1, 1])).to.deep.equal({ result: 2 });
      }
    });

    it("keeps jobs for admins", async () => {
      await using server = await PythonPseud.start({ ...SERVER, plugin: "plain", admins: ["admin"] });
      await using admin = await startClient(server, { plugin: "plain", user: "admin", password: "admin" });
      await using guest = await startClient(server, { plugin: "plain", user: "guest", password: "guest" });
      expect(await admin.call("try_to_call_me")).to.deep.equal({ result: "great power" });
      expect(await admin.call("only.admin")).to.deep.equal({ result: "great power" });
      expect(await admin.call("most.special")).to.deep.equal({ result: "global, restricted" });
      expect(await guest.call("try_to_call_me")).to.deep.equal({ result: "small power" });
      expect(failure(await guest.call("only.admin"))).to.deep.equal(["ServiceNotFoundError", "only.admin"]);
    });
  });

  describe("with keys", () => {
    const { server: serverKeys, bob, john } = CURVE_KEYS;
    const trusted: PeerOptions = { ...SERVER, ...serverKeys, plugin: "trusted_curve", keys: { bob: bob.publicKey } };
    const untrusted: PeerOptions = { ...SERVER, ...serverKeys, plugin: "untrusted_curve", users: { john: "s3cret!" } };
    const asJohn = {
      ...john,
      plugin: "untrusted_curve",
      peerKey: serverKeys.publicKey,
      user: "john",
      password: "s3cret!",
    } as const;

    it("knows trusted ones", async () => {
      await using server = await PythonPseud.start(trusted);
      const known = { plugin: "trusted_curve", peerKey: serverKeys.publicKey } as const;
      await using client = await startClient(server, { ...known, ...bob });
      expect(await server.sendTo("bob").call("draw.me.a.sheep")).to.deep.equal({ result: "beeeh" });
      expect(await client.call("whoami")).to.deep.equal({ result: octetsOf("bob") });
      await using stranger = await startStranger(server, { ...known, ...john, timeout: 0.6 });
      expect(await stranger.call("nothing")).to.deep.equal({ error: TIMEOUT });
      expect(await typesReceived(server)).to.deep.equal(["probe", "ok", "work"]);
    });

    it("challenges unknown ones, and knows them from then on", async () => {
      await using server = await PythonPseud.start(untrusted);
      {
        await using client = await startClient(server, asJohn);
        expect(await client.call("whoami")).to.deep.equal({ result: octetsOf(john.publicKey) });
        expect(await typesReceived(client)).to.deep.equal(["unauthorized", "authenticated", "ok"]);
        const [, first, hello, again] = await server.received();
        expect(await typesReceived(server)).to.deep.equal(["probe", "work", "hello", "work"]);
        expect(again).to.deep.equal(first);
        expect(hello?.slice(2)).to.deep.equal([first?.[2], "02", "92c4046a6f686ec40773336372657421"]);
        expect(await server.sendTo("john").call("draw.me.a.sheep")).to.deep.equal({ result: "beeeh" });
      }
      await using client = await startClient(server, asJohn);
      expect(await client.call("whoami")).to.deep.equal({ result: octetsOf("john") });
      expect(await typesReceived(client)).to.deep.equal(["ok"]);
    });

    it("refuses a wrong password for good after two attempts", async () => {
      await using server = await PythonPseud.start(untrusted);
      await using client = await startClient(server, { ...asJohn, password: "wrong" });
      expect(await client.call("nothing")).to.deep.equal({
        error: {
          class: "UnauthorizedError",
          module: "pseud.interfaces",
          text: "Max authentication retries reached",
        },
      });
      expect(await typesReceived(server)).to.deep.equal(["probe", "work", "hello", "hello"]);
      const texts = (await client.received()).map((frames) => Buffer.from(frames[4] ?? "", "hex").toString());
      expect(texts).to.deep.equal(["Authentication Required", "Authentication Error", "Authentication Error"]);
    });

    it("loses one of two calls that are both challenged, and the third fails", async () => {
      await using server = await PythonPseud.start(untrusted);
      await using client = await startClient(server, { ...asJohn, timeout: 1 });
      // Nothing waits for the connection any more when another probe has come through.
      await client.send([""]);
      await until(async () => (await server.state()).messages.PROBE === 2);
      server.pause();
      const calls = Promise.all(["a", "b", "c"].map((value) => client.call("echo", [value])));
      await until(async () => (await client.state()).pending === 3);
      server.resume();
      const outcomes = await calls;
      expect(outcomes.slice(0, 2)).to.deep.equal([{ result: "a" }, { error: TIMEOUT }]);
      expect(failure(outcomes[2] ?? expect.fail())).to.deep.equal([
        "UnauthorizedError",
        "Max authentication retries reached",
      ]);
    });

    it("challenges a heartbeat", async () => {
      await using server = await PythonPseud.start(untrusted);
      await using client = await startClient(server, asJohn);
      await client.send(["", "7631", "", "06", ""]);
      await client.happens("message", ({ type }) => type === "AUTHENTICATED");
      expect((await client.received()).map((frames) => frames.slice(2, 4))).to.deep.equal([
        ["", "11"],
        ["", "04"],
      ]);
      expect(await client.call("whoami")).to.deep.equal({ result: octetsOf(john.publicKey) });
    });

    it("dies of a HELLO without a challenge", async () => {
      await using server = await PythonPseud.start(untrusted);
      await using client = await startClient(server, asJohn);
      await client.send(["", "7631", UID, "02", "92c4046a6f686ec40773336372657421"]);
      expect((await server.happens("died")).reason).to.match(/^KeyError: b/);
    });
  });

  describe("that blocks", () => {
    it("calls, and is of no use after a timeout", async () => {
      await using server = await PythonPseud.start(SERVER);
      await using client = await startStranger(server, { role: "sync", timeout: 0.3 });
      expect(await client.call("hello", ["Charly"])).to.deep.equal({ result: "Hello Charly" });
      expect(failure(await client.call("boom"))).to.deep.equal(["ValueError", "boom"]);
      expect(await typesReceived(server)).to.deep.equal(["work", "work"]);
      expect(await client.call("slow", [0.5])).to.deep.equal({ error: TIMEOUT });
      expect(failure(await client.call("nothing"))[0]).to.equal("ZMQError");
    });

    it("says its password, and has a key", async () => {
      await using plain = await PythonPseud.start({ ...SERVER, plugin: "plain" });
      await using first = await startStranger(plain, { role: "sync", plugin: "plain", user: "ann", password: "ann" });
      expect(await first.call("whoami")).to.deep.equal({ result: octetsOf("ann") });
      const { server, bob } = CURVE_KEYS;
      const keys = { bob: bob.publicKey };
      await using curve = await PythonPseud.start({ ...SERVER, ...server, plugin: "trusted_curve", keys });
      const known = { ...bob, plugin: "trusted_curve", peerKey: server.publicKey } as const;
      await using second = await startStranger(curve, { role: "sync", ...known });
      expect(await second.call("whoami")).to.deep.equal({ result: octetsOf("bob") });
    });
  });

  describe("with heartbeats", () => {
    it("reports who is gone, and not before", async () => {
      await using server = await PythonPseud.start({ ...SERVER, plugin: "plain", heartbeat: "testing", limit: 1 });
      const beating = { plugin: "plain", heartbeat: "testing", interval: 0.05 } as const;
      await using alice = await startClient(server, { ...beating, user: "alice", password: "alice" });
      await using bob = await startClient(server, { ...beating, user: "bob", password: "bob" });
      // A probe is no sign of life.
      for (const name of ["alice", "bob"]) {
        await server.happens(
          "message",
          ({ type, user }) => type === "HEARTBEAT" && isDeepStrictEqual(user, octetsOf(name)),
        );
      }
      await bob.stop();
      expect((await server.happens("gone")).user).to.deep.equal(octetsOf("bob"));
      expect((await server.state()).gone).to.deep.equal([octetsOf("bob")]);
      expect(await alice.call("nothing")).to.deep.equal({ result: null });
      expect((await server.state()).messages.HEARTBEAT).to.be.above(10);
    });
  });
});
