import { expect } from "chai";
import { type AmpServer, connectAmp, listen, RemoteAmpError } from "../../src/compat/amp/index.js";
import { RpcError } from "../../src/index.js";
import { type AmpFields, encodeMessage, parseBoxes } from "../../src/wire/amp/index.js";
import { commandNamed, Notify, Sum, Switch, vectorResponders } from "../support/amp-commands.js";
import { type RawEnd, useRawEnds } from "../support/amp-raw.js";
import { ampVectors, COMMANDS } from "../support/amp-vectors.js";
import { failureOf } from "../support/mesh.js";

/** A request whose answer shows that the connection goes on. */
const STILL_THERE = encodeMessage({
  kind: "ask",
  tag: "fe",
  command: "Sum",
  values: new Map([
    ["a", Buffer.from("1")],
    ["b", Buffer.from("2")],
  ]),
});
const HERE_IT_IS = encodeMessage({ kind: "answer", tag: "fe", values: new Map([["total", Buffer.from("3")]]) });

describe("AMP, octet by octet", () => {
  const raw = useRawEnds();
  let server: AmpServer;
  let heard: string[];
  before(async () => {
    server = await listen(
      "tcp://127.0.0.1:0",
      vectorResponders((text) => {
        heard.push(text);
      }),
    );
  });
  after(() => server.close());
  beforeEach(() => {
    heard = [];
  });

  describe("a server answers as Twisted's", () => {
    for (const { name, hex, reply = "", closes } of ampVectors("exchange", "malformed")) {
      if (name.includes("Switch")) {
        it(name, async () => {
          const end = await raw.connect(server.address);
          end.send(hex);
          expect(await end.until((come) => come.length >= reply.length)).to.equal(reply);
        });
      } else if (name.includes("incomplete")) {
        it(name, async () => {
          const end = await raw.connect(server.address);
          end.send(hex);
          end.send(`${"61".repeat(3)}00085f636f6d6d616e64000353756d00045f61736b000131000161000131000162000132`);
          end.send("0000");
          expect(boxesOf(await end.until((come) => come.endsWith("0000")))).to.deep.equal([
            { _answer: "1", total: "3" },
          ]);
        });
      } else if (closes) {
        it(name, async () => {
          const end = await raw.connect(server.address);
          end.send(hex);
          expect(boxesOf(await end.ended())).to.deep.equal(boxesOf(reply));
        });
      } else {
        it(name, async () => {
          const end = await raw.connect(server.address);
          end.send(hex);
          end.send(STILL_THERE);
          const wanted = boxesOf(reply).length + 1;
          const come = await end.until((all) => boxesOf(all).length === wanted);
          expect(boxesOf(come)).to.have.deep.members([...boxesOf(reply), ...boxesOf(HERE_IT_IS.toString("hex"))]);
        });
      }
    }

    it("however the octets are cut", async () => {
      const end = await raw.connect(server.address);
      const wanted: unknown[] = [];
      for (const { hex, reply = "" } of ampVectors("exchange").filter(
        ({ closes, name }) => closes !== true && !name.includes("Switch"),
      )) {
        for (const octet of Buffer.from(hex, "hex")) {
          end.send(Uint8Array.of(octet));
          await new Promise(setImmediate);
        }
        wanted.push(...boxesOf(reply));
        await end.until((all) => boxesOf(all).length === wanted.length);
      }
      expect(boxesOf(end.hex)).to.deep.equal(wanted);
      expect(wanted).to.have.length.greaterThan(8);
    });

    it("and runs a command whose caller wants no answer", async () => {
      const peer = await connectAmp(server.address);
      const sent: Promise<unknown> = peer.callRemote(Notify, { text: "hi" });
      expect(await sent).to.equal(undefined);
      await peer.callRemote(Sum, { a: 1, b: 2 });
      expect(heard).to.deep.equal(["hi"]);
      await peer.close();
    });
  });

  describe("a client writes as Twisted's", () => {
    for (const { name, hex, decoded } of ampVectors("call")) {
      it(name, async () => {
        const { address, accepted } = await raw.listen();
        const peer = await connectAmp(address);
        const end = await accepted;
        const values = decoded as Readonly<Record<string, { readonly hex: string }>>;
        const command = octets(values._command);
        const args = argumentsOf(command.toString(), values);
        if (name.includes("tag 11")) {
          for (let number = 1; number <= 16; number++) {
            const call =
              number % 5 === 0 ? peer.callRemote(Notify, { text: "" }) : peer.callRemote(Sum, { a: 1, b: 2 });
            call.catch(() => undefined);
          }
        }
        const made: Promise<unknown> =
          command.toString() === "StartTLS"
            ? peer.startTls()
            : command.toString() === "Switch"
              ? peer.switchProtocol(Switch, args as never)
              : peer.callRemote(commandNamed(command.toString()), args as never);
        made.catch(() => undefined);
        await end.until((come) => come.endsWith(hex));
        if (!name.includes("tag 11")) expect(end.hex).to.equal(hex);
        end.close();
        await peer.closed;
      });
    }
  });

  describe("a client takes what is answered as Twisted's does", () => {
    async function asked(
      command: string,
    ): Promise<{ readonly end: RawEnd; readonly answer: Promise<unknown>; readonly closed: Promise<RpcError> }> {
      const { address, accepted } = await raw.listen();
      const peer = await connectAmp(address);
      const args = command === "Divide" ? { numerator: 1, denominator: 0 } : { a: 13, b: 81 };
      const answer = peer.callRemote(commandNamed(command), args as never);
      answer.catch(() => undefined);
      const end = await accepted;
      await end.until((hex) => hex.endsWith("0000"));
      return { end, answer, closed: peer.closed };
    }

    for (const { name, hex, call = "", decoded, closes } of ampVectors("reply")) {
      it(name, async () => {
        const { end, answer, closed } = await asked(call);
        end.send(hex);
        if (closes) {
          expect(await failureOf(answer)).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
          expect(await closed).to.include({ code: "PROTOCOL" });
          await end.ended();
          return;
        }
        const { result, error, text } = decoded as { result?: { total: string }; error?: string; text?: string };
        if (result) expect(await answer).to.deep.equal({ total: Number(result.total) });
        else expect(wordsOf(await failureOf(answer))).to.deep.equal(EXPECTED[`${error ?? ""} ${text ?? ""}`]);
        // It goes on.
        end.send(STILL_THERE);
        await end.until((come) => boxesOf(come).length === 2);
        expect(boxesOf(end.hex)[1]).to.include({ _error: "fe", _error_code: "UNHANDLED" });
      });
    }
  });
});

