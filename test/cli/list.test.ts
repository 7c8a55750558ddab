import { expect } from "chai";
import { ON_TERMINAL, useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";
import { text, useRawPeers } from "../support/raw.js";
import { echo } from "../support/services.js";

const ESCAPE = "\u001b[";

describe("lamplighter list", () => {
  const mesh = useMesh();
  const command = useCommand();
  const raw = useRawPeers();

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`--watch ends with 0 by ${signal} while it waits for a nameserver`, async () => {
      const child = command.start(["list", "--watch", "-v"]);
      await child.waitFor(/tried again/, "err");
      child.process.kill(signal);
      const killed = setTimeout(() => child.process.kill("SIGKILL"), 5_000);
      expect(await child.ended).to.equal(0);
      clearTimeout(killed);
    });
  }

  it("--watch ends with 0 when nobody reads along any more", async () => {
    const { address } = await mesh.nameserver();
    const child = command.start(["list", "-n", address, "--watch"]);
    await child.waitFor(/nameserver/);
    child.process.stdout?.destroy();
    await mesh.host([echo], { nameserver: address });
    expect(await child.ended).to.equal(0);
    expect(child.err()).to.equal("");
  });

  it("--timeout ends with 3 when no nameserver is reached in time, with 4 when it does not answer, with 2 when it is no time", async () => {
    const listTimed = (address: string, timeout: string) =>
      command.run(["list", "-n", address, "--timeout", timeout, "--log", "json"]);
    const told = (err: string) => JSON.parse(err) as { message: string; outcome: string };
    const nobody = await listTimed("tcp://127.0.0.1:1", "200");
    expect(nobody).to.include({ status: 3, out: "" });
    expect(told(nobody.err).outcome).to.equal("not-sent");
    const silent = await raw.router((frames) =>
      text(frames.at(-1)).includes("introspect") ? [...frames.slice(0, 3), "OK", '{"code":2,"error":null}'] : undefined,
    );
    const unanswered = await listTimed(silent, "200");
    expect(unanswered).to.include({ status: 4, out: "" });
    expect(told(unanswered.err).outcome).to.equal("unknown");
    for (const wrong of ["soon", "0", "-1", "Infinity"]) {
      const result = await listTimed("tcp://127.0.0.1:1", wrong);
      expect(result, wrong).to.include({ status: 2, out: "" });
      expect(result.err).to.match(/--timeout wants milliseconds/);
    }
  });

  it("ends without a trace when nobody reads what it prints", async () => {
    const { address } = await mesh.nameserver();
    const child = command.start(["list", "-n", address]);
    child.process.stdout?.destroy();
    expect(await child.ended).to.equal(0);
    expect(child.err()).to.equal("");
  });

  it("ends with 2 for a pattern that is none, and says which, also with --watch", async () => {
    const { address } = await mesh.nameserver();
    for (const flag of ["--interface", "--service"]) {
      for (const watch of [[], ["--watch"]]) {
        const wrong = await command.run(["list", "-n", address, flag, "[", ...watch]);
        expect(wrong).to.include({ status: 2, out: "" });
        expect(wrong.err).to.match(new RegExp(`^error: ${flag} \\[ is no regular expression .*position`));
        expect(wrong.err).not.to.match(/executed|introspect/);
      }
    }
    const { address: other } = await mesh.host([echo]);
    const noNameserver = await command.run(["list", "-n", other, "--interface", "demo"]);
    expect(noNameserver).to.include({ status: 1, out: "" });
    expect(noNameserver.err).to.match(/Unsupported interface/);
  });

  it("prints nothing when nothing matches, and says so, but for the empty list of --json", async () => {
    const { address } = await mesh.nameserver();
    const none = ["list", "-n", address, "--service", "zzz"];
    for (const env of [{}, ON_TERMINAL]) {
      expect(await command.run(none, { env })).to.deep.equal({ status: 0, out: "", err: "no service matches\n" });
    }
    expect(await command.run([...none, "--json"])).to.deep.equal({ status: 0, out: "[]\n", err: "" });
  });

  it("says how to start the nameserver that is not there", async () => {
    const result = await command.run(["list", "-n", "tcp://127.0.0.1:1", "--timeout", "200"]);
    expect(result).to.include({ status: 3, out: "" });
    expect(result.err).to.match(/UNAVAILABLE, outcome: not-sent\nStart one with "lamplighter nameserver -a tcp:\S+:1"/);
  });

  it("shows a table with a heading on a terminal, without colours by NO_COLOR, and neither when piped", async () => {
    const { address } = await mesh.nameserver();
    const list = (env: NodeJS.ProcessEnv) => command.run(["list", "-n", address], { env });
    const terminal = await list(ON_TERMINAL);
    expect(terminal.out).to.contain("SERVICE").and.to.contain(ESCAPE);
    const plain = await list({ ...ON_TERMINAL, NO_COLOR: "1" });
    expect(plain.out).to.contain("SERVICE").and.not.to.contain(ESCAPE);
    const piped = await list({});
    expect(piped.out).not.to.contain("SERVICE").and.not.to.contain(ESCAPE);
  });
});
