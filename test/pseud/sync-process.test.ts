import { mkdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { ON_TERMINAL, useCommand } from "../support/command.js";
import { pseudServers } from "../support/pseud-server-process.js";

describe("A program with a SyncClient", () => {
  const command = useCommand();
  const startServer = pseudServers((_node, args) => command.node(args));

  before(() => {
    const modules = join(command.folder(), "node_modules");
    mkdirSync(modules);
    symlinkSync(resolve("."), join(modules, "lamplighter"), "dir");
  });

  it("ends by itself without close(), as a module and as CommonJS", async () => {
    const { address } = await startServer();
    const calls = `const client = new SyncClient();
      client.connect(${JSON.stringify(address)});
      console.log(client.hello("Charly"));`;
    const programs = {
      "plain.mjs": `import { SyncClient } from "lamplighter/pseud"; ${calls}`,
      "plain.cjs": `const { SyncClient } = require("lamplighter/pseud"); ${calls}`,
    };
    for (const [name, program] of Object.entries(programs)) {
      const child = command.node([command.file(name, program)]);
      expect(await child.ended, child.err()).to.equal(0);
      expect(child.out()).to.equal("Hello Charly\n");
    }
  });

  it("ends by itself when it has never reached a server, or never called one", async () => {
    const program = `import { SyncClient } from "lamplighter/pseud";
      const client = new SyncClient({ timeoutMs: 100 });
      client.connect("tcp://127.0.0.1:1");
      try { client.hello("x"); } catch (error) { console.log(error.code, error.outcome); }
      new SyncClient().connect("tcp://127.0.0.1:1");`;
    const child = command.node([command.file("lonely.mjs", program)]);
    expect(await child.ended, child.err()).to.equal(0);
    expect(child.out()).to.equal("TIMEOUT not-sent\n");
  });

  it("may call in a worker of its own, and with what it preloads for itself", async () => {
    const { address } = await startServer();
    const program = `import { isMainThread, Worker } from "node:worker_threads";
      import { SyncClient } from "lamplighter/pseud";
      if (isMainThread) new Worker(new URL(import.meta.url));
      else {
        const client = new SyncClient();
        client.connect(${JSON.stringify(address)});
        console.log(client.hello("worker"));
      }`;
    const preload = command.file("preload.mjs", 'process.emitWarning("preloaded");');
    const child = command.node(["--import", preload, command.file("worker.mjs", program)]);
    expect(await child.ended, child.err()).to.equal(0);
    expect(child.out()).to.equal("Hello worker\n");
  });

  it("works in `lamplighter repl`", async () => {
    const { address } = await startServer();
    const input = [
      'const { SyncClient } = await import("lamplighter/pseud")',
      "const sync = new SyncClient()",
      `sync.connect(${JSON.stringify(address)})`,
      'sync.hello("Charly")',
      "sync",
      "",
    ].join("\n");
    const result = await command.run(["repl"], { input, cwd: command.folder() });
    expect(result.status, result.err).to.equal(0);
    expect(result.out).to.contain("'Hello Charly'\n").and.to.contain("RemoteProxy<pseud blocking client");
  });

  it("calls nobody when Node's REPL completes, previews and prints", async () => {
    const { address } = await startServer();
    const child = command.node(["-i"], {
      interactive: true,
      cwd: command.folder(),
      env: { ...ON_TERMINAL, TERM: "xterm", NO_COLOR: "1" },
    });
    const type = (text: string): void => {
      child.process.stdin?.write(text);
    };
    type('const { SyncClient } = require("lamplighter/pseud"); const sync = new SyncClient()\n');
    type(`sync.connect(${JSON.stringify(address)})\n`);
    type('"first " + sync.calls()\n');
    await child.waitFor(/first 1/);
    type("sync.draw.me.\t\t");
    type('a.sheep("typed")');
    type("\u0015sync.draw\n");
    await child.waitFor(/RemoteMethod<draw of/);
    type('"then " + sync.calls()\n');
    await child.waitFor(/then 2/);
    child.process.stdin?.end();
    expect(await child.ended).to.equal(0);
  });
});
