import { expect } from "chai";
import { type AmpRemote, connectAmp, defineCommand, respond, unicode } from "../../src/compat/amp/index.js";
import { Sum, Switch, vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { failureOf } from "../support/mesh.js";
import { type Child, useProcesses } from "../support/processes.js";
import { until } from "../support/until.js";

const Hang = defineCommand({ name: "Hang", response: { text: unicode() } });

describe("Processes of AMP that are killed", () => {
  const amp = useAmpPairs();
  const start = useProcesses();

  /** A process that answers what it is told to, and else nothing. */
  async function startServer(): Promise<{ readonly child: Child; readonly address: string }> {
    const child = start(process.execPath, ["--import", "tsx", "test/fixtures/amp-server.ts"]);
    const [, address = ""] = await child.waitFor(/^at (\S+)/m);
    return { child, address };
  }

  async function kill(child: Child): Promise<void> {
    child.process.kill("SIGKILL");
    await child.ended;
  }

  it("leave no call waiting, and what was under way is unknown", async () => {
    const { child, address } = await startServer();
    const peer = await amp.connect(address, { timeoutMs: 600_000 });
    const calls = Array.from({ length: 1_000 }, () => failureOf(peer.callRemote(Hang)));
    await child.waitFor(/^1000 hang/m);
    await kill(child);
    for (const failure of await Promise.all(calls)) {
      expect(failure).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "Hang" });
    }
    expect(await peer.closed).to.include({ code: "UNAVAILABLE" });
    expect(await failureOf(peer.callRemote(Hang))).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
    expect(await failureOf(connectAmp(address))).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
  });

  const asked: Record<string, (peer: AmpRemote) => Promise<unknown>> = {
    "between StartTLS and its answer": (peer) => peer.startTls({}, { timeoutMs: 600_000 }),
    "between a switch and its answer": (peer) => peer.switchProtocol(Switch, { to: "" }, { timeoutMs: 600_000 }),
  };
  for (const [when, ask] of Object.entries(asked)) {
    it(`and stopped before, ${when}, settle what was asked, and what was to follow`, async () => {
      const { child, address } = await startServer();
      const peer = await amp.connect(address, { timeoutMs: 600_000 });
      expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
      child.process.kill("SIGSTOP");
      const failure = failureOf(ask(peer));
      const next = failureOf(peer.callRemote(Sum, { a: 1, b: 2 }));
      await kill(child);
      expect(await failure).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect((await next).code).to.be.oneOf(["UNAVAILABLE", "CLOSED"]);
      await peer.closed;
    });
  }

  it("are forgotten by servers, which tell their responders, and go on with others", async () => {
    let told = 0;
    let running = 0;
    const server = await amp.listen([
      respond(Hang, async (_args, { signal }) => {
        running++;
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        told++;
        return { text: "to nobody" };
      }),
      ...vectorResponders(),
    ]);
    const other = await amp.connect(server);
    const child = start(process.execPath, ["--import", "tsx", "test/fixtures/amp-client.ts", server.address]);
    await until(() => running === 100);
    const [, client] = server.peers;
    const asked = client && failureOf(client.callRemote(Hang, {}, { timeoutMs: 600_000 }));
    await kill(child);
    expect(await asked).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    await until(() => told === 100);
    expect(server.peers).to.have.length(1);
    expect(await other.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });
});
