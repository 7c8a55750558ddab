import { expect } from "chai";
import { generateKeyPair } from "../../src/transport/zmtp/curve-box.js";
import { clientEnd, type End, exchange, serverEnd } from "../support/zmtp-pair.js";

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");
const text = (frames: readonly Uint8Array[] | undefined): string[] =>
  (frames ?? []).map((frame) => Buffer.from(frame).toString());

// What libzmq 4.3.4 really sends (docs/zmtp.md).
const LIBZMQ_CLIENT = hex(`ff00000000000000017f 03 01 4e554c4c ${"00".repeat(48)}`);
const LIBZMQ_SERVER = hex(`ff00000000000000087f 03 01 4e554c4c ${"00".repeat(48)}`);
const READY_FROM_ROUTER = hex(
  "04300552454144590b536f636b65742d5479706500000006524f55544552084964656e746974790000000773657276696365",
);
const READY_FROM_REQ = hex("04260552454144590b536f636b65742d5479706500000003524551084964656e7469747900000000");
const PROBE = hex("0000");
const MESSAGE = hex("0100 01027631 01105eed0000000040008000000100000001 010103 001093a568656c6c6f91a6436861726c7980");

describe("A ZMTP session", () => {
  it("shakes hands with a client of libzmq, and reads its messages", () => {
    const server = serverEnd();
    server.session.receive(Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ, PROBE, MESSAGE]));
    expect(server.failure).to.equal(undefined);
    expect(server.messages.map((frames) => frames.length)).to.deep.equal([1, 5]);
    expect(text(server.messages[1])[1]).to.equal("v1");
    expect(server.take().subarray(64).toString("latin1")).to.contain("READY").and.contain("ROUTER");
  });

  it("shakes hands with a server of libzmq, and learns its routing id", () => {
    const client = clientEnd();
    client.session.receive(Buffer.concat([LIBZMQ_SERVER, READY_FROM_ROUTER]));
    expect(client.peer?.routingId.toString()).to.equal("service");
    expect(client.peer?.knowsHeartbeats).to.equal(true);
  });

  it("reads the same whatever pieces the bytes come in", () => {
    const all = Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ, PROBE, MESSAGE, MESSAGE]);
    for (let size = 1; size < all.length; size++) {
      const server = serverEnd();
      for (let at = 0; at < all.length; at += size) server.session.receive(all.subarray(at, at + size));
      expect(server.failure, `pieces of ${size}`).to.equal(undefined);
      expect(server.messages.map((frames) => frames.length)).to.deep.equal([1, 5, 5]);
    }
  });

  it("speaks ZMTP 3.0 with peers that know no heartbeats", async () => {
    const server = serverEnd();
    const old = Buffer.from(LIBZMQ_CLIENT);
    old[11] = 0;
    server.session.receive(Buffer.concat([old, READY_FROM_REQ]));
    await Promise.resolve();
    expect(server.peer?.knowsHeartbeats).to.equal(false);
  });

  it("answers PING with its context, and takes no other command for a message", () => {
    const server = serverEnd();
    server.session.receive(Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ]));
    server.take();
    server.session.receive(hex("04 0a 04 50494e47 0064 616263"));
    expect(server.take().toString("latin1")).to.equal("\x04\x08\x04PONGabc");
    server.session.receive(hex("04 04 03 464f4f"));
    expect(server.failure).to.equal(undefined);
    expect(server.messages).to.have.length(0);
  });

  for (const [what, bytes, words] of [
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "speaks no ZeroMQ"],
    ["TLS", hex("16030100f8010000f40303"), "speaks no ZeroMQ"],
    ["ZMTP 1.0 of libzmq 2", hex("0100 7e00"), "speaks no ZeroMQ"],
    ["ZMTP 2.0 of libzmq 3", hex("ff00000000000000017f 01 05"), 'transport: "zeromq"'],
    ["a greeting without mechanism", hex(`ff00000000000000017f0301 ${"00".repeat(52)}`), "no security mechanism"],
    ["a message before the handshake", Buffer.concat([LIBZMQ_CLIENT, MESSAGE]), "before its handshake"],
    ["a READY that breaks off", Buffer.concat([LIBZMQ_CLIENT, hex("04 0a 05 5245414459 0b 536f63")]), "breaks off"],
    [
      "a SUB socket",
      Buffer.concat([LIBZMQ_CLIENT, hex("0419 05 5245414459 0b 536f636b65742d54797065 00000003 535542")]),
      '"SUB" socket',
    ],
    ["unknown flags", Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ, hex("0801ff")]), "flags 0x8"],
    ["a command in parts", Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ, hex("050100")]), "flags 0x5"],
    [
      "a frame beyond the limit",
      Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ, hex("02 0000000010000000")]),
      "the limit is",
    ],
    [
      "a length beyond all numbers",
      Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ, hex("02 ffffffffffffffff")]),
      "the limit is",
    ],
    ["a command without a name", Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ, hex("0400")]), "without a name"],
  ] as const) {
    it(`refuses ${what}, and says why`, () => {
      const server = serverEnd();
      server.session.receive(bytes);
      expect(server.failure?.message).to.contain(words);
      server.session.receive(MESSAGE);
      expect(server.messages).to.have.length(0);
    });
  }

  it("refuses a message of too many bytes or too many frames", () => {
    for (const frames of [
      Array.from({ length: 20_000 }, () => "0100"),
      Array.from({ length: 40 }, () => `01ff${"00".repeat(255)}`),
    ]) {
      const server = serverEnd({ null: true }, 1_000);
      server.session.receive(Buffer.concat([LIBZMQ_CLIENT, READY_FROM_REQ, hex(frames.join(""))]));
      expect(server.failure?.code).to.equal("PROTOCOL");
    }
  });

  for (const name of ["null", "plain", "curve"] as const) {
    it(`carries messages both ways with ${name}`, async () => {
      const { client, server } = pair(name);
      await exchange(client, server);
      expect(client.failure ?? server.failure).to.equal(undefined);
      const big = Buffer.alloc(100_000, 7);
      client.session.send([Buffer.from("a"), new Uint8Array(0), big]);
      server.session.send([Buffer.from("answer")]);
      server.session.ping();
      await exchange(client, server);
      expect(server.messages).to.have.length(1);
      expect(server.messages[0]?.map((frame) => frame.length)).to.deep.equal([1, 0, 100_000]);
      expect(Buffer.compare(server.messages[0]?.[2] ?? new Uint8Array(0), big)).to.equal(0);
      expect(client.messages.map(text)).to.deep.equal([["answer"]]);
      expect(server.peer?.identity.user).to.equal(name === "null" ? undefined : "alice");
    });
  }

  it("lets nobody in with a wrong password, and tells the peer that the credentials are refused", async () => {
    const server = serverEnd({ plain: () => undefined });
    const client = clientEnd({ mechanism: "plain", user: "alice", password: "secret word" });
    await exchange(client, server);
    expect(server.peer).to.equal(undefined);
    expect(client.failure?.code).to.equal("ACCESS_DENIED");
    expect(server.failure?.message).to.not.contain("secret word");
  });

  it("reads libzmq's misspelt ERROR", () => {
    const client = clientEnd({ mechanism: "plain", user: "alice", password: "wrong" });
    client.session.receive(hex(`ff00000000000000087f 0301 504c41494e ${"00".repeat(47)} 04 09 5e52524f52 03 343030`));
    expect(client.failure?.code).to.equal("ACCESS_DENIED");
    expect(client.failure?.message).to.contain("400");
  });

  it("takes no mechanism but those it was told to", async () => {
    const keys = generateKeyPair();
    const server = serverEnd({ curve: { keys, admit: () => "anybody" } });
    const client = clientEnd();
    await exchange(client, server);
    expect(client.failure?.message).to.contain("mechanism");
    expect(server.failure?.message).to.contain("NULL");
    expect(server.peer).to.equal(undefined);
  });

  it("fails the handshake when the check of credentials fails, and holds back what comes meanwhile", async () => {
    let fail: (error: Error) => void = () => undefined;
    const server = serverEnd({
      plain: () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    });
    const client = clientEnd({ mechanism: "plain", user: "alice", password: "x" });
    await exchange(client, server);
    expect(server.paused).to.equal(true);
    fail(new Error("the directory is down"));
    await exchange(client, server);
    expect(client.failure?.code).to.equal("UNAVAILABLE");
    expect(server.failure?.message).to.contain("the directory is down");
  });

  describe("with CURVE", () => {
    const serverKeys = generateKeyPair();
    const clientKeys = generateKeyPair();

    it("tells the server which key its peer has", async () => {
      const { client, server } = pair("curve");
      await exchange(client, server);
      expect(server.peer?.identity).to.deep.include({ mechanism: "curve", user: "alice" });
      expect(server.peer?.identity.publicKey).to.have.length(32);
    });

    it("lets nobody past the handshake without the server's key, without an admitted key, or with somebody else's", async () => {
      const security = {
        curve: {
          keys: serverKeys,
          admit: (key: Uint8Array) => (Buffer.compare(key, clientKeys.publicKey) === 0 ? "alice" : undefined),
        },
      };
      const attempts = [
        { keys: clientKeys, serverKey: generateKeyPair().publicKey },
        { keys: generateKeyPair(), serverKey: serverKeys.publicKey },
        {
          keys: { publicKey: clientKeys.publicKey, secretKey: generateKeyPair().secretKey },
          serverKey: serverKeys.publicKey,
        },
      ];
      for (const [index, attempt] of attempts.entries()) {
        const server = serverEnd(security);
        const client = clientEnd({ mechanism: "curve", ...attempt });
        await exchange(client, server);
        expect(server.failure, `attempt ${index}`).to.not.equal(undefined);
        expect(server.peer, `attempt ${index}`).to.equal(undefined);
        expect(client.peer, `attempt ${index}`).to.equal(undefined);
      }
    });

    it("notices messages that were changed, repeated, or left out of the box", async () => {
      for (const tamper of ["flip", "repeat", "bare"] as const) {
        const { client, server } = pair("curve");
        await exchange(client, server);
        client.session.send([Buffer.from("pay 1")]);
        const bytes = client.take();
        if (tamper === "flip") bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
        if (tamper === "repeat") server.session.receive(bytes);
        server.session.receive(tamper === "bare" ? hex("0001ff") : bytes);
        expect(server.failure?.code, tamper).to.equal("PROTOCOL");
        expect(server.messages.length, tamper).to.equal(tamper === "repeat" ? 1 : 0);
      }
    });

    it("never sends the same bytes twice", async () => {
      const { client, server } = pair("curve");
      await exchange(client, server);
      const sent = Array.from({ length: 3 }, () => {
        client.session.send([Buffer.from("same")]);
        return client.take().toString("hex");
      });
      expect(new Set(sent).size).to.equal(3);
    });
  });
});

function pair(name: "null" | "plain" | "curve"): { client: End; server: End } {
  if (name === "null") return { client: clientEnd(), server: serverEnd() };
  if (name === "plain") {
    return {
      client: clientEnd({ mechanism: "plain", user: "alice", password: "pw" }),
      server: serverEnd({
        plain: (user, password) =>
          Buffer.from(password).toString() === "pw" ? Buffer.from(user).toString() : undefined,
      }),
    };
  }
  const keys = generateKeyPair();
  return {
    client: clientEnd({ mechanism: "curve", keys: generateKeyPair(), serverKey: keys.publicKey }),
    server: serverEnd({ curve: { keys, admit: () => Promise.resolve("alice") } }),
  };
}
