import { X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { AmpRemote, ListenAmpOptions } from "../../src/compat/amp/index.js";
import { Divide, Sum, ZeroDivision } from "../support/amp-commands.js";
import { interopResponders, Slow } from "../support/amp-interop-commands.js";
import { tlsOf } from "../support/amp-meeting.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { type AmpPems, AmpPython, makeAmpCertificates, useAmpCleanUp } from "../support/amp-python.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";

/** Names of what an end shows, and whether it wants a certificate of our authority. */
interface Side {
  readonly shows?: "server" | "client" | "stranger";
  readonly wants?: boolean;
}

/** What the accepting end has, what the connecting one has, and whether they get on. */
const SIDES: readonly (readonly [string, Side, Side, boolean])[] = [
  ["without any certificate", {}, {}, true],
  ["with a throw-away certificate that is not believed", {}, { wants: true }, false],
  ["with a certificate that nobody looks at", { shows: "server" }, {}, true],
  ["with a certificate that is believed", { shows: "server" }, { wants: true }, true],
  ["with a certificate of somebody else", { shows: "stranger" }, { wants: true }, false],
  ["with certificates of both", { shows: "server", wants: true }, { shows: "client", wants: true }, true],
  ["without the certificate that is wanted", { shows: "server", wants: true }, { wants: true }, false],
  ["with a certificate that is not believed", { shows: "server", wants: true }, { shows: "stranger" }, false],
];

describe("AMP: StartTLS and TLS between Twisted and ours", () => {
  const amp = useAmpPairs();
  useAmpCleanUp();
  let folder = "";
  let pems: Readonly<Record<string, Required<AmpPems>>> = {};
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "amp-"));
    pems = await makeAmpCertificates(folder);
  });
  after(() => rm(folder, { recursive: true }));

  function pemsOf({ shows, wants = false }: Side): AmpPems {
    const { cert, key } = pems[shows ?? ""] ?? {};
    return { ...(cert && key && { cert, key }), ...(wants && { ca: join(folder, "ca.pem") }) };
  }

  /** Our server, and the end of its next connection. */
  async function listening(options: ListenAmpOptions & { readonly address?: string } = {}) {
    let accept: (ours: AmpRemote) => void = () => undefined;
    const accepted = new Promise<AmpRemote>((resolve) => {
      accept = resolve;
    });
    const server = await amp.listen(interopResponders(), { ...options, onConnection: accept });
    return { server, accepted };
  }

  function nameOf(certificate: Uint8Array | undefined): string | undefined {
    return certificate && new X509Certificate(certificate).subject;
  }

  for (const [what, accepting, connecting, isGood] of SIDES) {
    it(`our client begins it ${what}`, async () => {
      const theirs = await AmpPython.twistedServer("tcp:0", pemsOf(accepting));
      const ours = await amp.connect(theirs.address, { responders: interopResponders() });
      const begun = ours.startTls(tlsOf(pemsOf(connecting)));
      begun.catch(() => undefined);
      const meanwhile = Promise.allSettled([1, 2, 3].map((a) => ours.callRemote(Sum, { a, b: 1 })));
      if (!isGood) {
        expect(await ours.closed).to.include({ code: "ACCESS_DENIED" });
        expect((await meanwhile).map(({ status }) => status)).to.deep.equal(["rejected", "rejected", "rejected"]);
        expect(await failureOf(ours.callRemote(Sum, { a: 1, b: 1 }))).to.include({ outcome: "not-sent" });
        await theirs.happens("lost", { on: 0 });
        return;
      }
      await begun;
      expect(ours.info.isSecure).to.equal(true);
      expect((await meanwhile).map((one) => one.status === "fulfilled" && one.value.total)).to.deep.equal([2, 3, 4]);
      expect(nameOf(ours.info.certificate)).to.equal(connecting.wants === true ? "CN=server" : undefined);
      expect(await theirs.many(10)).to.deep.equal({ right: 10, wrong: 0, failed: 0 });
      expect(await failureOf(ours.startTls())).to.include({ name: "OnlyOneTlsError", outcome: "not-sent" });
      expect(await failureOf(ours.callRemote(Divide, { numerator: 1, denominator: 0 }))).to.be.instanceOf(ZeroDivision);
    });

    it(`their client begins it ${what}`, async () => {
      const { log, lines } = keepLog();
      const { server, accepted } = await listening({ tls: tlsOf(pemsOf(accepting)), log });
      const theirs = await AmpPython.twistedClient();
      await theirs.connect(server.address);
      const ours = await accepted;
      const begun = theirs.startTls(pemsOf(connecting), { probe: true });
      if (!isGood) {
        expect(await begun).to.deep.equal({ result: {}, stays: false });
        await theirs.lost();
        expect(await ours.closed).to.include({ code: "ACCESS_DENIED" });
        expect(lines("info").join("\n")).to.match(/certificate/);
        return;
      }
      const peer = accepting.shows ?? "throw-away";
      expect(await begun).to.deep.equal({ result: {}, stays: true, peer });
      expect(ours.info.isSecure).to.equal(true);
      expect(nameOf(ours.info.certificate)).to.equal(accepting.wants === true ? "CN=client" : undefined);
      expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
      expect(await theirs.many(10)).to.deep.equal({ right: 10, wrong: 0, failed: 0 });
    });

    if (accepting.shows === undefined) continue;

    it(`our client connects inside of TLS ${what}`, async () => {
      const theirs = await AmpPython.twistedServer("tls:0", pemsOf(accepting));
      const tls = { verify: connecting.wants ?? false, ...tlsOf(pemsOf(connecting)) };
      if (!isGood) {
        // Who is refused by an accepting end of TLS 1.3 hears of it when the connection is there.
        const failure = await amp.connect(theirs.address, { tls }).then(
          (ours) => ours.closed,
          (error: unknown) => error,
        );
        expect(failure).to.include({ code: "ACCESS_DENIED" });
        return;
      }
      const ours = await amp.connect(theirs.address, { tls, responders: interopResponders() });
      expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
      expect(await theirs.call("Sum", { a: "1", b: "2" })).to.deep.equal({ result: { total: "3" } });
      expect(await failureOf(ours.startTls())).to.include({ name: "OnlyOneTlsError" });
    });

    it(`their client connects inside of TLS ${what}`, async () => {
      const { log, lines } = keepLog();
      const { server, accepted } = await listening({
        address: "tls://127.0.0.1:0",
        tls: tlsOf(pemsOf(accepting)),
        log,
      });
      const theirs = await AmpPython.twistedClient();
      await theirs.connect(server.address, pemsOf(connecting));
      if (!isGood) {
        await theirs.lost();
        expect((await theirs.call("Sum", { a: "1", b: "2" })).error?.class).not.to.equal(undefined);
        expect(server.peers).to.deep.equal([]);
        expect(lines("warn").join("\n")).to.match(/was not taken: .*certificate/);
        return;
      }
      expect(await theirs.call("Sum", { a: "1", b: "2" }, { probe: true })).to.deep.equal({
        result: { total: "3" },
        stays: true,
      });
      expect(await (await accepted).callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
      const box = await theirs.low("StartTLS");
      expect(box.error).to.include({ class: "RemoteAmpError", code: "TLS_ERROR" });
    });
  }

  it("begins over unix sockets", async () => {
    const theirs = await AmpPython.twistedServer(`unix:${folder}/theirs`, pems.server);
    const ours = await amp.connect(theirs.address);
    await ours.startTls(tlsOf(pemsOf({ shows: "client", wants: true })));
    expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    expect(nameOf(ours.info.certificate)).to.equal("CN=server");
    const { server } = await listening({ address: `unix://${folder}/ours`, tls: tlsOf(pems.server ?? {}) });
    const client = await AmpPython.twistedClient();
    await client.connect(server.address);
    expect(await client.startTls(pems.client, { probe: true })).to.deep.equal({
      result: {},
      stays: true,
      peer: "server",
    });
  });

  it("lets calls through that were under way, and those that are made meanwhile, both ways", async () => {
    const { server, accepted } = await listening();
    const client = await AmpPython.twistedClient();
    await client.connect(server.address);
    const their = await AmpPython.twistedServer();
    const ends = [
      { ours: await accepted, theirs: client, begin: () => client.startTls() },
      await amp.connect(their.address, { responders: interopResponders() }).then((ours) => ({
        ours,
        theirs: their,
        begin: () => ours.startTls(),
      })),
    ];
    for (const { ours, theirs, begin } of ends) {
      await ours.callRemote(Sum, { a: 1, b: 1 });
      const before = [
        ours.callRemote(Slow, { milliseconds: 100 }),
        theirs.call("Slow", { milliseconds: "100" }),
      ] as const;
      const begun = begin();
      const manyTheirs = theirs.many(500);
      const manyOurs = Promise.all(Array.from({ length: 500 }, (_, a) => ours.callRemote(Sum, { a, b: 1 })));
      await begun;
      expect(await manyTheirs).to.deep.equal({ right: 500, wrong: 0, failed: 0 });
      expect((await manyOurs).map(({ total }) => total)).to.deep.equal(Array.from({ length: 500 }, (_, a) => a + 1));
      expect(await before[0]).to.deep.equal({ milliseconds: 100 });
      expect(await before[1]).to.deep.equal({ result: { milliseconds: "100" } });
      expect(ours.info.isSecure).to.equal(true);
    }
  });

  it("is refused where our end has none, and theirs is told", async () => {
    const { server, accepted } = await listening({ tls: false });
    const theirs = await AmpPython.twistedClient();
    await theirs.connect(server.address);
    const refused = await theirs.low("StartTLS", {}, { probe: true });
    expect(refused.error).to.include({ class: "RemoteAmpError", code: "TLS_ERROR" });
    expect(refused.stays).to.equal(true);
    expect((await accepted).info.isSecure).to.equal(false);
    // Twisted's own call holds back all boxes from then on, answers too: after a refusal it can only close.
    const { error } = await theirs.startTls();
    expect(error)
      .to.include({ class: "UnknownRemoteError" })
      .and.have.property("description")
      .match(/no TLS/);
    await theirs.disconnect();
    await (await accepted).closed;
  });

  it("can be begun by our accepting end", async () => {
    const { server, accepted } = await listening();
    const theirs = await AmpPython.twistedClient(pemsOf({ shows: "client", wants: true }));
    await theirs.connect(server.address);
    const ours = await accepted;
    await ours.startTls(tlsOf(pemsOf({ shows: "server", wants: true })));
    expect(nameOf(ours.info.certificate)).to.equal("CN=client");
    expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    expect(await theirs.many(10)).to.deep.equal({ right: 10, wrong: 0, failed: 0 });
  });

  it("is done or ends in time where their accepting end begins it, which may read our first octets of TLS as a box", async () => {
    const theirs = await AmpPython.twistedServer();
    const ours = await amp.connect(theirs.address, { responders: interopResponders(), timeoutMs: 1_000 });
    await theirs.happens("connected");
    const { stays } = await theirs.startTls(pemsOf({ shows: "server" }), { probe: true });
    if (stays === true) expect(ours.info.isSecure).to.equal(true);
    else expect((await ours.closed).code).to.be.oneOf(["UNAVAILABLE", "TIMEOUT"]);
  });
});
