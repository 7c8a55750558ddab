import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { AmpPython, makeAmpCertificates, useAmpCleanUp } from "../support/amp-python.js";
import { useProcesses } from "../support/processes.js";

/** The peers of AMP among themselves: that they are right, and do what they are told. Needs Debian's python3-twisted. */
describe("AMP's peers in Python", () => {
  const start = useProcesses();
  useAmpCleanUp();
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "amp-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("agree with each other and with the vectors", async () => {
    const check = start("/usr/bin/python3", ["test/interop/python/amp_selfcheck.py"]);
    expect(await check.ended, check.out() + check.err()).to.equal(0);
    expect(check.out()).to.match(/^\d{3,} passed, 0 failed$/m);
  });

  it("call and are called", async () => {
    await using server = await AmpPython.twistedServer(`unix:${folder}/socket`);
    await using client = await AmpPython.twistedClient();
    const on = await client.connect(server.address);
    const divided = await client.call("CallMe", { numerator: "1", denominator: "4" }, { probe: true });
    expect(divided).to.deep.equal({ result: { result: "0.25" }, stays: true });
    const { error, stays } = await client.call("Fail", { kind: "fatal" }, { probe: true });
    expect([error?.class, error?.text, stays]).to.deep.equal(["FatalProblem", "declared and fatal", false]);
    expect(await client.lost(on)).to.match(/^Connection/);
    await server.happens("lost", { on });
  });

  it("speak in octets", async () => {
    await using server = await AmpPython.twistedServer();
    await using client = await AmpPython.twistedClient();
    await client.open(server.address);
    await client.write(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    expect(await client.read()).to.deep.equal({ octets: Buffer.alloc(0), ended: true });
    await client.connect(server.address);
    expect(await client.switchTo("upper-echo")).to.deep.equal({ result: {} });
    await client.write(Buffer.from("tail"));
    expect(String((await client.read(4)).octets)).to.equal("TAIL");
    expect((await client.call("Bye")).error?.class).to.equal("ProtocolSwitched");
  });

  it("encrypt", async () => {
    const { server: own, client: mine } = await makeAmpCertificates(folder);
    await using server = await AmpPython.twistedServer("tcp:0", own);
    await using client = await AmpPython.twistedClient();
    await client.connect(server.address);
    expect(await client.startTls(mine, { probe: true })).to.deep.equal({ result: {}, stays: true, peer: "server" });
    await using encrypted = await AmpPython.twistedServer("tls:0", own);
    await client.connect(encrypted.address, mine);
    expect(await client.many(10)).to.deep.equal({ right: 10, wrong: 0, failed: 0 });
  });

  it("are like asyncio-amp", async () => {
    await using server = await AmpPython.asyncioServer();
    await using client = await AmpPython.asyncioClient();
    await client.connect(server.address);
    expect(await client.call("Sum", { a: "1", b: "2" })).to.deep.equal({ result: { total: "3" } });
    await client.write(Buffer.alloc(2));
    expect((await server.happens("failed", { deaf: true })).text).to.equal("a box of no kind");
    await client.disconnect();
  });
});
