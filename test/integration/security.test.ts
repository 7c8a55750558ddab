import { EventEmitter, once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { currentCall, defineInterface, Host, isSameSecret } from "../../src/index.js";
import { KeyFolder } from "../../src/security/key-folder.js";
import { keyText } from "../../src/security/keys.js";
import { useKeys } from "../support/keys.js";
import { failureOf, useMesh } from "../support/mesh.js";

const who = defineInterface("demo.who", {
  methods: { who: () => [currentCall().caller?.name ?? null, currentCall().caller?.proof ?? null] },
});

interface Who {
  who(): [string | null, string | null];
}

describe("Keys", () => {
  const mesh = useMesh();
  if (process.env.LAMPLIGHTER_TRANSPORT === "zeromq") return;
  const keys = useKeys();

  /** Nameserver, host and client that trust each other as far as they have to. */
  async function scene() {
    const of = { nameserver: keys(), host: keys(), client: keys(), stranger: keys() };
    of.nameserver.trust("host", of.host.keys.publicKey);
    of.nameserver.trust("ann", of.client.keys.publicKey);
    of.host.trust("ann", of.client.keys.publicKey);
    for (const folder of [of.host, of.client, of.stranger]) folder.pinNameserver(of.nameserver.keys.publicKey);
    const { address } = await mesh.nameserver({ security: of.nameserver.path });
    const host = mesh.own(new Host({ nameserver: address, service: "/who", security: of.host.path }).provide(who));
    expect(await host.start()).to.equal(true);
    return { of, host, nameserver: address };
  }

  it("prove who calls, through the nameserver, with one line on each side", async () => {
    const { of, nameserver, host } = await scene();
    const client = mesh.client({ nameserver, security: of.client.path });
    expect(await client.locate<Who>("demo.who").who()).to.deep.equal(["ann", "key"]);
    expect(host.peers.map(({ identity }) => [identity.mechanism, identity.user])).to.deep.include(["curve", "ann"]);
  });

  it("keep out whoever has none, whoever is not trusted, and say so", async () => {
    const { of, nameserver, host } = await scene();
    const open = await failureOf(mesh.client().connect<Who>(host.address, "demo.who").who());
    expect(open.outcome).to.equal("not-sent");
    const serverKey = keyText(of.host.keys.publicKey);
    const stranger = mesh.client({ security: of.stranger.path });
    const refused = await failureOf(stranger.connect<Who>(host.address, "demo.who", { serverKey }).who());
    expect([refused.code, refused.outcome]).to.deep.equal(["ACCESS_DENIED", "not-sent"]);
    const unknown = await failureOf(
      mesh.client({ nameserver, security: of.stranger.path }).locate<Who>("demo.who").who(),
    );
    expect([unknown.code, unknown.outcome]).to.deep.equal(["ACCESS_DENIED", "not-sent"]);
  });

  it("are never gone around in clear text", async () => {
    const { of } = await scene();
    const host = await mesh.host([who]);
    const client = mesh.client({ security: of.client.path });
    const error = await failureOf(client.connect<Who>(host.address, "demo.who").who());
    expect([error.code, error.outcome]).to.deep.equal(["ACCESS_DENIED", "not-sent"]);
    expect(error.message).to.match(/sends nothing in clear text/);
    expect(host.peers).to.deep.equal([]);
    const allowed = mesh.client({ security: { keys: of.client.path, clearText: true } });
    expect(await allowed.connect<Who>(host.address, "demo.who").who()).to.deep.equal([null, null]);
  });

  it("tell a host or nameserver with another key from the right one", async () => {
    const { of, nameserver, host } = await scene();
    const serverKey = keyText(of.stranger.keys.publicKey);
    const client = mesh.client({ security: of.client.path, timeoutMs: 500 });
    const error = await failureOf(client.connect<Who>(host.address, "demo.who", { serverKey }).who());
    expect(error.outcome).to.equal("not-sent");
    of.client.pinNameserver(of.stranger.keys.publicKey);
    const misled = mesh.client({ nameserver, security: of.client.path, timeoutMs: 500 });
    expect(await failureOf(misled.locate<Who>("demo.who").who())).to.include({ outcome: "not-sent" });
  });

  it("that are trusted no more close the connections that are open", async () => {
    const { of, nameserver } = await scene();
    const events = new EventEmitter();
    const client = mesh.client({
      nameserver,
      security: of.client.path,
      timeoutMs: 1_000,
      onEvent: ({ type }) => events.emit(type),
    });
    const remote = client.locate<Who>("demo.who");
    expect(await remote.who()).to.deep.equal(["ann", "key"]);
    const gone = once(events, "disconnected");
    of.host.revoke("ann");
    await gone;
    expect(await failureOf(remote.who())).to.include({ outcome: "not-sent" });
  });

  it("let callers without keys in where a host says so by name", async () => {
    const [server, ann] = [keys(), keys()];
    server.trust("ann", ann.keys.publicKey);
    const mixed = await mesh.host([who], { security: { keys: server, mechanisms: ["curve", "null"] } });
    expect(await mesh.client().connect<Who>(mixed.address, "demo.who").who()).to.deep.equal([null, null]);
    const serverKey = keyText(server.keys.publicKey);
    const proven = mesh.client({ security: ann.path }).connect<Who>(mixed.address, "demo.who", { serverKey });
    expect(await proven.who()).to.deep.equal(["ann", "key"]);
  });

  it("are let in with a check of the host's own, and the nameserver's beside it", async () => {
    const { of, nameserver } = await scene();
    const asked: string[] = [];
    const checkKey = (key: Uint8Array) => {
      asked.push(keyText(key));
      return keyText(key) === keyText(of.stranger.keys.publicKey) ? "guest" : undefined;
    };
    const nameserverKey = keyText(of.nameserver.keys.publicKey);
    const service = (keys: KeyFolder, authenticator = { checkKey }) =>
      new Host({ nameserver, service: "/own", security: { keys, authenticator, nameserverKey } }).provide(who);
    const host = mesh.own(service(of.host));
    await host.start();
    const serverKey = keyText(of.host.keys.publicKey);
    const guest = mesh.client({ security: of.stranger.path }).connect<Who>(host.address, "demo.who", { serverKey });
    expect(await guest.who()).to.deep.equal(["guest", "key"]);
    // Who asks whether it is alive before it gives its name away is the nameserver.
    const error = await failureOf(mesh.own(service(of.host)).start());
    expect(error.message).to.match(/is taken by .* is alive/);
    expect(asked).to.include(nameserverKey);
  });

  it("are not wanted where a host asks for passwords, of which it looks at so many wrong ones only", async () => {
    let looks = 0;
    const checkPassword = (user: Uint8Array, password: Uint8Array) => {
      looks++;
      return isSameSecret(password, "right") ? Buffer.from(user).toString() : undefined;
    };
    const host = await mesh.host([who], {
      security: { mechanisms: ["plain"], authenticator: { checkPassword }, maxFailedLogins: 2 },
    });
    const as = (user: string, password: string) =>
      mesh
        .client({ security: { plain: { user, password } } })
        .connect<Who>(host.address, "demo.who")
        .who();
    expect(await as("ann", "right")).to.deep.equal(["ann", "password"]);
    for (let count = 0; count < 4; count++) {
      expect(await failureOf(as("ann", "wrong"))).to.include({ code: "ACCESS_DENIED", outcome: "not-sent" });
    }
    expect(looks).to.equal(3);
    expect(await failureOf(as("ann", "right"))).to.include({ code: "ACCESS_DENIED" });
    expect(await failureOf(mesh.client().connect<Who>(host.address, "demo.who").who())).to.include({
      outcome: "not-sent",
    });
  });

  it("need a link that knows who sends, and say so before anything is bound", () => {
    const { path } = keys();
    expect(() => new Host({ nameserver: false, transport: "zeromq", security: path })).to.throw(/cannot do curve/);
  });

  it("are refused where others may read the secret one, or where there are none", () => {
    const folder = keys();
    expect(() => KeyFolder.generate(folder.path)).to.throw(/has keys already/);
    chmodSync(join(folder.path, "secret.key"), 0o644);
    expect(() => KeyFolder.open(folder.path)).to.throw(/Others may read/);
    expect(() => KeyFolder.open(join(folder.path, "nowhere"))).to.throw(/lamplighter keys generate/);
    writeFileSync(join(folder.path, "secret.key"), "not a key");
    chmodSync(join(folder.path, "secret.key"), 0o600);
    let told = "";
    try {
      KeyFolder.open(folder.path);
    } catch (error) {
      told = String(error);
    }
    expect(told).to.contain("has 9 characters").and.not.contain("not a key");
  });
});
