import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { BROKEN, UNFINISHED } from "../../bench/amp/garbage.js";
import { type AmpPeer, bytes, defineCommand, integer, respond } from "../../src/compat/amp/index.js";
import { encodeMessage } from "../../src/wire/amp/index.js";
import { Sum } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { until } from "../support/until.js";

const Back = defineCommand({
  name: "Back",
  arguments: { a: integer(), b: integer() },
  response: { total: integer() },
});
const Much = defineCommand({ name: "Much", arguments: { size: integer() }, response: { data: bytes() } });

const sum = respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }));
const responders = [
  sum,
  respond(Back, (args, { peer }) => peer.callRemote(Sum, args)),
  respond(Much, ({ size }) => ({ data: new Uint8Array(Number(size)) })),
];

async function askBothWays(peer: AmpPeer, n: number): Promise<void> {
  expect(await peer.callRemote(Sum, { a: n, b: 1 })).to.deep.equal({ total: n + 1 });
  expect(await peer.callRemote(Back, { a: n, b: 2 })).to.deep.equal({ total: n + 2 });
}

/** What one connection does is nothing to the others. */
describe("A server of AMP among many", () => {
  const amp = useAmpPairs();
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) {
      socket.destroy();
      if (!socket.closed) await once(socket, "close");
    }
  });

  function open(address: string): Socket {
    const socket = connect(Number(new URL(address).port), "127.0.0.1");
    socket.on("error", () => undefined);
    sockets.push(socket);
    return socket;
  }

  async function working(server: { readonly address: string }, count: number): Promise<AmpPeer[]> {
    return await Promise.all(Array.from({ length: count }, () => amp.connect(server, { responders: [sum] })));
  }

  it("asks and answers hundreds of connections at once", async () => {
    const server = await amp.listen(responders);
    const peers = await working(server, 300);
    await Promise.all(peers.map((peer, index) => askBothWays(peer, index)));
    expect(server.peers).to.have.length(300);
  });

  it("closes those that break the protocol, waits for those that say half of something, and answers the others", async () => {
    const server = await amp.listen(responders);
    const peers = await working(server, 10);
    const says = [undefined, ...Object.values(UNFINISHED)];
    const waiting = Array.from({ length: 200 }, (_, index) => {
      const socket = open(server.address);
      const octets = says[index % says.length]?.();
      if (octets) socket.write(octets);
      return socket;
    });
    const kinds = Object.values(BROKEN);
    const broken = Array.from({ length: 140 }, async (_, index) => {
      const socket = open(server.address).resume();
      socket.write(kinds[index % kinds.length]?.() ?? "");
      if (!socket.closed) await once(socket, "close");
    });
    await Promise.all(peers.map((peer, index) => askBothWays(peer, index)));
    await Promise.all(broken);
    for (let n = 0; n < 20; n++) await Promise.all(peers.map((peer, index) => askBothWays(peer, index * n)));
    expect(waiting.filter((socket) => socket.closed)).to.deep.equal([]);
    await until(() => server.peers.length === 210);
  });

  it("gives up those that ask and never read", async () => {
    let taken = 0;
    const server = await amp.listen(responders, { maxQueuedBytes: 2 ** 20, onConnection: () => taken++ });
    const [peer] = await working(server, 1);
    const values = new Map([["size", Buffer.from("60000")]]);
    for (let number = 0; number < 5; number++) {
      const socket = open(server.address).pause();
      for (let tag = 1; tag <= 400; tag++) {
        socket.write(encodeMessage({ kind: "ask", tag: tag.toString(16), command: Much.name, values }));
      }
    }
    await until(() => taken === 6);
    if (peer) for (let n = 0; n < 100; n++) await askBothWays(peer, n);
    await until(() => server.peers.length === 1);
  });
});
