import { expect } from "chai";
import { connectAmp, respond } from "../../src/compat/amp/index.js";
import type { RpcError } from "../../src/index.js";
import { encodeBox } from "../../src/wire/amp/index.js";
import { Sum, Switch, vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { type RawEnd, useRawEnds } from "../support/amp-raw.js";
import { failureOf } from "../support/mesh.js";
import { certified, pem } from "../support/streams.js";
import { until } from "../support/until.js";

/** A box of texts, one character for each octet. */
function box(values: Readonly<Record<string, string>>): Buffer {
  return encodeBox(new Map(Object.entries(values).map(([key, text]) => [key, Buffer.from(text, "latin1")])));
}

const SUM = { _ask: "1", _command: "Sum", a: "1", b: "2" };
const TLS = Buffer.from("1603010000", "hex");

describe("Peers that misuse AMP", () => {
  const amp = useAmpPairs();
  const raw = useRawEnds();

  it("get back whatever their tags are, and are told whatever they call that is not there", async () => {
    const server = await amp.listen(vectorResponders());
    const end = await raw.connect(server.address);
    let expected = "";
    for (const tag of ["", "FF", "007", "__proto__", "\xff\0\xfe", "x".repeat(255), "x".repeat(65_535)]) {
      end.send(box({ ...SUM, _ask: tag }));
      expected += box({ _answer: tag, total: "3" }).toString("hex");
      await end.until((hex) => hex.length >= expected.length);
    }
    for (const name of ["", "__proto__", "constructor", "toString", "then", "hasOwnProperty", "StartTLS ", "amp_"]) {
      end.send(box({ ...SUM, _command: name }));
      const description = `Unhandled Command: ${name}`;
      expected += box({ _error: "1", _error_code: "UNHANDLED", _error_description: description }).toString("hex");
      await end.until((hex) => hex.length >= expected.length);
    }
    expect(end.hex).to.equal(expected);
  });

  it("and answer what nobody has asked lose their connection, and every call on it is settled", async () => {
    for (const tag of ["", "0", "01", "1 ", "+1", "A", "0x1", "1e0", "-1", "2", "f".repeat(300), "__proto__"]) {
      const { address, accepted } = await raw.listen();
      const peer = await amp.connect(address);
      const calls = [peer.callRemote(Sum, { a: 1, b: 2 })].map(failureOf);
      const end = await accepted;
      await end.until((hex) => hex.length > 0);
      end.send(box({ _answer: tag, total: "3" }));
      expect(await peer.closed).to.include({ code: "PROTOCOL", fault: "unknown-tag" });
      for (const call of calls) expect(await call).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    }
  });

  it("and answer twice lose their connection, after the first answer has counted", async () => {
    const { address, accepted } = await raw.listen();
    const peer = await amp.connect(address);
    const call = peer.callRemote(Sum, { a: 1, b: 2 });
    const end = await accepted;
    await end.until((hex) => hex.length > 0);
    end.send(Buffer.concat([box({ _answer: "1", total: "3" }), box({ _answer: "1", total: "4" })]));
    expect(await call).to.deep.equal({ total: 3 });
    expect(await peer.closed).to.include({ code: "PROTOCOL" });
  });

  it("are answered octet by octet, a hundred at a time, and are gone when they break off", async () => {
    const server = await amp.listen(vectorResponders());
    const ends = await Promise.all(Array.from({ length: 100 }, () => raw.connect(server.address)));
    for (const octet of box(SUM)) {
      for (const end of ends) end.send(Uint8Array.of(octet));
      await new Promise(setImmediate);
    }
    const answer = box({ _answer: "1", total: "3" }).toString("hex");
    for (const end of ends) expect(await end.until((hex) => hex.length >= answer.length)).to.equal(answer);
    for (const end of ends) end.reset();
    await until(() => server.peers.length === 0);
  });

  it("may say ten thousand things in a box, and no more", async () => {
    const server = await amp.listen(vectorResponders());
    const pairs = Buffer.concat(
      Array.from({ length: 9_996 }, (_, index) => box({ [`key${index}`]: "x" }).subarray(0, -2)),
    );
    const end = await raw.connect(server.address);
    end.send(Buffer.concat([pairs, box(SUM)]));
    const answer = box({ _answer: "1", total: "3" }).toString("hex");
    expect(await end.until((hex) => hex.length >= answer.length)).to.equal(answer);
    end.send(Buffer.concat([box({ more: "" }).subarray(0, -2), pairs, box(SUM)]));
    expect(await end.ended()).to.equal(answer);
  });

  for (const how of ["end", "reset"] as const) {
    it(`and ${how} the connection after any octet, leave nothing behind`, async () => {
      const tls = await amp.listen(vectorResponders(), { address: "tls://127.0.0.1:0" });
      const clear = await amp.listen(vectorResponders());
      const behind = Buffer.concat([box({ ...SUM, _command: "Switch", to: "upper-echo" }), Buffer.from("behind")]);
      const talks = [
        [clear, Buffer.concat([box(SUM), box({ ...SUM, _ask: "2", _command: "StartTLS" }), TLS])],
        [clear, behind],
        [tls, TLS],
      ] as const;
      for (const [server, octets] of talks) {
        for (let count = 0; count <= octets.length; count++) {
          const end = await raw.connect(server.address.replace("tls:", "tcp:"));
          end.send(octets.subarray(0, count));
          end[how]();
          await end.ended();
        }
      }
      await until(() => clear.peers.length + tls.peers.length === 0);
      const peer = await amp.connect(clear);
      expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    });

    it(`and ${how} the connection after any octet of an answer, leave no call waiting`, async () => {
      const answers = {
        call: box({ _answer: "1", total: "3" }),
        tls: Buffer.concat([box({ _answer: "1" }), TLS]),
        switch: box({ _answer: "1" }),
      };
      const ask = async (kind: string, end: Promise<RawEnd>, address: string, octets: Buffer): Promise<void> => {
        const peer = await amp.connect(address, { timeoutMs: 600_000 });
        const asked =
          kind === "call"
            ? peer.callRemote(Sum, { a: 1, b: 2 })
            : kind === "tls"
              ? peer.startTls()
              : peer.switchProtocol(Switch, { to: "" }).then((socket) => socket.destroy());
        const told = asked.then(
          () => "answered",
          (error: unknown) => `${(error as RpcError).code} ${(error as RpcError).outcome}`,
        );
        const other = await end;
        await other.until((hex) => hex.length > 0);
        other.send(octets);
        other[how]();
        expect(await told).to.be.oneOf(["answered", "UNAVAILABLE unknown", "UNAVAILABLE executed"]);
        await peer.closed;
      };
      for (const [kind, octets] of Object.entries(answers)) {
        for (let count = 0; count <= octets.length; count++) {
          const { address, accepted } = await raw.listen();
          await ask(kind, accepted, address, octets.subarray(0, count));
        }
      }
    });
  }

  it("and are not who they should be, or do not speak TLS, are refused", async () => {
    const ca = pem("ca.pem");
    const server = await amp.listen(vectorResponders(), { address: "tls://127.0.0.1:0", tls: certified("server") });
    const throwAway = await amp.listen(vectorResponders(), { address: "tls://127.0.0.1:0" });
    const clear = await amp.listen(vectorResponders());
    const attempts = [
      connectAmp(server.address),
      connectAmp(throwAway.address),
      connectAmp(throwAway.address, { tls: { ca } }),
      connectAmp(server.address, { tls: { ca, serverName: "elsewhere.test" } }),
    ];
    for (const failure of await Promise.all(attempts.map(failureOf))) {
      expect(failure).to.include({ code: "ACCESS_DENIED", outcome: "not-sent" });
    }
    expect(await failureOf(connectAmp(clear.address.replace("tcp:", "tls:"), { tls: { ca } }))).to.include({
      code: "UNAVAILABLE",
      outcome: "not-sent",
    });
    const plain = await amp.connect(server.address.replace("tls:", "tcp:"));
    expect(await failureOf(plain.callRemote(Sum, { a: 1, b: 2 }))).to.include({ code: "UNAVAILABLE" });
    const peer = await amp.connect(server, { tls: { ca } });
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("and say nonsense where TLS is to begin, end their connection and what waits for it", async () => {
    const { address, accepted } = await raw.listen();
    const peer = await amp.connect(address);
    const secured = failureOf(peer.startTls());
    const call = failureOf(peer.callRemote(Sum, { a: 1, b: 2 }));
    const end = await accepted;
    await end.until((hex) => hex.length > 0);
    end.send(Buffer.concat([box({ _answer: "1" }), Buffer.from("no hello of TLS at all")]));
    expect(await secured).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(await call).to.include({ code: "UNAVAILABLE" });
    await peer.closed;
  });

  it("and are called with one signal thousands of times warn of no leak, and leave none", async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on("warning", note);
    try {
      const server = await amp.listen([respond(Switch, () => new Promise(() => undefined)), ...vectorResponders()]);
      const peer = await amp.connect(server);
      const { signal } = new AbortController();
      await Promise.all(Array.from({ length: 2_000 }, () => peer.callRemote(Sum, { a: 1, b: 2 }, { signal })));
      expect(warnings).to.deep.equal([]);
    } finally {
      process.off("warning", note);
    }
  });
});
