import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { inspect } from "node:util";
import { expect } from "chai";
import type { Challenge, SecurityPlugin, ServerOptions } from "../../src/compat/pseud/index.js";
import { currentCall } from "../../src/index.js";
import { keyText } from "../../src/security/keys.js";
import type { KeyPair, LinkSecurity } from "../../src/transport/index.js";
import { HEARTBEAT, MessageType, messageFrames } from "../../src/wire/pseud/format.js";
import { encodeLogin } from "../../src/wire/pseud/login-body.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";
import { Stranger } from "../support/pseud-stranger.js";

interface Secret {
  secret(): string;
  whoami(): string | null;
}

const UID = Buffer.alloc(16, 7);

/** Whoever is not who he says he is gets nothing: no answer, no job that runs, no call that is meant for somebody else. */
describe("Impostors at a server of pseud", () => {
  const pseud = usePseud();
  const open: Stranger[] = [];
  afterEach(() => {
    for (const stranger of open.splice(0)) stranger.close();
  });
  /** How often the secret was told. */
  let told = 0;
  beforeEach(() => {
    told = 0;
  });

  async function serve(options: Partial<ServerOptions>) {
    const server = pseud.server({ id: "service", ...options });
    server.register(
      () => {
        told++;
        return "secret";
      },
      { name: "secret" },
    );
    server.register(() => currentCall().caller?.name ?? null, { name: "whoami" });
    const address = await server.bind("tcp://127.0.0.1:0");
    return { server, address };
  }

  function stranger(address: string, security?: LinkSecurity, routingId?: string): Stranger {
    const one = new Stranger(address, {
      security,
      routingId: routingId === undefined ? undefined : Buffer.from(routingId),
    });
    open.push(one);
    return one;
  }

  /** Is refused before it can say anything. */
  async function refused(one: Stranger): Promise<void> {
    expect(await one.closed()).to.include({ code: "ACCESS_DENIED" });
    expect(one.received).to.deep.equal([]);
    expect(told).to.equal(0);
  }

  const plain = (user: string, password: string): LinkSecurity => ({ mechanism: "plain", user, password });

  describe("that asks for passwords", () => {
    const users = { alice: "wonderland", bob: "builder", nobody: "" };
    const start = () => serve({ security: "plain", users });

    it("with a wrong password", async () => {
      await refused(stranger((await start()).address, plain("alice", "Wonderland")));
    });

    it("with the password of somebody else", async () => {
      await refused(stranger((await start()).address, plain("alice", "builder")));
    });

    it("with no password", async () => {
      await refused(stranger((await start()).address, plain("alice", "")));
    });

    it("with a name that nobody has, and the name for a password", async () => {
      await refused(stranger((await start()).address, plain("mallory", "mallory")));
    });

    it("with a name that every object has", async () => {
      for (const name of ["__proto__", "constructor", "toString"]) {
        await refused(stranger((await start()).address, plain(name, "")));
      }
    });

    it("with a name that is cut, or goes on behind a zero", async () => {
      const { address } = await start();
      for (const name of ["alic", "alice\0", "alice\0x", "ALICE", " alice", ""]) {
        await refused(stranger(address, plain(name, "wonderland")));
      }
    });

    it("without any proof", async () => {
      await refused(stranger((await start()).address));
    });

    it("with a key, where keys prove nothing", async () => {
      const security: LinkSecurity = {
        mechanism: "curve",
        keys: pseud.keys(),
        serverKey: pseud.keys().publicKey,
      };
      await refused(stranger((await start()).address, security));
    });

    it("with a routing id that is the name of somebody else", async () => {
      const { server, address } = await start();
      const bob = await stranger(address, plain("bob", "builder"), "alice").opened();
      expect(await failureOf(server.sendTo<Secret>("alice").secret())).to.include({
        code: "SERVICE_NOT_FOUND",
        outcome: "not-sent",
      });
      expect(bob.received).to.deep.equal([]);
    });

    it("with the routing id that somebody else has, who stays", async () => {
      const { server, address } = await start();
      const alice = await stranger(address, plain("alice", "wonderland"), "the id").opened();
      const bob = await stranger(address, plain("bob", "builder"), "the id").opened();
      bob.work("whoami");
      await bob.next();
      void (server.sendTo<Secret>("alice").secret() as unknown as Promise<unknown>).catch(() => undefined);
      await alice.next();
      expect(alice.types).to.deep.equal([MessageType.work]);
      expect(bob.types).to.deep.equal([MessageType.ok]);
    });

    it("with the routing id of the server itself", async () => {
      const { server, address } = await start();
      const bob = await stranger(address, plain("bob", "builder"), "service").opened();
      expect(await failureOf(server.sendTo<Secret>("service").secret())).to.include({
        outcome: "not-sent",
      });
      expect(bob.received).to.deep.equal([]);
    });

    it("that answers a call which somebody else was asked", async () => {
      const { server, address } = await start();
      const alice = await stranger(address, plain("alice", "wonderland")).opened();
      const bob = await stranger(address, plain("bob", "builder")).opened();
      const asked = server.sendTo<Secret>("alice").secret();
      const [, , uid = UID] = await alice.next();
      const answer = (text: string) =>
        messageFrames(MessageType.ok, uid, Buffer.concat([Buffer.of(0xa3), Buffer.from(text)]));
      bob.send(answer("bob"));
      bob.work("whoami");
      await bob.next();
      alice.send(answer("ali"));
      expect(await asked).to.equal("ali");
    });

    it("that is called only by its own name, however many connections it has", async () => {
      const { server, address } = await start();
      const bobs = await Promise.all([1, 2, 3].map(() => stranger(address, plain("bob", "builder")).opened()));
      const alice = await stranger(address, plain("alice", "wonderland")).opened();
      void (server.sendTo<Secret>("alice").secret() as unknown as Promise<unknown>).catch(() => undefined);
      await alice.next();
      expect(bobs.flatMap((bob) => bob.received)).to.deep.equal([]);
    });

    it("that has guessed too often is not looked at any more, right or wrong", async () => {
      const { address } = await serve({ security: "plain", users, maxFailedLogins: 3 });
      for (let guess = 0; guess < 3; guess++) await refused(stranger(address, plain("alice", `guess ${guess}`)));
      await refused(stranger(address, plain("alice", "wonderland")));
    });
  });

  describe("that knows the keys of its users", () => {
    const serverKeys = pseud.keys();
    const alice = pseud.keys();
    const curve = (keys: KeyPair, serverKey = serverKeys.publicKey): LinkSecurity => ({
      mechanism: "curve",
      keys,
      serverKey,
    });
    const start = () =>
      serve({ security: "trusted_curve", keys: serverKeys, users: { alice: keyText(alice.publicKey) } });

    it("with a key that nobody knows", async () => {
      await refused(stranger((await start()).address, curve(pseud.keys())));
    });

    it("with a known public key, and another secret one", async () => {
      const { address } = await start();
      const forged = { publicKey: alice.publicKey, secretKey: pseud.keys().secretKey };
      await stranger(address, curve(forged)).closed();
      expect(told).to.equal(0);
    });

    it("without a key, or with a password", async () => {
      const { address } = await start();
      await refused(stranger(address));
      await refused(stranger(address, plain("alice", "alice")));
    });

    it("with a key of its own and the routing id of a user", async () => {
      await refused(stranger((await start()).address, curve(pseud.keys()), "alice"));
    });

    it("that stands between, and has another key than the server", async () => {
      const { address } = await start();
      const client = pseud.client<Secret>({
        security: "trusted_curve",
        keys: alice,
        serverKey: pseud.keys().publicKey,
        timeoutMs: 500,
      });
      await client.connect(address);
      expect(await failureOf(client.secret())).to.include({ outcome: "not-sent" });
      expect(told).to.equal(0);
    });
  });

  describe("that asks for a log-in", () => {
    const serverKeys = pseud.keys();
    const curve = (keys = pseud.keys()): LinkSecurity => ({
      mechanism: "curve",
      keys,
      serverKey: serverKeys.publicKey,
    });
    const start = (options: Partial<ServerOptions> = {}) =>
      serve({ security: "untrusted_curve", keys: serverKeys, users: { john: "s3cret!" }, ...options });
    const hello = (login: string, password: string, uid = UID) =>
      messageFrames(
        MessageType.hello,
        uid,
        encodeLogin({ login: Buffer.from(login), password: Buffer.from(password) }),
      );

    it("that calls without having logged in", async () => {
      const { address } = await start();
      const one = await stranger(address, curve()).opened();
      for (let count = 1; count <= 5; count++) {
        one.work("secret");
        await one.next(count);
      }
      expect(new Set(one.types)).to.deep.equal(new Set([MessageType.unauthorized]));
      expect(told).to.equal(0);
    });

    it("with a wrong password, and with one for somebody else", async () => {
      const { address } = await start({ users: { john: "s3cret!", jane: "other" } });
      const one = await stranger(address, curve()).opened();
      one.work("secret");
      await one.next(1);
      for (const [index, password] of ["wrong", "other", "", "s3cret!\0"].entries()) {
        one.send(hello("john", password));
        await one.next(index + 2);
      }
      one.work("secret");
      await one.next(6);
      expect(new Set(one.types)).to.deep.equal(new Set([MessageType.unauthorized]));
      expect(told).to.equal(0);
    });

    it("whose guesses, and the right password, stand in no log and in no error", async () => {
      const { log, lines } = keepLog();
      const { address } = await start({ log });
      const guesser = await stranger(address, curve()).opened();
      guesser.work("secret");
      await guesser.next(1);
      guesser.send(hello("john", "a-guess-of-mine"));
      await guesser.next(2);
      const options = { security: "untrusted_curve", serverKey: serverKeys.publicKey, userId: "john", log } as const;
      const wrong = pseud.client<Secret>({ ...options, keys: pseud.keys(), password: "another-guess" });
      await wrong.connect(address);
      const failure = await failureOf(wrong.secret());
      const right = pseud.client<Secret>({ ...options, keys: pseud.keys(), password: "s3cret!" });
      await right.connect(address);
      expect(await right.secret()).to.equal("secret");
      const texts = [...(["debug", "info", "warn", "error"] as const).flatMap(lines), inspect(failure, { depth: 10 })];
      expect(texts.join("\n")).to.include("not let in");
      for (const secret of ["a-guess-of-mine", "another-guess", "s3cret!"]) {
        expect(texts.filter((line) => line.includes(secret))).to.deep.equal([]);
      }
    });

    it("that logs in without having been asked", async () => {
      const { address } = await start();
      const one = await stranger(address, curve()).opened();
      one.send(hello("john", "s3cret!"));
      one.work("secret");
      await one.next(1);
      expect(one.types).to.deep.equal([MessageType.unauthorized]);
      expect(told).to.equal(0);
    });

    it("that says itself that it is let in", async () => {
      const { address } = await start();
      const one = await stranger(address, curve()).opened();
      one.send(messageFrames(MessageType.authenticated, UID, Buffer.from("Welcome b'john'")));
      one.send(HEARTBEAT);
      await one.next(1);
      one.work("secret");
      await one.next(2);
      expect(one.types).to.deep.equal([MessageType.unauthorized, MessageType.unauthorized]);
      expect(told).to.equal(0);
    });

    it("whose log-in makes no sense", async () => {
      const { address } = await start();
      const one = await stranger(address, curve()).opened();
      one.work("secret");
      await one.next(1);
      const bodies = ["", "c0", "90", "91c4046a6f686e", "93c4046a6f686ec40161c40162", "920102", "92c40461", "c1"];
      for (const [index, body] of bodies.entries()) {
        one.send(messageFrames(MessageType.hello, UID, Buffer.from(body, "hex")));
        await one.next(index + 2);
      }
      expect(new Set(one.types)).to.deep.equal(new Set([MessageType.unauthorized]));
      expect(told).to.equal(0);
    });

    it("that guesses too often is not looked at any more, right or wrong", async () => {
      const { address } = await start({ maxFailedLogins: 3 });
      const one = await stranger(address, curve()).opened();
      one.work("secret");
      await one.next(1);
      for (const [index, password] of ["a", "b", "c", "s3cret!"].entries()) {
        one.send(hello("john", password));
        await one.next(index + 2);
      }
      expect(new Set(one.types)).to.deep.equal(new Set([MessageType.unauthorized]));
    });

    it("that is called before it has logged in, by the text of its key or any other name", async () => {
      const { server, address } = await start();
      const keys = pseud.keys();
      const one = await stranger(address, curve(keys), "john").opened();
      one.work("secret");
      await one.next(1);
      for (const name of [keyText(keys.publicKey), "john", ""]) {
        expect(await failureOf(server.sendTo<Secret>(name).secret())).to.include({
          outcome: "not-sent",
        });
      }
      expect(one.types).to.deep.equal([MessageType.unauthorized]);
    });

    it("that says again all that somebody else has said, octet by octet", async () => {
      const { address } = await start();
      const { port } = new URL(address);
      const heard: Buffer[] = [];
      const listener = createServer((near) => {
        const far = connect(Number(port), "127.0.0.1");
        near.on("data", (chunk) => {
          heard.push(chunk);
          far.write(chunk);
        });
        far.on("data", (chunk) => near.write(chunk));
        for (const socket of [near, far]) socket.on("error", () => undefined);
        near.on("close", () => far.destroy());
        far.on("close", () => near.destroy());
      });
      listener.listen(0, "127.0.0.1");
      await once(listener, "listening");
      const john = pseud.client<Secret>({
        security: "untrusted_curve",
        keys: pseud.keys(),
        serverKey: serverKeys.publicKey,
        userId: "john",
        password: "s3cret!",
      });
      await john.connect(`tcp://127.0.0.1:${(listener.address() as AddressInfo).port}`);
      expect(await john.secret()).to.equal("secret");
      expect(told).to.equal(1);
      await john.stop();
      listener.close();
      const replay = connect(Number(port), "127.0.0.1");
      let answered = 0;
      replay.on("data", (chunk) => (answered += chunk.length)).on("error", () => undefined);
      for (const chunk of heard) replay.write(chunk);
      await once(replay, "close");
      expect(told).to.equal(1);
      // The greeting and a WELCOME, which say nothing of anybody.
      expect(answered).to.be.at.most(64 + 170);
    });

    it("that logs in as somebody, and is nobody else", async () => {
      const { server, address } = await start({ users: { john: "s3cret!", jane: "other" } });
      const one = await stranger(address, curve()).opened();
      one.work("whoami");
      await one.next(1);
      one.send(hello("john", "s3cret!"));
      await one.next(2);
      one.work("whoami");
      const [, , , , body] = await one.next(3);
      expect(Buffer.from(body ?? []).toString("latin1")).to.contain("john");
      expect(await failureOf(server.sendTo<Secret>("jane").secret())).to.include({
        outcome: "not-sent",
      });
    });
  });

  describe("that is none itself", () => {
    it("asks a client for a log-in, which gives its password to nobody who asks for it", async () => {
      const heard: string[] = [];
      const challenge: Challenge = {
        userOf: () => undefined,
        logIn: ({ password }) => {
          heard.push(Buffer.from(password).toString());
          return "alice";
        },
      };
      const security: SecurityPlugin = {
        name: "rogue",
        server: () => ({ listener: { plain: () => "alice" }, challenge }),
        client: () => ({}),
      };
      const { address } = await serve({ security });
      const client = pseud.client<Secret>({ security: "plain", userId: "alice", password: "wonderland" });
      await client.connect(address);
      expect(await failureOf(client.secret())).to.include({ code: "ACCESS_DENIED", outcome: "not-executed" });
      expect(heard).to.deep.equal([]);
    });

    it("wants clear text of a client that has keys", async () => {
      const { address } = await serve({});
      const client = pseud.client<Secret>({
        security: "untrusted_curve",
        keys: pseud.keys(),
        serverKey: pseud.keys().publicKey,
        userId: "john",
        password: "s3cret!",
        timeoutMs: 1_000,
      });
      await client.connect(address);
      expect(await failureOf(client.secret())).to.include({ code: "ACCESS_DENIED", outcome: "not-sent" });
      expect(told).to.equal(0);
    });
  });
});
