import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { useCommand } from "../support/command.js";
import { failureOf, useMesh } from "../support/mesh.js";
import type { Child } from "../support/processes.js";

interface Orders {
  order(item: string, dies?: string): string;
  book(item: string, dies?: string): number;
}

describe("lamplighter serve --journal", () => {
  const mesh = useMesh();
  const command = useCommand();
  const module = resolve("test/fixtures/orders.js");
  let runs = 0;

  async function freeAddress(): Promise<string> {
    const server = createServer();
    await new Promise<void>((done) => {
      server.listen(0, "127.0.0.1", done);
    });
    const { port } = server.address() as { port: number };
    await new Promise((done) => server.close(done));
    return `tcp://127.0.0.1:${port}`;
  }

  /** Starts a service that kills itself in the middle of a call, and again when it has; the call is made in between. */
  async function killed<T>(call: (remote: import("../../src/index.js").Remote<Orders>) => PromiseLike<T>) {
    runs++;
    const folder = command.folder();
    const record = join(folder, `record-${runs}`);
    command.file(`record-${runs}`, "");
    const address = await freeAddress();
    const start = (dies: string): Child =>
      command.start(["serve", module, "-a", address, "--journal", join(folder, `calls-${runs}`)], {
        env: { RECORD: record, DIES: dies },
      });
    const first = start("yes");
    await command.ready(first);
    const remote = mesh.client({ timeoutMs: 60_000 }).connect<Orders>(address, "demo.orders", { wire: "lamp" });
    const answer = call(remote);
    answer.then(undefined, () => undefined);
    expect(await first.ended).to.equal("SIGKILL");
    await command.ready(start(""));
    return { answer, remote, executed: () => readFileSync(record, "utf8").split("\n").filter(Boolean) };
  }

  it("never executes a call again that was begun, and says that its outcome is unknown", async () => {
    for (const [point, times] of [
      ["before", 0],
      ["after", 1],
    ] as const) {
      const { answer, remote, executed } = await killed((orders) => orders.order("tea", point));
      const error = await failureOf(answer);
      expect(error).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(error.message).to.include("killed");
      expect(executed()).to.have.length(times);
      expect(await remote.order("milk")).to.equal("ordered milk");
    }
  });

  it("executes a transaction exactly once, wherever the process is killed", async () => {
    for (const point of ["before", "after"]) {
      const { answer, remote } = await killed((orders) => orders.book("tea", point));
      expect(await answer).to.equal(1);
      expect(await remote.book("milk")).to.equal(2);
    }
  });

  it("says what to install when libsql is missing", async () => {
    const result = await command.run(["serve", module, "--journal", join(command.folder(), "none")], {
      env: { NODE_OPTIONS: `--import ${resolve("test/fixtures/no-libsql.js")}` },
    });
    expect(result).to.include({ status: 2, out: "" });
    expect(result.err).to.include("npm install libsql");
  });

  it("ends with 2 when methods are declared once, and there is no journal", async () => {
    const result = await command.run(["serve", module]);
    expect(result).to.include({ status: 2, out: "" });
    expect(result.err).to.include("demo.orders.order is declared once");
    expect(result.err).to.include("--journal FILE").and.not.include("option journal");
  });

  it("shows in introspect which methods are executed once", async () => {
    const { address } = await mesh.nameserver();
    const journal = join(command.folder(), "shown");
    await command.ready(command.start(["serve", module, "-n", address, "--journal", journal]));
    const shown = await command.run(["introspect", "-n", address, "demo.orders"]);
    expect(shown.out).to.match(/ order\(.*\) {2}\[once\]$/m);
    expect(shown.out).to.match(/ introspect\(.*\[idempotent\]$/m);
  });

  it("says that another process has the journal", async () => {
    const journal = join(command.folder(), "shared");
    await command.ready(command.start(["serve", module, "--journal", journal]));
    const result = await command.run(["serve", module, "--journal", journal]);
    expect(result).to.include({ status: 2, out: "" });
    expect(result.err).to.include("in use by another process");
  });
});
