import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { useMesh } from "../support/mesh.js";
import { type Child, type ChildOptions, useProcesses } from "../support/processes.js";
import { useRawPeers } from "../support/raw.js";
import { authenticator, counter, echo, locked } from "../support/services.js";

const MAIN = resolve("build/cli/main.js");
const QUERY = resolve("test/fixtures/query.js");

/** The built command, as a user runs it. */
describe("The command line", () => {
  const mesh = useMesh();
  const raw = useRawPeers();
  const start = useProcesses();
  const lamplighter = (args: readonly string[], options: ChildOptions = {}): Child =>
    start(process.execPath, [MAIN, ...args], {
      ...options,
      env: { LAMPLIGHTER_NAMESERVER: "tcp://127.0.0.1:1", ...options.env },
    });
  const run = async (args: readonly string[], options?: ChildOptions) => {
    const child = lamplighter(args, options);
    return { status: await child.ended, out: child.out(), err: child.err() };
  };
  const ready = async (child: Child): Promise<string> => (await child.waitFor(/^ready (\S+)$/m))[1] ?? "";
  let folder = "";

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "lamplighter-cli-"));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  describe("nameserver", () => {
    it("prints one line when it serves, lists itself, and ends with status 0 on SIGTERM and SIGINT", async () => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const child = lamplighter(["nameserver", "-a", "tcp://127.0.0.1:0", "-s", "/my/nameserver"]);
        const address = await ready(child);
        const listed = await mesh.client({ nameserver: address }).nameserver().list_services();
        expect(listed).to.deep.equal([{ service: "/my/nameserver", address, interfaces: ["org.pycom.nameserver"] }]);
        child.process.kill(signal);
        expect(await child.ended).to.equal(0);
        expect(child.out()).to.equal(`ready ${address}\n`);
      }
    });

    it("ends with status 1 when the port is in use, and 2 for a wrong address", async () => {
      const { address } = await mesh.nameserver();
      const used = await run(["nameserver", "-a", address]);
      expect(used).to.include({ status: 1, out: "" });
      expect(used.err).to.match(/in use/);
      const wrong = await run(["nameserver", "-a", "tcp://nowhere"]);
      expect(wrong.status).to.equal(2);
      expect(wrong.err).to.match(/port is missing/);
    });

    it("logs to standard error, more with -v, as JSON with --log json", async () => {
      const child = lamplighter(["nameserver", "-a", "tcp://127.0.0.1:0", "-v", "--log", "json"]);
      const address = await ready(child);
      await raw.request(address, "CALL", "{");
      child.process.kill("SIGTERM");
      await child.ended;
      const lines = child.err().trim().split("\n");
      const entries = lines.map((line) => JSON.parse(line) as { level: string; message: string });
      expect(entries.map((entry) => entry.level)).to.include.members(["info", "debug"]);
      const unknown = await run(["nameserver", "--log", "xml"]);
      expect(unknown.status).to.equal(2);
    });
  });

  describe("serve", () => {
    it("serves what a .js module exports, registered under its name, and drains on SIGTERM", async () => {
      const { address } = await mesh.nameserver();
      const child = lamplighter(["serve", QUERY, "-n", address, "-s", "/com/foo/example/1"]);
      const served = await ready(child);
      const client = mesh.client({ nameserver: address });
      const component = client.component("com.foo.example", "/com/foo/example/1");
      expect(await component.invoke("create", 42)).to.deep.equal({ field1: 42 });
      expect(component.status.address).to.equal(served);
      const running = component.invoke("wait", 150);
      await component.invoke("create", 1);
      child.process.kill("SIGTERM");
      expect(await running).to.equal("waited");
      expect(await child.ended).to.equal(0);
      expect(await client.find("com.foo.example")).to.deep.equal([]);
    });

    it("serves a .ts module through tsx, and several modules at once", async () => {
      const child = lamplighter(["serve", "test/fixtures/typed.ts", QUERY, "-v"]);
      const served = await ready(child);
      const client = mesh.client();
      expect(await client.connectComponent(served, "demo.typed").invoke("hello", "you")).to.equal("hello you");
      expect(await client.connectComponent(served, "com.foo.example").invoke("create", 1)).to.deep.equal({ field1: 1 });
    });

    it("takes configuration from a file, the environment before it, and flags before both", async () => {
      const first = await mesh.nameserver();
      const second = await mesh.nameserver();
      const config = file(
        "config.json",
        JSON.stringify({
          address: "tcp://127.0.0.1:0",
          service: "/from/file",
          nameserver: first.address,
          authentication: { policy: "required" },
        }),
      );
      const services = async (address: string): Promise<string[]> =>
        (await mesh.client({ nameserver: address }).find("com.foo.example")).map((record) => record.service);
      const fromFile = lamplighter(["serve", QUERY, "--config", config], { env: { LAMPLIGHTER_NAMESERVER: "" } });
      const address = await ready(fromFile);
      expect(await services(first.address)).to.deep.equal(["/from/file"]);
      expect((await raw.call(address, { interface: "com.foo.example", method: "create" })).code).to.equal(5);
      const environment = lamplighter(["serve", QUERY, "--config", config, "-s", "/from/flag"], {
        env: { LAMPLIGHTER_NAMESERVER: second.address },
      });
      await ready(environment);
      expect(await services(second.address)).to.deep.equal(["/from/flag"]);
      const flag = lamplighter(["serve", QUERY, "--config", config, "-s", "/both/flags", "-n", first.address], {
        env: { LAMPLIGHTER_NAMESERVER: second.address },
      });
      await ready(flag);
      expect(await services(first.address)).to.have.members(["/from/file", "/both/flags"]);
    });

    it("advertises another address than it binds", async () => {
      const { address } = await mesh.nameserver();
      const child = lamplighter(["serve", QUERY, "-n", address, "--advertise", "tcp://localhost:0"]);
      expect(await ready(child)).to.match(/^tcp:\/\/localhost:[1-9]\d*$/);
      expect(
        await mesh.client({ nameserver: address }).component("com.foo.example").invoke("create", 1),
      ).to.have.property("field1");
    });

    it("warns when the nameserver is missing, serves all the same, and registers when it comes", async () => {
      const nameserver = await mesh.nameserver();
      const { address } = nameserver;
      await nameserver.close();
      const child = lamplighter(["serve", QUERY, "-n", address]);
      await ready(child);
      expect(child.err()).to.match(/warning/);
      const { address: again } = await mesh.nameserver({ address });
      const client = mesh.client({ nameserver: again, waitForMs: 15_000 });
      expect(await client.component("com.foo.example").invoke("create", 1)).to.deep.equal({ field1: 1 });
    });

    it("ends with status 1 when the name is taken or the port in use", async () => {
      const { address } = await mesh.nameserver();
      const host = await mesh.host([echo], { nameserver: address, service: "/taken" });
      const taken = await run(["serve", QUERY, "-n", address, "-s", "/taken"]);
      expect(taken).to.include({ status: 1, out: "" });
      expect(taken.err).to.match(/taken/);
      const used = await run(["serve", QUERY, "-n", address, "-a", host.address]);
      expect(used).to.include({ status: 1, out: "" });
    });

    it("ends with status 2 for modules that are missing, broken, or export no interface", async () => {
      const cases: [string, RegExp][] = [
        ["missing.js", /no module missing\.js/],
        [file("broken.mjs", "export default ;;; ]"), /cannot be loaded.*SyntaxError/s],
        [file("throws.mjs", "throw new Error('at load');"), /at load/],
        [file("empty.mjs", "export const a = 1;"), /exports no interface/],
      ];
      for (const [module, message] of cases) {
        const result = await run(["serve", module]);
        expect(result, module).to.include({ status: 2, out: "" });
        expect(result.err).to.match(message);
      }
      expect((await run(["serve"])).status).to.equal(2);
      expect((await run(["serve", QUERY, "--config", "missing.json"])).status).to.equal(2);
      expect((await run(["serve", QUERY, "--config", file("bad.json", "[")])).status).to.equal(2);
    });
  });

  describe("call", () => {
    const startHost = async (): Promise<{ nameserver: string; address: string }> => {
      const nameserver = await mesh.nameserver();
      const host = await mesh.host([echo, counter, locked, authenticator], {
        nameserver: nameserver.address,
        service: "/demo",
        drainTimeoutMs: 50,
      });
      return { nameserver: nameserver.address, address: host.address };
    };

    it("prints the raw result as one line of JSON and nothing else", async () => {
      const { nameserver } = await startHost();
      const cases: [string[], string][] = [
        [["demo.echo", "echo", '{"a":[1,"é"]}'], '{"a":[1,"é"]}'],
        [["demo.echo", "echo"], "null"],
        [["demo.echo", "echo", "-5"], "-5"],
        [["demo.echo", "add", "1", "2"], "3"],
        [["demo.echo", "add", "--named", '{"a":1,"b":5}'], "6"],
        [["demo.echo", "one", '"x"'], '{"value":"x"}'],
        [["demo.echo", "echo", "1", "--service", "/demo"], "1"],
      ];
      for (const [words, out] of cases) {
        const result = await run(["call", "-n", nameserver, ...words]);
        expect(result, words.join(" ")).to.deep.equal({ status: 0, out: `${out}\n`, err: "" });
      }
      const byEnvironment = await run(["call", "demo.echo", "echo", "7"], {
        env: { LAMPLIGHTER_NAMESERVER: nameserver },
      });
      expect(byEnvironment.out).to.equal("7\n");
    });

    it("goes to an address without a nameserver with -c", async () => {
      const { address } = await startHost();
      expect(await run(["call", "-c", address, "demo.echo", "echo", "1"])).to.include({ status: 0, out: "1\n" });
    });

    it("sends and saves attachments, and tells the size of one that it does not save", async () => {
      const { address } = await startHost();
      const sent = file("sent.bin", "12345");
      const saved = join(folder, "saved.bin");
      const call = (...words: string[]) => run(["call", "-c", address, "demo.echo", ...words]);
      expect((await call("mirror", "--attach", sent)).err).to.match(/5 bytes/);
      expect(await call("mirror", "--attach", sent, "--save", saved)).to.include({ status: 0, out: "5\n", err: "" });
      expect(readFileSync(saved, "utf8")).to.equal("12345");
      expect((await call("mirror", "--attach", join(folder, "missing"))).status).to.equal(2);
    });

    it("tells the session, and takes it up again", async () => {
      const { address } = await startHost();
      const first = await run(["call", "-c", address, "demo.counter", "counter"]);
      const id = /session: (\w+)/.exec(first.err)?.[1] ?? "";
      const second = await run(["call", "-c", address, "demo.counter", "counter", "--session", id]);
      expect(second.out).to.equal('{"count":2}\n');
      const wrong = await run(["call", "-c", address, "demo.counter", "counter", "--session", "nope"]);
      expect(wrong.status).to.equal(1);
      expect(wrong.err).to.match(/SESSION_EXPIRED/);
    });

    it("logs in by user and credentials, or by token", async () => {
      const { nameserver } = await startHost();
      const whoami = (...flags: string[]) => run(["call", "-n", nameserver, ...flags, "demo.locked", "whoami"]);
      expect((await whoami()).status).to.equal(1);
      const loggedIn = await whoami("--user", "ann", "--credentials", '{"password":"secret"}');
      expect(loggedIn).to.include({ status: 0, out: '"ann"\n' });
      expect(await whoami("--token", "token-of-ann")).to.include({ status: 0, out: '"ann"\n' });
      expect((await whoami("--token", "forged")).status).to.equal(1);
    });

    it("ends with 1 when the service answers an error, with code, outcome and number", async () => {
      const { address } = await startHost();
      const failed = await run(["call", "-c", address, "demo.echo", "fail", "100500", '"own"']);
      expect(failed).to.include({ status: 1, out: "" });
      expect(failed.err).to.match(/own[^]*UNKNOWN 100500, outcome: executed/);
      const unknown = await run(["call", "-c", address, "demo.echo", "ad", "1", "2"]);
      expect(unknown.status).to.equal(1);
      expect(unknown.err).to.match(/did you mean "add"/);
      expect((await run(["call", "-c", address, "demo.echo", "add", "1", '"x"'])).status).to.equal(1);
    });

    it("ends with 2 for wrong usage", async () => {
      for (const args of [
        ["call"],
        ["call", "only.interface"],
        ["call", "a.b", "m", "{"],
        ["call", "a.b", "m", "--nope"],
      ]) {
        expect((await run(args)).status, args.join(" ")).to.equal(2);
      }
      expect((await run(["call", "a.b", "m", "--timeout", "soon"])).status).to.equal(2);
      expect((await run(["call", "-c", "nowhere", "a.b", "m"])).status).to.equal(2);
      expect((await run(["no-such-command"])).status).to.equal(2);
    });

    it("ends with 3 when nothing could be sent", async () => {
      const { nameserver } = await startHost();
      expect((await run(["call", "-n", nameserver, "no.such", "x"])).status).to.equal(3);
      expect((await run(["call", "-c", "tcp://127.0.0.1:1", "a.b", "m", "--timeout", "200"])).status).to.equal(3);
      const alone = await run(["call", "a.b", "m", "--timeout", "200"]);
      expect(alone.status).to.equal(3);
      expect(alone.err).to.match(/lamplighter nameserver/);
    });

    it("ends with 4 when the call was sent and not answered", async () => {
      const { address } = await startHost();
      const result = await run(["call", "-c", address, "demo.echo", "hang", "--timeout", "300"]);
      expect(result).to.include({ status: 4, out: "" });
      expect(result.err).to.match(/outcome: unknown/);
    });
  });

  it("list shows what is registered, by patterns, as lines without colours or as JSON", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address, service: "/a" });
    const list = (...flags: string[]) => run(["list", "-n", address, ...flags]);
    expect((await list("--service", "/a")).out).to.match(/^\/a\ttcp:\/\/\S+\tdemo\.echo\n$/);
    expect(JSON.parse((await list("--json", "--interface", "demo")).out)).to.have.length(1);
    expect(JSON.parse((await list("--json")).out)).to.have.length(2);
    expect((await list("--interface", "(")).status).to.equal(2);
    expect((await run(["list", "-n", "tcp://127.0.0.1:1", "--timeout"])).status).to.equal(2);
  });

  it("list --watch prints again after each change, through a restart of the nameserver", async () => {
    const first = await mesh.nameserver();
    const { address } = first;
    const child = lamplighter(["list", "-n", address, "--watch", "--json"]);
    await child.waitFor(/nameserver/);
    const host = await mesh.host([echo], { nameserver: address, service: "/came" });
    await child.waitFor(/\/came/);
    await first.close();
    await mesh.nameserver({ address });
    await host.close();
    await mesh.host([echo], { nameserver: address, service: "/later" });
    await child.waitFor(/\/later/);
    child.process.kill("SIGINT");
    expect(await child.ended).to.equal(0);
  });

  it("introspect shows methods for people, or the raw answer", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address });
    const shown = await run(["introspect", "-n", address, "demo.echo"]);
    expect(shown.out).to.match(/add\(a: number, b: number, c: number\?\) {2}\[idempotent\]/);
    const json = await run(["introspect", "-n", address, "demo.echo", "--json"]);
    expect((JSON.parse(json.out) as { name: string }).name).to.equal("demo.echo");
    expect((await run(["introspect", "-n", address, "no.such"])).status).to.equal(3);
  });

  it("repl has proxies in scope and awaits at top level", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address });
    const input = 'const q = locate("demo.echo");\nawait q.add(1, named({ b: 41 }))\n(await nameserver.stat())\n';
    const result = await run(["repl", "-n", address], { input });
    expect(result.status).to.equal(0);
    expect(result.out).to.contain("42").and.to.contain("{}");
  });

  it("doctor says what is here, and how to mend what is wrong", async () => {
    const { address } = await mesh.nameserver();
    const well = await run(["doctor", "-n", address]);
    expect(well.status).to.equal(0);
    expect(well.out).to.match(/ok {4}zeromq/);
    const alone = await run(["doctor", "-n", "tcp://127.0.0.1:1"]);
    expect(alone.status).to.equal(3);
    expect(alone.out).to.match(/WRONG nameserver[^]*fix:/);
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
    const { port } = silent.address() as { port: number };
    expect((await run(["doctor", "-n", `tcp://127.0.0.1:${port}`])).status).to.equal(3);
    silent.close();
  });

  it("main() serves the module that is run, and nothing when serve loads it", async () => {
    const { address } = await mesh.nameserver();
    const own = start(process.execPath, ["--import", "tsx", "examples/01-hello/query.ts", "-n", address, "-s", "/own"]);
    await ready(own);
    const loaded = lamplighter(["serve", "examples/01-hello/query.ts", "-n", address, "-s", "/loaded"]);
    await ready(loaded);
    const found = await mesh.client({ nameserver: address }).find("com.foo.example");
    expect(found.map((record) => record.service)).to.have.members(["/own", "/loaded"]);
    own.process.kill("SIGTERM");
    expect(await own.ended).to.equal(0);
  });

  it("tells its version and helps, also under its short name", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(await run(["--version"])).to.include({ status: 0, out: `${version}\n` });
    expect((await run(["call", "--help"])).out).to.contain("--attach");
    const link = join(folder, "lamp");
    symlinkSync(MAIN, link);
    const short = start(process.execPath, [link, "--help"]);
    expect(await short.ended).to.equal(0);
    expect(short.out()).to.contain("Exit status");
  });
});
