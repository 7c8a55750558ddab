import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { RpcError } from "../../src/index.js";
import { useCommand } from "../support/command.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";

const QUERY = resolve("test/fixtures/query.js");

describe("lamplighter serve", () => {
  const mesh = useMesh();
  const command = useCommand();

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`ends at once by a second ${signal}, whatever still runs`, async () => {
      const child = command.start(["serve", QUERY]);
      const component = mesh.client().connectComponent(await command.ready(child), "com.foo.example");
      const running = failureOf(component.invoke("wait", 60_000));
      await component.invoke("create", 1);
      child.process.kill(signal);
      await child.waitFor(/draining/, "err");
      child.process.kill(signal);
      expect(await child.ended).to.equal(1);
      expect(await running)
        .to.be.instanceOf(RpcError)
        .and.to.include({ outcome: "unknown" });
    });
  }

  it("ends with 2 for a configuration whose values are of the wrong kind, and names the key", async () => {
    const cases: [object, RegExp][] = [
      [{ address: 5 }, /"address" wants an address as text.* got 5/],
      [{ service: [] }, /"service" wants a name/],
      [{ journal: 1 }, /"journal" wants a file/],
      [{ nameserver: ["tcp://127.0.0.1:1", 2] }, /"nameserver" wants/],
      [{ authentication: { policy: "sometimes" } }, /"authentication" wants/],
      [{ limits: 5 }, /"limits" wants/],
      [{ limits: { calls: 5 } }, /"calls", which means nothing/],
      [{ policy: [{ user: ["ann"], then: "allow" }] }, /did you mean "users"/],
      [[], /no JSON object/],
    ];
    for (const [content, message] of cases) {
      const config = command.file("wrong.json", JSON.stringify(content));
      const result = await command.run(["serve", QUERY, "--config", config]);
      expect(result, JSON.stringify(content)).to.include({ status: 2, out: "" });
      expect(result.err).to.match(message);
    }
  });

  it("warns of keys in its configuration that mean nothing, and serves all the same", async () => {
    const config = command.file("keys.json", JSON.stringify({ adress: "tcp://127.0.0.1:1", service: "/named", x: 1 }));
    const child = command.start(["serve", QUERY, "--config", config, "--log", "json"]);
    await command.ready(child);
    const entries = child
      .err()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { level: string; message: string });
    const warnings = entries.filter(({ message }) => message.includes("keys.json"));
    expect(warnings.map(({ level }) => level)).to.deep.equal(["warning", "warning"]);
    expect(warnings[0]?.message).to.match(/"adress" means nothing here and is ignored, did you mean "address"\?/);
    expect(warnings[1]?.message).to.match(/"x" means nothing[^]*address, service, nameserver, authentication, journal/);
  });

  it("takes addresses, policy and limits from its configuration", async () => {
    const content = {
      address: ["tcp://127.0.0.1:0", { address: "tcp://127.0.0.1:0", mechanisms: ["null"] }],
      policy: [{ interface: "com.foo.*", method: "create", then: "allow" }],
      statsPolicy: "allow",
      limits: { callsInFlight: 100 },
    };
    const child = command.start(["serve", QUERY, "--config", command.file("all.json", JSON.stringify(content))]);
    const address = await command.ready(child);
    const component = mesh.client().component(address, "com.foo.example");
    expect(await component.invoke("create", 1)).to.deep.equal({ field1: 1 });
    expect(await failureOf(component.invoke("wait", 1))).to.include({ code: "ACCESS_DENIED" });
    expect(await mesh.client().component(address, "lamplighter.host").invoke("stats")).to.have.property("methods");
  });

  it("says how to get around a name that is taken", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address, service: "/taken" });
    const result = await command.run(["serve", QUERY, "-n", address, "-s", "/taken"]);
    expect(result.status).to.equal(1);
    expect(result.err).to.match(/code: ACCESS_DENIED[^]*-s NAME/);
  });

  it("serves a package of the current folder, also one that offers an import condition only", async () => {
    const folder = join(command.folder(), "project");
    const module = `import { defineInterface } from "lamplighter";
      export const packed = defineInterface("demo.packed", { methods: { echo: (value) => value } });`;
    const packages: Record<string, object> = {
      plain: { main: "./service.js" },
      "import-only": { exports: { ".": { types: "./service.d.ts", import: "./service.js" } } },
      "@scope/parts": { exports: { "./part": { node: { import: "./service.js" } } } },
    };
    for (const [name, fields] of Object.entries(packages)) {
      const home = join(folder, "node_modules", name);
      mkdirSync(home, { recursive: true });
      writeFileSync(join(home, "package.json"), JSON.stringify({ name, type: "module", ...fields }));
      writeFileSync(join(home, "service.js"), module);
    }
    symlinkSync(resolve("."), join(folder, "node_modules", "lamplighter"));
    for (const name of ["plain", "import-only", "@scope/parts/part"]) {
      const child = command.start(["serve", name], { cwd: folder });
      const component = mesh.client().connectComponent(await command.ready(child), "demo.packed");
      expect(await component.invoke("echo", name)).to.equal(name);
    }
    const missing = await command.run(["serve", "@scope/parts/other"], { cwd: folder });
    expect(missing).to.include({ status: 2, out: "" });
    expect(missing.err).to.match(/no module @scope\/parts\/other/);
  });

  it("ends with 2 and names tsx when a module is TypeScript and tsx is not there", async () => {
    const module = command.file("typed.ts", "export const a: number = 1;");
    const result = await command.run(["serve", module], { cwd: command.folder() });
    expect(result).to.include({ status: 2, out: "" });
    expect(result.err).to.match(/npm install tsx/);
  });

  it("goes on serving when nobody reads its output any more", async () => {
    const child = command.start(["serve", "test/fixtures/talkative.js"]);
    const component = mesh.client().connectComponent(await command.ready(child), "demo.talkative");
    child.process.stdout?.destroy();
    child.process.stderr?.destroy();
    for (const text of ["one", "two", "three"]) expect(await component.invoke("say", text)).to.equal(text);
    child.process.kill("SIGTERM");
    expect(await child.ended).to.equal(0);
  });
});
