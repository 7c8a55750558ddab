import { expect } from "chai";
import {
  type AmpPeer,
  type BoxReceiver,
  connectBoxes,
  listenBoxes,
  Responder,
  respond,
} from "../../src/compat/amp/index.js";
import { currentCall, defineInterface, RpcError } from "../../src/index.js";
import { Repeat, Sum, vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { useRawEnds } from "../support/amp-raw.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";

describe("AMP and an application's own code that fails", () => {
  const amp = useAmpPairs();
  const raw = useRawEnds();
  const mesh = useMesh();

  it("closes a connection whose object of a class of responders cannot be made, and takes the next", async () => {
    let isFailing = true;
    class Fragile {
      constructor() {
        if (isFailing) throw new Error("not today");
      }

      @Responder(Sum) sum() {
        return { total: 1 };
      }
    }
    const { log, lines } = keepLog();
    const server = await amp.listen(Fragile, { log });
    const refused = await raw.connect(server.address);
    expect(await refused.ended()).to.equal("");
    expect(lines("warn").join()).to.match(/127\.0\.0\.1.*not today/);
    expect(server.peers).to.have.length(0);
    isFailing = false;
    expect(await (await amp.connect(server)).callRemote(Sum, { a: 1, b: 1 })).to.deep.equal({ total: 1 });
  });

  it("closes a connection for which onConnection throws, or returns what rejects, and takes the next", async () => {
    const { log, lines } = keepLog();
    const faults = [
      (): unknown => {
        throw new Error("thrown");
      },
      (): unknown => Promise.reject(new Error("rejected")),
      (): unknown => undefined,
    ];
    const told: unknown[] = [];
    const server = await amp.listen(vectorResponders(), {
      log,
      onConnection: (peer) => {
        told.push(peer);
        return faults.shift()?.();
      },
    });
    expect(await (await raw.connect(server.address)).ended()).to.equal("");
    expect(await (await raw.connect(server.address)).ended()).to.equal("");
    expect(lines("error").join()).to.match(/thrown.*rejected/s);
    const peer = await amp.connect(server);
    expect(await peer.callRemote(Sum, { a: 1, b: 1 })).to.deep.equal({ total: 2 });
    expect(told).to.have.length(3).and.include(server.peers[0]);
  });

  it("closes a connection of boxes that nobody takes, and takes the next", async () => {
    const refused: string[] = [];
    let accepted = 0;
    const received: string[][] = [];
    const listener = await listenBoxes(
      "tcp://127.0.0.1:0",
      (): BoxReceiver => {
        if (++accepted === 1) throw new Error("nobody at home");
        let reply: (box: ReadonlyMap<string, Uint8Array>) => void = () => undefined;
        return {
          startReceivingBoxes: (sender) => {
            reply = (box) => {
              sender.sendBox(box);
            };
          },
          boxReceived: (box) => {
            received.push([...box.keys()]);
            reply(box);
          },
          stopReceivingBoxes: () => undefined,
        };
      },
      { onRefused: (_from, reason) => refused.push(reason.message) },
    );
    mesh.own(listener);
    expect(await (await raw.connect(listener.address)).ended()).to.equal("");
    expect(refused.join()).to.include("nobody at home");
    const stopped = new Promise<RpcError>((resolve) => {
      const connection = connectBoxes(listener.address, {
        startReceivingBoxes: (sender) => {
          sender.sendBox(new Map([["one", Buffer.from("1")]]));
        },
        boxReceived: () => {
          connection.end(new RpcError("CLOSED", "enough"));
        },
        stopReceivingBoxes: resolve,
      });
    });
    expect(await stopped).to.include({ code: "CLOSED" });
    expect(received).to.deep.equal([["one"]]);
  });

  it("tells a receiver of boxes that nobody is there", async () => {
    const listener = await listenBoxes("tcp://127.0.0.1:0", () => never);
    await listener.close();
    const reason = await new Promise<RpcError>((resolve) => {
      connectBoxes(listener.address, { ...never, stopReceivingBoxes: resolve });
    });
    expect(reason).to.include({ code: "UNAVAILABLE" });
  });

  it("answers UNKNOWN where a locator throws, and takes foreign promises for answers", async () => {
    const { log, lines } = keepLog();
    const server = await amp.listen(
      {
        locateResponder: (name: string) => {
          if (name !== "Foreign") throw new Error("lost the book");
          const later = {
            then: (done: (box: unknown) => void) => {
              done(new Map([["a", Buffer.from("b")]]));
            },
          };
          return { respond: () => later };
        },
      },
      { log },
    );
    const peer = await amp.connect(server);
    expect(await peer.Foreign?.()).to.deep.equal({ a: "b" });
    expect(await failureOf(peer.callRemote(Sum, { a: 1, b: 1 }))).to.include({ errorCode: "UNKNOWN" });
    expect(lines("error").join()).to.include("lost the book");
  });

  it("has what a class of responders calls too early fail as what is not connected yet", async () => {
    const early: Promise<RpcError>[] = [];
    class Eager {
      constructor(peer: AmpPeer) {
        early.push(failureOf(peer.callRemote(Sum, { a: 1, b: 1 })));
      }

      @Responder(Sum) sum() {
        return { total: 1 };
      }
    }
    const server = await amp.listen(Eager);
    await amp.connect(server);
    expect(await early[0]).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
  });

  it("answers outside of the call in which its connection was made", async () => {
    const inside = defineInterface("demo.inside", {
      methods: {
        connect: async (address: string) => {
          expect(currentCall().method).to.equal("connect");
          await amp.connect(address, { responders: respond(Repeat, () => ({ text: whereAmI() })) });
          return (await amp.listen(respond(Repeat, () => ({ text: whereAmI() })))).address;
        },
      },
    });
    const server = await amp.listen(vectorResponders());
    const host = await mesh.host([inside]);
    const remote = mesh.client().connect<{ connect(address: string): string }>(host.address, "demo.inside");
    const other = await amp.connect(await remote.connect(server.address));
    expect(await other.callRemote(Repeat, { text: "", times: 1 })).to.deep.equal({ text: "outside" });
    const [accepted] = server.peers;
    expect(await accepted?.callRemote(Repeat, { text: "", times: 1 })).to.deep.equal({ text: "outside" });
    await accepted?.startTls();
    expect(await accepted?.callRemote(Repeat, { text: "", times: 1 })).to.deep.equal({ text: "outside" });
  });

  it("closes a connection whose receiver of boxes cannot begin, and bears one that cannot end", async () => {
    let ended = 0;
    const receiver: BoxReceiver = {
      startReceivingBoxes() {
        throw new Error("not today");
      },
      boxReceived: () => undefined,
      stopReceivingBoxes() {
        ended++;
        throw new Error("nor any other day");
      },
    };
    const listener = await listenBoxes("tcp://127.0.0.1:0", () => receiver);
    try {
      for (let count = 1; count <= 2; count++) {
        const end = await raw.connect(listener.address);
        expect(await end.ended()).to.equal("");
        expect(ended).to.equal(count);
      }
    } finally {
      await listener.close();
    }
  });
});

function whereAmI(): string {
  try {
    return currentCall().method;
  } catch {
    return "outside";
  }
}

const never: BoxReceiver = {
  startReceivingBoxes: () => undefined,
  boxReceived: () => undefined,
  stopReceivingBoxes: () => undefined,
};
