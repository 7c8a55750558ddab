import { readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";

const MODULE = resolve("test/fixtures/main.js");

describe("main()", () => {
  const mesh = useMesh();
  const command = useCommand();

  const expectServing = async (program: string, interfaceName = "demo.main"): Promise<void> => {
    const child = command.node([program, "-a", "tcp://127.0.0.1:0"]);
    const component = mesh.client().connectComponent(await command.ready(child), interfaceName);
    expect(await component.invoke("echo", "here")).to.equal("here");
    child.process.kill("SIGTERM");
    expect(await child.ended).to.equal(0);
  };

  it("serves a module that awaits it at top level", async () => {
    await expectServing(MODULE);
  });

  it("serves a program that was started without its ending", async () => {
    await expectServing(MODULE.replace(/\.js$/, ""));
  });

  it("serves a program that was started by its folder", async () => {
    await expectServing(resolve("test/fixtures/main-folder"), "demo.folder");
  });

  it("serves a program that was started through a link", async () => {
    const link = join(command.folder(), "linked.js");
    symlinkSync(MODULE, link);
    await expectServing(link);
  });

  it("does nothing in a module that another program imports", async () => {
    const child = command.node([resolve("test/fixtures/imports-main.js")]);
    expect(await child.ended).to.equal(0);
    expect(child.out()).to.equal("imported\n");
    expect(child.err()).to.equal("");
  });

  it("does nothing in a module that `node -e` imports, whatever its first argument is", async () => {
    for (const words of [[], ["no-such-file"], [MODULE.replace("main.js", "query.js")]]) {
      const script = `await import(${JSON.stringify(MODULE)}); console.log("imported")`;
      const child = command.node(["--input-type=module", "-e", script, ...words]);
      expect(await child.ended, words.join(" ")).to.equal(0);
      expect(child.out()).to.equal("imported\n");
      expect(child.err()).to.equal("");
    }
  });

  it("takes the flags of serve, and ends with 2 for wrong ones and for a module without interfaces", async () => {
    const unknown = command.node([MODULE, "--no-such-flag"]);
    expect(await unknown.ended).to.equal(2);
    const empty = command.node([resolve("test/fixtures/main-without-interfaces.js")]);
    expect(await empty.ended).to.equal(2);
    expect(empty.err()).to.match(/exports no interface/);
  });

  it("loads no command line parser into programs that only import the library", async () => {
    const script = `await import(${JSON.stringify(resolve("build/index.js"))});
      const { createRequire } = await import("node:module");
      const { cache } = createRequire(${JSON.stringify(MODULE)});
      console.log(Object.keys(cache).some((file) => /commander/.test(file)));`;
    const child = command.node(["--input-type=module", "-e", script]);
    expect(await child.ended).to.equal(0);
    expect(child.out()).to.equal("false\n");
  });

  it("comes with a package whose command and its short name are one executable file", () => {
    const { bin } = JSON.parse(readFileSync("package.json", "utf8")) as { bin: Record<string, string> };
    expect(bin).to.deep.equal({ lamplighter: "build/cli/main.js", lamp: "build/cli/main.js" });
    expect(readFileSync("build/cli/main.js", "utf8")).to.match(/^#!\/usr\/bin\/env node\n/);
  });
});