/** What the failures of the vectors are here. */
const EXPECTED: Readonly<Record<string, unknown>> = {
  "KeyError b'total'": { Class: "ProtocolError", code: "PROTOCOL", outcome: "executed" },
  "ZeroDivisionError division by zero": { Class: "ZeroDivision", message: "division by zero" },
  "UnknownRemoteError Code<UNKNOWN>: text": {
    Class: "RemoteAmpError",
    errorCode: "OTHER",
    description: "text",
    outcome: "executed",
  },
  "UnknownRemoteError Code<UNKNOWN>: Unknown Error": {
    Class: "RemoteAmpError",
    errorCode: "UNKNOWN",
    description: "Unknown Error",
    outcome: "executed",
  },
  "UnknownRemoteError Code<UNKNOWN>: café \ufffd": {
    Class: "RemoteAmpError",
    errorCode: "OTHER",
    description: "café \ufffd",
    outcome: "executed",
  },
  "UnhandledCommand (b'UNHANDLED', \"Unhandled Command: b'Divide'\")": {
    Class: "MethodNotFoundError",
    code: "METHOD_NOT_FOUND",
    outcome: "not-executed",
  },
};

function wordsOf(error: Error): unknown {
  const Class = error.constructor.name;
  if (error instanceof RemoteAmpError) {
    const { errorCode, description, outcome } = error;
    return { Class, errorCode, description, outcome };
  }
  if (error instanceof RpcError) return { Class, code: error.code, outcome: error.outcome };
  return { Class, message: error.message };
}

/** Boxes as texts, without what is for people: the words of an error. */
function boxesOf(hex: string): Record<string, string>[] {
  return parseBoxes(Buffer.from(hex, "hex")).map((box) =>
    Object.fromEntries(
      [...box]
        .filter(([key]) => key !== "_error_description")
        .map(([key, value]) => [key, Buffer.from(value).toString("latin1")]),
    ),
  );
}

function octets(value: { readonly hex: string } | undefined): Buffer {
  return Buffer.from(value?.hex ?? "", "hex");
}

/** The arguments that stand in a box, as values. */
function argumentsOf(
  command: string,
  values: Readonly<Record<string, { readonly hex: string }>>,
): Record<string, unknown> {
  const fields: AmpFields = COMMANDS[command]?.args ?? {};
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name in fields)
      .map(([name, value]) => {
        const field = fields[name] as unknown as {
          decode?(octets: Uint8Array): unknown;
          read?(box: ReadonlyMap<string, Uint8Array>, name: string): unknown;
        };
        return [
          name,
          field.decode ? field.decode(octets(value)) : field.read?.(new Map([[name, octets(value)]]), name),
        ];
      }),
  );
}
