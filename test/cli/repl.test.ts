import { expect } from "chai";
import { ON_TERMINAL, useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";

describe("lamplighter repl", () => {
  const mesh = useMesh();
  const command = useCommand();

  it("shows what a proxy is, not what it is made of", async () => {
    const { address } = await mesh.nameserver();
    const result = await command.run(["repl", "-n", address], { input: 'locate("demo.echo")\n' });
    expect(result.status).to.equal(0);
    expect(result.out).to.contain("RemoteProxy<demo.echo").and.not.to.contain("Traps");
  });

  it("has errors, options and addresses at hand", async () => {
    const { address } = await mesh.nameserver();
    const host = await mesh.host([echo], { nameserver: address });
    const input = [
      `const direct = connect("${host.address}", "demo.echo")`,
      "await withOptions(direct, { timeoutMs: 5000 }).add(40, 2)",
      "await direct.nope().catch((error) => error.code)",
      "(await introspect(direct)).name",
      "",
    ].join("\n");
    const result = await command.run(["repl", "-n", address], { input });
    expect(result.out).to.contain("42\n'METHOD_NOT_FOUND'\n'demo.echo'\n");
  });

  it("takes lines of a pipe one after the other, over several lines, and up to .exit", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address });
    const input = [
      'const slept = await locate("demo.echo").slow(50)',
      "const told = {",
      "  slept,",
      "}",
      "JSON.stringify(told)",
      ".exit",
      '"never"',
      "",
    ].join("\n");
    const child = command.start(["repl", "-n", address], { interactive: true });
    child.process.stdin?.write(input);
    expect(await child.ended).to.equal(0);
    expect(child.out()).to.contain('{"slept":"slept"}').and.not.to.contain("never");
  });

  it("completes interfaces that are registered, and methods before the first call", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address });
    const child = command.start(["repl", "-n", address], {
      interactive: true,
      env: { ...ON_TERMINAL, TERM: "xterm", NO_COLOR: "1" },
    });
    await child.waitFor(/lamplighter> /);
    child.process.stdin?.write('const q = locate("demo.e\t');
    await child.waitFor(/locate\("demo\.echo/);
    child.process.stdin?.write('")\n');
    await child.waitFor(/undefined/);
    child.process.stdin?.write("q.mirr\t");
    await child.waitFor(/q\.mirror/);
    child.process.stdin?.end();
    expect(await child.ended).to.equal(0);
  });
});
