import { createHash } from "node:crypto";
import { expect } from "chai";
import type { LinkSecurity, ListenerSecurity } from "../../src/transport/index.js";
import { generateKeyPair } from "../../src/transport/zmtp/curve-box.js";
import { encodeZ85 } from "../../src/util/z85.js";
import { type TestLink, useLinks } from "../support/links.js";
import { useProcesses } from "../support/processes.js";

/** 0 bytes to 64 MiB, on both sides of each border of the frame format. */
const SIZES = [0, 1, 127, 128, 254, 255, 256, 257, 8191, 8192, 65_535, 65_536, 1 << 20, 64 << 20];

const server = generateKeyPair();
const client = generateKeyPair();
const KEYS = JSON.stringify({
  server_public: encodeZ85(server.publicKey),
  server_secret: encodeZ85(server.secretKey),
  client_public: encodeZ85(client.publicKey),
  client_secret: encodeZ85(client.secretKey),
  admitted: encodeZ85(client.publicKey),
});

const CLIENT_SIDE: Record<string, LinkSecurity> = {
  null: { mechanism: "null" },
  plain: { mechanism: "plain", user: "alice", password: "pa55" },
  curve: { mechanism: "curve", keys: client, serverKey: server.publicKey },
};

const SERVER_SIDE: Record<string, ListenerSecurity> = {
  null: { null: true },
  plain: {
    plain: (user, password) =>
      Buffer.from(user).toString() === "alice" && Buffer.from(password).toString() === "pa55" ? "alice" : undefined,
  },
  curve: {
    curve: { keys: server, admit: (key) => (Buffer.compare(key, client.publicKey) === 0 ? "alice" : undefined) },
  },
};

/**
 * Our ZMTP and libzmq's, through two bindings, both roles, each mechanism. The peers are test/interop/python/zmtp_peer.py
 * (pyzmq) and test/interop/node/zmtp-peer.ts (zeromq.js); neither knows anything of this package.
 */
for (const [binding, command] of [
  ["pyzmq", ["/usr/bin/python3", "test/interop/python/zmtp_peer.py"]],
  ["zeromq.js", [process.execPath, "--import", "tsx", "test/interop/node/zmtp-peer.ts"]],
] as const) {
  describe(`Our ZMTP and libzmq's through ${binding}`, function () {
    this.timeout(120_000);
    const links = useLinks();
    const start = useProcesses();
    const peer = (...args: string[]) => start(command[0], [...command.slice(1), ...args, KEYS]);
    const serve = async (...args: string[]): Promise<string> =>
      (await peer("serve", ...args).waitFor(/^ready (\S+)\n/m))[1] ?? "";

    for (const mechanism of ["null", "plain", "curve"]) {
      for (const scheme of ["tcp://127.0.0.1:*", "ipc"]) {
        const address = (): string =>
          scheme === "ipc" ? `ipc:///tmp/lamplighter-${process.pid}-${Math.random()}` : scheme;

        for (const socket of ["DEALER", "REQ"]) {
          it(`answers a ${socket} over ${scheme.slice(0, 3)} with ${mechanism}`, async () => {
            const { listener, peers } = await links.echo(address(), { security: SERVER_SIDE[mechanism] });
            const child = peer("ask", socket, mechanism, listener.address);
            const [, count] = await child.waitFor(/^ok (\d+)$/m);
            expect(Number(count)).to.equal(SIZES.length);
            await child.ended;
            expect([...peers].length, "peers seen to go").to.be.lessThan(2);
          });
        }

        for (const socket of ["ROUTER", "REP"]) {
          it(`asks a ${socket} over ${scheme.slice(0, 3)} with ${mechanism}`, async () => {
            const bound = await serve(socket, mechanism, address());
            await askAll(links.connect(bound, { security: CLIENT_SIDE[mechanism] }));
          });
        }
      }
    }

    it("is refused with a wrong password, and learns that it is", async () => {
      const bound = await serve("ROUTER", "plain", "tcp://127.0.0.1:*");
      const link = links.connect(bound, { security: { mechanism: "plain", user: "alice", password: "wrong" } });
      expect((await link.closed).code).to.equal("ACCESS_DENIED");
    });

    it("is refused with a key that is not admitted", async () => {
      const bound = await serve("ROUTER", "curve", "tcp://127.0.0.1:*");
      const security: LinkSecurity = { mechanism: "curve", keys: generateKeyPair(), serverKey: server.publicKey };
      await links.connect(bound, { security }).closed;
    });

    it("refuses peers of another mechanism or password, and serves the next one", async () => {
      const { listener, refused } = await links.echo("tcp://127.0.0.1:*", {
        security: { ...SERVER_SIDE.curve, plain: () => undefined },
      });
      peer("ask", "DEALER", "null", listener.address);
      peer("ask", "DEALER", "plain", listener.address);
      await peer("ask", "DEALER", "curve", listener.address).waitFor(/^ok/m);
      while (refused.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(new Set(refused.map((reason) => reason.code))).to.deep.equal(new Set(["ACCESS_DENIED"]));
    });
  });
}

async function askAll(link: TestLink): Promise<void> {
  await link.opened;
  for (const size of SIZES) {
    const digest = createHash("sha256").update(String(size)).digest();
    const body = Buffer.alloc(size, digest);
    // A REP wants an empty frame before what it takes for the message.
    link.link.send([new Uint8Array(0), Buffer.from("head"), body], (reason) => {
      throw reason;
    });
    const [, head, echoed] = await link.next();
    expect(Buffer.from(head ?? []).toString()).to.equal("head");
    expect(Buffer.compare(echoed ?? new Uint8Array(1), body), `${size} bytes`).to.equal(0);
  }
}
