import { expect } from "chai";
import { defineInterface, Host, Interface, isSameSecret, Method, type Policy } from "../../src/index.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { useRawPeers } from "../support/raw.js";
import { authenticator } from "../support/services.js";

interface Store {
  get(): Promise<string>;
  put(key: string, value: number): Promise<string>;
  drop(): Promise<string>;
}

const wires = ["lamp", "pycom"] as const;

describe("A policy", () => {
  const mesh = useMesh();
  const raw = useRawPeers();
  const ran: string[] = [];
  const run = (what: string) => () => {
    ran.push(what);
    return what;
  };
  const methods = { get: run("get"), put: { params: ["key", "value"], run: run("put") }, drop: run("drop") };
  const store = defineInterface("demo.store", { methods });
  beforeEach(() => {
    ran.length = 0;
  });

  for (const wire of wires) {
    describe(`on the wire ${wire}`, () => {
      it("refuses what it does not allow before arguments are looked at, and tells the host's log", async () => {
        const { log, lines } = keepLog();
        const host = await mesh.host([store], { policy: [{ method: "get", then: "allow" }], log });
        const remote = mesh.client().component(host.address, "demo.store", { wire });
        expect(await remote.invoke("get", null)).to.equal("get");
        const dropped = await failureOf(remote.invoke("drop", null));
        expect(dropped).to.include({ code: "ACCESS_DENIED", number: 5, outcome: "not-executed" });
        const put = await failureOf(remote.invoke("put", { wrong: 1 }));
        expect([put.code, put.message]).to.deep.equal([dropped.code, dropped.message]);
        expect(ran).to.deep.equal(["get"]);
        expect(lines("warn")[0]).to.match(/^Somebody unknown \(.*\) was refused demo\.store\.drop$/);
      });

      it("does not tell whether there is what it does not allow", async () => {
        const host = await mesh.host([store], { policy: [{ interface: "demo.store", method: "g*", then: "allow" }] });
        const refusal = async (name: string, method: string) => {
          const remote = mesh.client().component(host.address, name, { wire });
          const { code, number, message, outcome } = await failureOf(remote.invoke(method, null));
          return { code, number, message, outcome };
        };
        const refused = await refusal("demo.store", "drop");
        expect(refused.code).to.equal("ACCESS_DENIED");
        expect(await refusal("demo.store", "dropp")).to.deep.equal(refused);
        expect(await refusal("demo.stor", "get")).to.deep.equal(refused);
        expect(await refusal("demo.store", "gett")).to.include({ code: "METHOD_NOT_FOUND" });
      });

      it("lets whoever may call a method ask for the contract first, and nobody else", async () => {
        const other = defineInterface("demo.other", { methods: { get: run("other") } });
        const policy: Policy = [{ interface: "demo.store", method: ["get", "put"], then: "allow" }];
        const host = await mesh.host([store, other], { policy });
        const remote = mesh.client().connect<Store>(host.address, "demo.store", { wire });
        expect(await remote.put("key", 1)).to.equal("put");
        const closed = mesh.client().component(host.address, "demo.other", { wire });
        expect(await failureOf(closed.introspect())).to.include({ code: "ACCESS_DENIED" });
        const itself = mesh.client().component(host.address, "lamplighter.host", { wire });
        expect(await itself.invoke("stat", null)).to.have.property("service", host.service);
      });
    });
  }

  it("may let others see what an interface offers than those who may call it", async () => {
    for (const [then, told] of [
      ["allow", "described"],
      ["deny", "ACCESS_DENIED"],
    ] as const) {
      const host = await mesh.host([store], { policy: [{ method: "introspect", then }] });
      const remote = mesh.client().component(host.address, "demo.store", { wire: "lamp" });
      const described = remote.introspect().then(
        () => "described",
        (error: unknown) => (error as { code: string }).code,
      );
      expect(await described).to.equal(told);
      expect(await failureOf(remote.invoke("get", null))).to.include({ code: "ACCESS_DENIED" });
    }
  });

  it("knows who calls by a token, and asks the authenticator only where a rule names users", async () => {
    const { address: nameserver } = await mesh.nameserver();
    await mesh.host([authenticator], { nameserver });
    const policy: Policy = [
      { method: "get", then: "allow" },
      { users: ["ann"], roles: ["admin"], then: "allow" },
    ];
    const { address } = await mesh.host([store], { nameserver, policy });
    const ask = (method: string, token?: string) =>
      raw.call(address, { interface: "demo.store", method, args: null, extensions: { "org.pycom.auth": token } });
    expect(await ask("drop", "token-of-ann")).to.deep.equal({ code: 0, result: "drop" });
    expect(await ask("drop")).to.include({ code: 5 });
    expect(await ask("drop", "forged")).to.deep.equal({ code: 5, error: "Invalid token" });
    expect(await ask("get", "forged")).to.deep.equal({ code: 0, result: "get" });
  });

  it("opens no session for those whom it refuses, and tells them of none", async () => {
    const stateful = defineInterface("demo.stateful", { stateful: true, methods });
    const policy: Policy = [{ method: "get", then: "allow" }];
    const { address } = await mesh.host([stateful], { policy, sessions: { maxSessions: 1 } });
    const ask = (method: string, more: object = {}) =>
      raw.call(address, { version: "1.0", interface: "demo.stateful", method, args: null, ...more });
    const refused = { code: 5, error: "The service does not allow this call" };
    expect(await ask("drop")).to.deep.equal(refused);
    expect(await ask("nope")).to.deep.equal(refused);
    expect(await ask("drop", { session_id: "0".repeat(32) })).to.deep.equal(refused);
    expect(await ask("get")).to.include({ code: 0, result: "get" });
    expect(await ask("gett", { session_id: "0".repeat(32) })).to.deep.equal(refused);
  });

  it("gives no hints to those who call by a name that there is not", async () => {
    const { address } = await mesh.host([store], {
      policy: [{ interface: "demo.store", method: "g*", then: "allow" }],
    });
    const ask = (name: string, method: string) => raw.call(address, { interface: name, method, args: null });
    const text = "Method 'gett' not found in interface demo.store";
    expect(await ask("demo.store", "gett")).to.deep.equal({ code: 2, error: text });
    const open = await mesh.host([store]);
    const hint = await raw.call(open.address, { interface: "demo.store", method: "gett", args: null });
    expect(hint.error).to.equal(`${text}, did you mean "get"?`);
  });

  it("is decided by method, interface and host: the nearest", async () => {
    const near = defineInterface("demo.near", {
      policy: [{ method: "get", then: "allow" }],
      methods: { get: run("get"), drop: run("drop"), own: { policy: "allow", run: run("own") } },
    });
    const host = await mesh.host([near, store], { policy: [{ method: "drop", then: "allow" }] });
    const at = (name: string) => mesh.client().component(host.address, name);
    expect(await at("demo.near").invoke("get", null)).to.equal("get");
    expect(await at("demo.near").invoke("own", null)).to.equal("own");
    expect(await failureOf(at("demo.near").invoke("drop", null))).to.include({ code: "ACCESS_DENIED" });
    expect(await at("demo.store").invoke("drop", null)).to.equal("drop");
    expect(await failureOf(at("demo.store").invoke("get", null))).to.include({ code: "ACCESS_DENIED" });
  });

  it("refuses when its function fails, and says so in the host's log only", async () => {
    const { log, lines } = keepLog();
    const policy = () => {
      throw new Error("no such table");
    };
    const host = await mesh.host([store], { policy, log });
    const error = await failureOf(mesh.client().component(host.address, "demo.store").invoke("get", null));
    expect(error).to.include({ code: "ACCESS_DENIED" });
    expect(error.message).to.not.contain("table");
    expect(lines("error").join()).to.contain("no such table");
  });

  it("does not begin a call that was given up while it was being decided", async () => {
    let decide: ((verdict: boolean) => void) | undefined;
    let asked: (() => void) | undefined;
    const question = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const policy = ({ method }: { method: string }) =>
      method === "introspect" ||
      new Promise<boolean>((resolve) => {
        decide = resolve;
        asked?.();
      });
    const host = await mesh.host([store], { policy });
    const controller = new AbortController();
    const client = mesh.client();
    const remote = client.component(host.address, "demo.store", { wire: "lamp" });
    const given = failureOf(remote.invoke("drop", null, { signal: controller.signal }));
    await question;
    controller.abort();
    await given;
    // What is answered after it on the same connection was read after it.
    await client.component(host.address, "lamplighter.host", { wire: "lamp" }).invoke("stat", null);
    decide?.(true);
    while (host.pending > 0) await new Promise(setImmediate);
    expect(ran).to.deep.equal([]);
  });

  it("cannot be gone around by a reference to a whole service", async () => {
    class Vault {
      open(): string {
        return run("open")();
      }
      self(): this {
        return this;
      }
    }
    Interface("demo.vault")(Vault);
    for (const name of ["open", "self"] as const) {
      const descriptor = Object.getOwnPropertyDescriptor(Vault.prototype, name) as TypedPropertyDescriptor<never>;
      Method()(Vault.prototype, name, descriptor);
    }
    const policy: Policy = [{ interface: "demo.vault", method: "self", then: "allow" }];
    const host = await mesh.host([new Vault()], { policy });
    const remote = mesh.client().connect<{ self(): Promise<Vault> }>(host.address, "demo.vault", { wire: "lamp" });
    const self = (await remote.self()) as unknown as { open(): Promise<string>; self(): Promise<unknown> };
    expect(await failureOf(self.open())).to.include({ code: "ACCESS_DENIED" });
    expect(await failureOf((remote.self() as unknown as typeof self).open())).to.include({ code: "ACCESS_DENIED" });
    expect(ran).to.deep.equal([]);
    await self.self();
  });

  it("that names users wants a way to know them, and says so before anything is bound", () => {
    const policy: Policy = [{ users: ["ann"], then: "allow" }];
    expect(() => new Host({ nameserver: false, policy })).to.throw(/option policy names users, and nobody can prove/);
    const own = defineInterface("demo.own", { policy, methods });
    const ofMethod = defineInterface("demo.method", { methods: { get: { policy, run: run("get") } } });
    for (const provided of [own, ofMethod]) {
      expect(() => new Host({ nameserver: false }).provide(provided)).to.throw(/A policy of demo\..* names users/);
    }
  });

  if (process.env.LAMPLIGHTER_TRANSPORT === "zeromq") return;

  it("knows who calls by what the link has proven", async () => {
    const checkPassword = (user: Uint8Array, password: Uint8Array) =>
      isSameSecret(password, "right") ? Buffer.from(user).toString() : undefined;
    const host = await mesh.host([store], {
      security: { mechanisms: ["plain", "null"], authenticator: { checkPassword } },
      policy: [
        { users: ["bob"], method: "drop", then: "deny" },
        { users: ["*"], then: "allow" },
      ],
    });
    const as = (user: string) =>
      mesh.client({ security: { plain: { user, password: "right" } } }).component(host.address, "demo.store");
    expect(await as("ann").invoke("drop", null)).to.equal("drop");
    expect(await failureOf(as("bob").invoke("drop", null))).to.include({ code: "ACCESS_DENIED" });
    expect(await as("bob").invoke("get", null)).to.equal("get");
    const nobody = mesh.client().component(host.address, "demo.store");
    expect(await failureOf(nobody.invoke("get", null))).to.include({ code: "ACCESS_DENIED" });
  });
});
