import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { EarlierNamedTry } from "../../src/peer/named-call.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { Naming } from "../support/naming.js";
import { type Child, useProcesses } from "../support/processes.js";

describe("A named call whose caller or host is killed", function () {
  // Processes are started one after the other.
  this.timeout(60_000);
  const mesh = useMesh();
  const start = useProcesses();
  let folder = "";
  let nameserver = "";

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "lamplighter-named-"));
    writeFileSync(join(folder, "record"), "");
    ({ address: nameserver } = await mesh.nameserver());
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const executed = (): string[] => readFileSync(join(folder, "record"), "utf8").split("\n").filter(Boolean);

  function spawn(file: string, ...args: string[]): Child {
    return start(process.execPath, ["--import", "tsx", `test/fixtures/${file}.ts`, nameserver, ...args], {
      interactive: true,
    });
  }

  async function startHost(point = ""): Promise<Child> {
    const host = spawn("named-host", join(folder, "record"), join(folder, "journal"), point);
    await host.waitFor(/^ready/m);
    return host;
  }

  /** What is known of the call of a caller that was killed. */
  async function kill(caller: Child): Promise<EarlierNamedTry> {
    const [, told = ""] = await caller.waitFor(/^sending (.*)$/m);
    caller.process.kill("SIGKILL");
    await caller.ended;
    return JSON.parse(told) as EarlierNamedTry;
  }

  /** What the process that is started in the place of a caller does. */
  function ask(method: string, naming: Naming): Promise<unknown> {
    const client = mesh.client({ nameserver, timeoutMs: 60_000 });
    return client.component("demo.named").callNamed(method, ["tea"], {}, naming);
  }

  it("runs on when its caller is killed, and is answered to the next process", async () => {
    const host = await startHost();
    const caller = spawn("named-caller", "wait", "tea");
    await host.waitFor(/^waits/m);
    const heir = new Naming({ earlier: await kill(caller) });
    const answer = ask("wait", heir);
    host.process.stdin?.write("\n");
    expect(await answer).to.equal("tea done");
    expect(executed()).to.deep.equal(["tea"]);
    expect(heir.count).to.equal(0);
  });

  it("is answered to the next process when its answer had come and was not written down", async () => {
    await startHost();
    const caller = spawn("named-caller", "plain", "tea");
    await caller.waitFor(/^answer tea done/m);
    expect(await ask("plain", new Naming({ earlier: await kill(caller) }))).to.equal("tea done");
    expect(executed()).to.deep.equal(["tea"]);
  });

  it("is executed once when its caller was killed before it was sent", async () => {
    await startHost();
    const earlier = await kill(spawn("named-caller", "plain", "tea", "hold"));
    expect(executed()).to.deep.equal([]);
    for (let time = 0; time < 2; time++) expect(await ask("plain", new Naming({ earlier }))).to.equal("tea done");
    expect(executed()).to.deep.equal(["tea"]);
  });

  /** The caller is killed, and its host in the middle of the call, and started again. */
  async function bothKilled(method: string, point: string): Promise<EarlierNamedTry> {
    const host = await startHost(point);
    const caller = spawn("named-caller", method, "tea");
    expect(await host.ended).to.equal("SIGKILL");
    const earlier = await kill(caller);
    await startHost();
    return earlier;
  }

  it("is unknown when its host was killed, if nothing is known of the method", async () => {
    const naming = new Naming({ earlier: await bothKilled("plain", "after") });
    expect(await failureOf(ask("plain", naming))).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(executed()).to.deep.equal(["tea"]);
    expect(naming.count).to.equal(0);
  });

  it("is executed again when its host was killed, if it may be", async () => {
    const naming = new Naming({ earlier: await bothKilled("safe", "after") });
    expect(await ask("safe", naming)).to.equal("tea done");
    expect(executed()).to.deep.equal(["tea", "tea"]);
    expect(naming.count, "names besides the one that it has").to.equal(0);
  });

  it("is never executed twice when its host was killed, if the method is executed once", async () => {
    const earlier = await bothKilled("order", "after");
    expect(earlier.journal).to.be.a("string");
    expect(await failureOf(ask("order", new Naming({ earlier })))).to.include({ outcome: "unknown" });
    expect(executed()).to.deep.equal(["tea"]);
  });

  for (const point of ["before", "after"]) {
    it(`happens exactly once when its host was killed ${point} its transaction, and the answer is there`, async () => {
      const earlier = await bothKilled("book", point);
      for (let time = 0; time < 2; time++) expect(await ask("book", new Naming({ earlier }))).to.equal(1);
      expect(await ask("book", new Naming())).to.equal(2);
    });
  }

  it("is found in the journal when its host was killed after it had answered", async () => {
    const host = await startHost();
    const caller = spawn("named-caller", "order", "tea");
    await caller.waitFor(/^answer tea done/m);
    const earlier = await kill(caller);
    host.process.kill("SIGKILL");
    await host.ended;
    // It is waited for, as by calls that go on.
    const answer = ask("order", new Naming({ earlier }));
    await startHost();
    expect(await answer).to.equal("tea done");
    expect(executed()).to.deep.equal(["tea"]);
  });
});
