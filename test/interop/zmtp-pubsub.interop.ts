import { createHash } from "node:crypto";
import { expect } from "chai";
import { type LinkSecurity, type ListenerSecurity, type Peer } from "../../src/transport/index.js";
import { generateKeyPair } from "../../src/transport/zmtp/curve-box.js";
import { encodeZ85 } from "../../src/util/z85.js";
import { useLinks } from "../support/links.js";
import { useProcesses } from "../support/processes.js";
import { cancel, subscribe, TestPublisher } from "../support/publisher.js";
import { until } from "../support/until.js";

/** 0 bytes to 16 MiB, on both sides of each border of the frame format. */
const SIZES = [0, 1, 127, 128, 254, 255, 256, 257, 8191, 8192, 65_535, 65_536, 1 << 20, 16 << 20];

const server = generateKeyPair();
const client = generateKeyPair();
const KEYS = JSON.stringify({
  server_public: encodeZ85(server.publicKey),
  server_secret: encodeZ85(server.secretKey),
  client_public: encodeZ85(client.publicKey),
  client_secret: encodeZ85(client.secretKey),
  admitted: encodeZ85(client.publicKey),
});

const PROOFS: Record<string, LinkSecurity> = {
  null: { mechanism: "null" },
  plain: { mechanism: "plain", user: "alice", password: "pa55" },
  curve: { mechanism: "curve", keys: client, serverKey: server.publicKey },
};

const CHECKS: Record<string, ListenerSecurity> = {
  null: { null: true },
  plain: {
    plain: (user, password) => (Buffer.from(password).toString() === "pa55" ? Buffer.from(user).toString() : undefined),
  },
  curve: {
    curve: { keys: server, admit: (key) => (Buffer.compare(key, client.publicKey) === 0 ? "alice" : undefined) },
  },
};

const unsent = (reason: Error): never => {
  throw reason;
};

/**
 * SUB and XSUB sockets of libzmq at our listener, and our SUB link at PUB and XPUB sockets of libzmq: through pyzmq
 * (test/interop/python/zmtp_pubsub.py) and zeromq.js (test/interop/node/zmtp-pubsub.ts).
 */
for (const [binding, command] of [
  ["pyzmq", ["/usr/bin/python3", "test/interop/python/zmtp_"]],
  ["zeromq.js", [process.execPath, "--import", "tsx", "test/interop/node/zmtp-"]],
] as const) {
  const extension = binding === "pyzmq" ? ".py" : ".ts";
  describe(`Publish and subscribe between our ZMTP and libzmq's through ${binding}`, function () {
    this.timeout(60_000);
    const links = useLinks();
    const start = useProcesses();
    const run = (what: "peer" | "pubsub", ...args: string[]) =>
      start(command[0], [...command.slice(1, -1), `${command.at(-1) ?? ""}${what}${extension}`, ...args, KEYS]);

    for (const mechanism of ["null", "plain", "curve"]) {
      for (const scheme of ["tcp", "ipc"]) {
        const address = (binds: "ours" | "theirs"): string =>
          scheme === "ipc"
            ? `ipc:///tmp/lamplighter-${process.pid}-${Math.random()}`
            : `tcp://127.0.0.1:${binds === "ours" ? "0" : "*"}`;

        for (const socket of ["SUB", "XSUB"]) {
          it(`a ${socket} subscribes over ${scheme} with ${mechanism}, beside a DEALER that calls`, async () => {
            const publisher = new TestPublisher();
            const { listener, peers } = await links.echo(address("ours"), {
              security: CHECKS[mechanism],
              subscribers: publisher,
            });
            publisher.listener = listener;
            const child = run("pubsub", "subscribe", socket, mechanism, listener.address);
            await publisher.heard("+control");
            await publisher.heard("+a");
            const caller = run("peer", "ask", "DEALER", mechanism, listener.address);
            const bodies = SIZES.map((size) => Buffer.alloc(size, createHash("sha256").update(String(size)).digest()));
            const [peer] = publisher.peers as Set<Peer | undefined>;
            if (!peer) throw new Error("nobody is there");
            for (const body of bodies) listener.send(peer, [Buffer.from("a"), body]);
            for (const body of bodies) {
              await child.waitFor(
                new RegExp(`^got a ${body.length} ${createHash("sha256").update(body).digest("hex")}$`, "m"),
              );
            }
            await publisher.heard("drained");
            publisher.publish("control", "cancel");
            await publisher.heard("-a");
            await caller.waitFor(/^ok \d+$/m);
            publisher.publish("control", "end");
            expect(await child.ended).to.equal(0);
            await publisher.heard("gone");
            await until(() => peers.size === 0);
            const told = publisher.told.filter((one) => one !== "drained");
            // libzmq counts what its application wants; it tells of each subscription, but only of the last end of it.
            expect(told.slice(0, 5)).to.deep.equal(["joined", "+a", "+a", "+control", "-a"]);
            expect(told.slice(5).filter((one) => one !== "-control")).to.deep.equal(["gone"]);
          });
        }

        for (const socket of ["PUB", "XPUB"]) {
          it(`a ${socket} publishes over ${scheme} with ${mechanism}`, async () => {
            const child = run("pubsub", "publish", socket, mechanism, address("theirs"));
            const [, bound = ""] = await child.waitFor(/^ready (\S+)\n/m);
            const subscriber = links.connect(bound, { socketType: "SUB", security: PROOFS[mechanism] });
            await subscriber.opened;
            subscriber.link.send(subscribe("a"), unsent);
            const counts: number[] = [];
            for (let message = 0; message < 16; message++) {
              const [topic, count, body] = await subscriber.next();
              expect(Buffer.from(topic ?? []).toString()).to.equal("a");
              counts.push(Number(Buffer.from(count ?? [])));
              expect(body?.length).to.equal(LENGTHS[(counts.at(-1) ?? 0) % LENGTHS.length]);
            }
            // Nothing was lost in between.
            expect(counts).to.deep.equal(counts.map((_, index) => (counts[0] ?? 0) + index));
            subscriber.link.send(cancel("a"), unsent);
            subscriber.link.send(subscribe("b"), unsent);
            let last = "a";
            await until(async () => {
              const former = last;
              last = Buffer.from((await subscriber.next())[0] ?? []).toString();
              return former === "b" && last === "b";
            });
            if (socket === "XPUB") {
              subscriber.link.close();
              await child.waitFor(/told 1 a\ntold 0 a\ntold 1 b\ntold 0 b\n/);
            }
          });
        }
      }
    }

    it("subscribers without the right key are told of nothing", async () => {
      const publisher = new TestPublisher();
      const { listener, refused } = await links.echo("tcp://127.0.0.1:0", {
        security: { curve: { keys: server, admit: () => undefined } },
        subscribers: publisher,
      });
      run("pubsub", "subscribe", "SUB", "curve", listener.address);
      await until(() => refused.length > 0);
      run("pubsub", "subscribe", "SUB", "null", listener.address);
      await until(() => refused.length > 1);
      expect(publisher.told).to.deep.equal([]);
    });
  });
}

/** Of the bodies that the peers publish in turn. */
const LENGTHS = [0, 1, 254, 255, 256, 8192, 65_535, 65_536];
