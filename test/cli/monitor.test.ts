import { expect } from "chai";
import type { MonitorSnapshot } from "../../src/gateway/monitor/view.js";
import { ON_TERMINAL, useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";

const ESCAPE = "\u001b[";

describe("lamplighter monitor", () => {
  const mesh = useMesh();
  const command = useCommand();

  it("--once --json prints one line with everything, and rates", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address, service: "/demo" });
    await mesh.client({ nameserver: address }).component("demo.echo").invoke("echo", 1);
    const { status, out, err } = await command.run(["monitor", "-n", address, "--once", "--json", "--interval", "50"]);
    expect({ status, err }).to.deep.equal({ status: 0, err: "" });
    expect(out.match(/\n/g)).to.have.length(1);
    const { services, nameserver } = JSON.parse(out) as MonitorSnapshot;
    expect(nameserver).to.include({ address, isReachable: true });
    const demo = services.find(({ service }) => service === "/demo");
    expect(demo).to.include({ health: "answers", restarts: 0 });
    expect(demo?.methods.map(({ method }) => method)).to.include("echo");
    expect(demo?.points).to.have.length(1);
    expect(demo?.points[0]?.calls).to.be.a("number");
  });

  it("prints a table, with a heading on a terminal, in which names steer nothing", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address, service: `/de${ESCAPE}2Jmo` });
    const once = ["monitor", "-n", address, "--once", "--interval", "20"];
    const piped = await command.run(once);
    expect(piped.out)
      .to.match(/^\/de\?\[2Jmo\tanswers\t/m)
      .and.not.contain("SERVICE");
    const terminal = await command.run(once, { env: { ...ON_TERMINAL, NO_COLOR: "1" } });
    expect(terminal.out).to.contain("SERVICE").and.contain(address).and.not.contain(ESCAPE);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`shows it again and again, in place on a terminal, and ends with 0 by ${signal}`, async () => {
      const { address } = await mesh.nameserver();
      const child = command.start(["monitor", "-n", address, "--interval", "20"], { env: ON_TERMINAL });
      await child.waitFor(/SERVICE[^]*SERVICE/);
      expect(child.out()).to.contain(`${ESCAPE}H`);
      child.process.kill(signal);
      expect(await child.ended).to.equal(0);
      expect(child.err()).to.equal("");
    });
  }

  it("--json prints a line each time, and follows what comes, goes and comes back", async () => {
    const nameserver = await mesh.nameserver();
    const child = command.start(["monitor", "-n", nameserver.address, "--interval", "20", "--json"]);
    await child.waitFor(/\n/);
    const host = await mesh.host([echo], { nameserver: nameserver.address, service: "/demo" });
    await child.waitFor(/"service":"\/demo"[^\n]*?"health":"answers"/);
    await host.close();
    await child.waitFor(/"service":"\/demo"[^\n]*?"health":"gone"/);
    await nameserver.close();
    await child.waitFor(/"isReachable":false/);
    child.process.stdout?.destroy();
    expect(await child.ended).to.equal(0);
  });

  it("ends with 3 by --once without a nameserver, and with 2 for what is no time", async () => {
    const nobody = await command.run(["monitor", "--once", "-n", "tcp://127.0.0.1:1"]);
    expect(nobody).to.include({ status: 3, out: "" });
    expect(nobody.err).to.match(/does not answer[^]*lamplighter nameserver -a/);
    for (const flag of ["--interval", "--timeout"]) {
      const wrong = await command.run(["monitor", flag, "soon"]);
      expect(wrong).to.include({ status: 2, out: "" });
      expect(wrong.err).to.contain(`${flag} wants milliseconds`);
    }
  });
});
