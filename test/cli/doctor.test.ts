import { resolve } from "node:path";
import { expect } from "chai";
import { useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";

/** Environment in which a fixture is loaded before the command. */
function after(fixture: string): NodeJS.ProcessEnv {
  return { NODE_OPTIONS: `--import ${resolve("test/fixtures", fixture)}` };
}

describe("lamplighter doctor", () => {
  const mesh = useMesh();
  const command = useCommand();

  it("lists what is registered, at the nameserver of the environment", async () => {
    const { address } = await mesh.nameserver();
    const host = await mesh.host([echo], { nameserver: address, service: "/registered" });
    const result = await command.run(["doctor"], { env: { LAMPLIGHTER_NAMESERVER: address } });
    expect(result).to.include({ status: 0, err: "" });
    expect(result.out).to.contain(`/registered ${host.address} demo.echo`);
  });

  it("finds a zeromq that does not load, says how to mend it, and ends with 1", async () => {
    const { address } = await mesh.nameserver();
    const result = await command.run(["doctor", "-n", address], { env: after("no-zeromq.js") });
    expect(result.status).to.equal(1);
    expect(result.out).to.match(/WRONG zeromq\.js does not load[^]*no native build[^]*fix: npm rebuild zeromq/);
  });

  it("is named by the other commands when zeromq is wanted and does not load", async () => {
    const env = { ...after("no-zeromq.js"), LAMPLIGHTER_TRANSPORT: "zeromq" };
    const result = await command.run(["list"], { env });
    expect(result).to.include({ status: 2, out: "" });
    expect(result.err).to.match(/needs the package zeromq/);
    expect(result.err).to.match(/lamplighter doctor/);
  });

  it("finds a node that is too old and ends with 1, whatever else is wrong", async () => {
    const result = await command.run(["doctor"], { env: after("old-node.js") });
    expect(result.status).to.equal(1);
    expect(result.out).to.match(/WRONG node 20\.18\.3\n\s+fix: install Node\.js 20\.19/);
    expect(result.out).to.match(/WRONG nameserver/);
  });
});
