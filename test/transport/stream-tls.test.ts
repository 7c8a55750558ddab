import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect } from "chai";
import { ConnectionQuota } from "../../src/transport/index.js";
import type { StreamTls } from "../../src/transport/stream/index.js";
import { selfSigned, throwAwayCertificate } from "../../src/transport/stream/self-signed.js";
import { certified, pem, useStreams } from "../support/streams.js";
import { until } from "../support/until.js";

const CA = { ca: pem("ca.pem") };
const der = (name: string): Buffer => new X509Certificate(pem(`${name}.pem`)).raw;

describe("A stream over TLS", () => {
  const streams = useStreams();
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** A socket that is closed after the test. */
  const bare = (address: string): Socket => {
    const socket = connectSocket(Number(address.split(":").at(-1)), "127.0.0.1");
    socket.on("error", () => undefined);
    sockets.push(socket);
    return socket;
  };

  /** What the connecting end is told when it sees this certificate. */
  const seen = async (server: StreamTls, client: StreamTls | undefined): Promise<string> => {
    const { listener } = await streams.listen("tls://127.0.0.1:0", { tls: server });
    const near = streams.connect(listener.address, { tls: client });
    const how = await Promise.race([near.opened.then(() => "opened"), near.ended]);
    if (typeof how === "string") return how;
    expect(how.reason.outcome).to.equal("not-sent");
    return `${how.reason.code} ${how.reason.message.replace(/^tls:\/\/127\.0\.0\.1:\d+ /, "")}`;
  };

  it("believes an authority of its own, for the host of the address", async () => {
    expect(await seen(certified("server"), CA)).to.equal("opened");
    expect(await seen(certified("server"), { ca: [pem("other-ca.pem"), Buffer.from(pem("ca.pem"))] })).to.equal(
      "opened",
    );
    expect(await seen(certified("elsewhere"), { ...CA, serverName: "elsewhere.example" })).to.equal("opened");
    expect(await seen(certified("stranger"), { verify: false })).to.equal("opened");
  });

  it("refuses what is of another authority, for another host, expired, or signed by itself, and says so", async () => {
    const rows: [StreamTls, StreamTls | undefined, RegExp][] = [
      [certified("stranger"), CA, /^ACCESS_DENIED shows a certificate of an authority that is not trusted here/],
      [certified("server"), undefined, /^ACCESS_DENIED shows a certificate of an authority that is not trusted here/],
      [certified("elsewhere"), CA, /^ACCESS_DENIED shows a certificate that is not for 127\.0\.0\.1$/],
      [certified("server"), { ...CA, serverName: "x.example" }, /^ACCESS_DENIED shows .* not for x\.example$/],
      [certified("expired"), CA, /^ACCESS_DENIED shows a certificate that has expired$/],
      [{}, CA, /^ACCESS_DENIED shows a certificate that it has signed itself/],
    ];
    for (const [server, client, text] of rows) expect(await seen(server, client)).to.match(text);
  });

  it("knows who is there, when both ends show certificates", async () => {
    const tls = { ...certified("server"), ...CA };
    const { listener, next } = await streams.listen("tls://127.0.0.1:0", { tls });
    const near = streams.connect(listener.address, { tls: { ...certified("client"), ...CA } });
    const far = await next();
    await near.opened;
    expect(far.stream.peer.certificate).to.deep.equal(der("client"));
    expect(near.stream.peer.certificate).to.deep.equal(der("server"));
  });

  it("tells of no certificate where none is verified", async () => {
    const { listener, next } = await streams.listen("tls://127.0.0.1:0", { tls: certified("server") });
    const near = streams.connect(listener.address, { tls: { ...certified("client"), verify: false } });
    await near.opened;
    expect([near.stream.peer.certificate, (await next()).stream.peer.certificate]).to.deep.equal([
      undefined,
      undefined,
    ]);
  });

  it("lets nobody in without the certificate that it wants", async () => {
    const tls = { ...certified("server"), ...CA };
    const { listener, refused } = await streams.listen("tls://127.0.0.1:0", { tls });
    for (const client of [{}, certified("stranger"), certified("expired")]) {
      const near = streams.connect(listener.address, { tls: { ...client, verify: false } });
      near.stream.write(Buffer.from("let me in"));
      expect((await near.ended).reason.code).to.equal("UNAVAILABLE");
    }
    expect(
      refused.map(([origin, { code, message }]) => `${origin} ${code} ${message.replace(/^\S+ /, "")}`),
    ).to.deep.equal([
      "127.0.0.1 ACCESS_DENIED shows no certificate",
      "127.0.0.1 ACCESS_DENIED shows a certificate of an authority that is not trusted here (option tls.ca)",
      "127.0.0.1 ACCESS_DENIED shows a certificate that has expired",
    ]);
  });

  it("lets nothing out before it knows who is there", async () => {
    const { listener, refused, next } = await streams.listen("tls://127.0.0.1:0", { tls: certified("stranger") });
    const near = streams.connect(listener.address, { tls: CA });
    near.stream.write(Buffer.from("secret"));
    await near.ended;
    // The handshake may be done at that end before this one has looked at the certificate.
    const far = await Promise.race([next(), until(() => refused.length > 0)]);
    if (far) expect((await far.ended, far.got().length)).to.equal(0);
  });

  it("refuses who does not speak TLS, and goes on with the others", async () => {
    const { listener, refused } = await streams.listen("tls://127.0.0.1:0", { tls: certified("server") });
    const stranger = bare(listener.address);
    stranger.write("GET / HTTP/1.1\r\n\r\n");
    await once(stranger.resume(), "close");
    const shortSpoken = bare(listener.address);
    shortSpoken.end();
    await until(() => refused.length === 2);
    expect(refused.map(([, { message }]) => message.replace(/^\S+ /, ""))).to.deep.equal([
      "does not speak TLS",
      "closed the connection during the handshake of TLS",
    ]);
    await streams.connect(listener.address, { tls: CA }).opened;
  });

  it("says that a server does not speak TLS, or left", async () => {
    for (const [word, text] of [
      ["* OK IMAP ready, and more\r\n", "does not speak TLS"],
      ["", "closed the connection during the handshake of TLS"],
    ] as const) {
      const server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => socket.end(word));
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      const address = `tls://127.0.0.1:${(server.address() as { port: number }).port}`;
      const { reason } = await streams.connect(address).ended;
      expect([reason.code, reason.message]).to.deep.equal(["UNAVAILABLE", `${address} ${text}`]);
      server.close();
    }
  });

  it("gives up a handshake that nobody goes on with, at both ends", async () => {
    const { listener, refused } = await streams.listen("tls://127.0.0.1:0", { handshakeTimeoutMs: 20 });
    await once(bare(listener.address).resume(), "close");
    expect(refused[0]?.[1].message).to.match(/did not finish the handshake of TLS within 20 ms$/);
    const { listener: silent } = await streams.listen("tcp://127.0.0.1:0");
    const near = streams.connect(silent.address.replace("tcp", "tls"), { handshakeTimeoutMs: 20 });
    expect((await near.ended).reason.message).to.match(/did not finish the handshake of TLS within 20 ms$/);
  });

  it("closes the oldest silent connection for a new one, and counts none twice", async () => {
    const quota = new ConnectionQuota({ handshakes: 2 });
    const { listener, refused, next } = await streams.listen("tls://127.0.0.1:0", { quota, tls: certified("server") });
    const silent = [bare(listener.address), bare(listener.address)];
    await Promise.all(silent.map((socket) => once(socket, "connect")));
    for (let round = 0; round < 3; round++) {
      await streams.connect(listener.address, { tls: CA }).opened;
      await next();
    }
    expect(refused.map(([, { code }]) => code)).to.deep.equal(["OVERLOADED"]);
  });

  it("closes what has not shaken hands with its listener", async () => {
    const { listener, refused } = await streams.listen("tls://127.0.0.1:0");
    const socket = bare(listener.address);
    await once(socket, "connect");
    await listener.close();
    await once(socket.resume(), "close");
    expect(refused.length).to.be.lessThan(2);
  });

  it("refuses certificates that cannot be used, before anything is bound", async () => {
    const rows: [StreamTls, RegExp][] = [
      [{ cert: pem("server.pem") }, /tls\.cert and tls\.key belong together/],
      [{ cert: pem("server.pem"), key: pem("client.key") }, /cannot be used: .*key values mismatch/],
      [{ cert: "none", key: "none" }, /cannot be used/],
      [{ ca: "no certificate" }, /cannot be used/],
    ];
    for (const [tls, text] of rows) {
      expect(() => streams.connect("tls://127.0.0.1:1", { tls }))
        .to.throw(text)
        .with.property("code", "CONFIGURATION");
      const error = await streams.listen("tls://127.0.0.1:0", { tls }).catch((reason: unknown) => reason as Error);
      expect(error).to.have.property("message").that.matches(text);
    }
  });

  it("is spoken with programs of others", async () => {
    const { listener, next } = await streams.listen("tls://127.0.0.1:0", { tls: certified("server") });
    const socket = connectTls({ port: Number(listener.address.split(":")[2]), host: "127.0.0.1", ...CA });
    sockets.push(socket);
    await once(socket, "secureConnect");
    socket.write("hello");
    const far = await next();
    await far.received(5);
    far.stream.write(Buffer.from("hello yourself"));
    far.stream.end();
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(String(answer)).to.equal("hello yourself");
  });

  it("is made of a throw-away certificate that OpenSSL accepts as one of its own authority", async () => {
    const { cert, key } = selfSigned("somebody");
    const certificate = new X509Certificate(cert);
    expect([certificate.subject, certificate.issuer]).to.deep.equal(["CN=somebody", "CN=somebody"]);
    expect(certificate.verify(certificate.publicKey)).to.equal(true);
    const years = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / (365.25 * 24 * 3_600_000);
    expect(Math.round(years)).to.equal(10);
    expect(Date.parse(certificate.validFrom)).to.be.lessThan(Date.now());
    const tls = { ca: cert, serverName: "somebody" };
    expect(await seen({ cert, key }, tls)).to.equal("opened");
    expect(throwAwayCertificate()).to.equal(throwAwayCertificate());
  });
});
