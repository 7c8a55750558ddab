import { expect } from "chai";
import { RpcError } from "../../src/errors.js";
import type { CallMessage, ErrorMessage, Frames, Message, ResultMessage } from "../../src/wire/message.js";
import { NamedArguments, named } from "../../src/wire/named-arguments.js";
import { createPseudWire, pseudWire } from "../../src/wire/pseud/index.js";
import { encodeLogin } from "../../src/wire/pseud/login-body.js";
import { recogniseWire } from "../../src/wire/registry.js";
import { type Codec, DEFAULT_LIMITS, MalformedMessageError, type Wire } from "../../src/wire/wire.js";
import { comparable, type MessageVector, pseudMessages, valueOf } from "../support/pseud-vectors.js";

const toFrames = (hex: readonly string[]): Frames => hex.map((frame) => Buffer.from(frame, "hex"));
const toHex = (frames: Frames): string[] => frames.map((frame) => Buffer.from(frame).toString("hex"));
const open = (wire: Wire = pseudWire, maxMessageBytes = DEFAULT_LIMITS.maxMessageBytes): Codec =>
  wire.open({ maxMessageBytes }) as Codec;
const vectors = (...types: string[]): MessageVector[] =>
  pseudMessages().filter(({ decoded }) => types.includes(String(decoded?.type)));

function malformed(frames: Frames, codec = open()): MalformedMessageError {
  try {
    codec.decode(frames);
  } catch (error) {
    if (error instanceof MalformedMessageError) return error;
    throw error;
  }
  throw new Error("It was read");
}

function refusal(message: Message, codec = open()): RpcError {
  try {
    codec.encode(message);
  } catch (error) {
    if (RpcError.isRpcError(error)) return error;
    throw error;
  }
  throw new Error("It was written");
}

/** A call as it is handed to a codec. */
function call(method: string, args: unknown, more: Partial<CallMessage> = {}): CallMessage {
  return { kind: "call", id: 1, interface: "", method, args, isPositional: true, ...more };
}

/** An answer to a call of this codec, with the uid of that call. */
function answered(codec: Codec, method: string, type: string, body: string): Message {
  const [, , uid] = codec.encode(call(method, [], { id: 7 }));
  return codec.decode([...toFrames(["", "7631"]), uid ?? Buffer.alloc(0), ...toFrames([type, body])]);
}

describe("Messages of the pseud wire", () => {
  describe("as Python writes them", () => {
    for (const { name, frames, decoded } of vectors("WORK").filter((one) => !one.name.includes("bytes-name"))) {
      it(`reads and writes the call ${name}`, () => {
        const codec = open();
        const message = codec.decode(toFrames(frames)) as CallMessage;
        const args = message.args as unknown[];
        const last = args.at(-1);
        const keywords = NamedArguments.is(last) ? last.values : {};
        const positional = NamedArguments.is(last) ? args.slice(0, -1) : args;
        expect(message).to.include({ kind: "call", method: decoded?.name, isPositional: true });
        expect(comparable(positional)).to.deep.equal(comparable(valueOf(decoded?.args)));
        expect(comparable(keywords)).to.deep.equal(comparable(valueOf(decoded?.kwargs)));
        const written = codec.encode(message);
        expect(comparable(codec.decode(written))).to.deep.equal(comparable(message));
        // Texts beyond ASCII have a longer header than they need; what they say is the same.
        if (!name.startsWith("call/types")) expect(toHex(written).slice(1)).to.deep.equal(frames.slice(1));
      });
    }

    it("takes a name in octets, as peers of Python 2 send it", () => {
      const [vector] = pseudMessages().filter((one) => one.name === "error/bytes-name/0-work");
      expect(open().decode(toFrames(vector?.frames ?? []))).to.include({ kind: "call", method: "hello" });
    });

    for (const { name, frames, decoded } of vectors("OK")) {
      it(`reads and writes the result ${name}`, () => {
        const codec = open();
        const message = answered(codec, "any", "01", frames[4] ?? "") as ResultMessage;
        expect(message).to.include({ kind: "result", id: 7 });
        expect(comparable(message.result)).to.deep.equal(comparable(valueOf(decoded?.result)));
        const id = toFrames([frames[2] ?? ""]);
        const written = toHex(codec.encode({ ...message, id }));
        if (!name.startsWith("call/types")) expect(written).to.deep.equal(frames);
        else expect(written.slice(0, 4)).to.deep.equal(frames.slice(0, 4));
      });
    }

    for (const { name, frames, decoded } of vectors("ERROR")) {
      it(`reads the error ${name}`, () => {
        const message = answered(open(), "any", "10", frames[4] ?? "") as ErrorMessage;
        expect(message).to.include({ kind: "error", id: 7 });
        expect(message.remote.name).to.equal(decoded?.error_class);
      });
    }

    for (const { name, frames } of vectors("UNAUTHORIZED")) {
      it(`takes ${name} for the refusal of its call`, () => {
        const message = answered(open(), "any", "11", frames[4] ?? "") as ErrorMessage;
        expect(message).to.include({ kind: "error", id: 7, code: "ACCESS_DENIED", outcome: "not-executed" });
      });
    }

    it("takes a heartbeat for a sign of life, with or without a body", () => {
      for (const { frames } of [...vectors("HEARTBEAT"), ...vectors("HEARTBEAT-BODY")]) {
        expect(open().decode(toFrames(frames))).to.include({ kind: "pong" });
      }
    });

    it("writes what a log-in says as Python does", () => {
      for (const { frames, decoded } of vectors("HELLO")) {
        const login = valueOf(decoded?.login) as Uint8Array;
        const password = valueOf(decoded?.password) as Uint8Array;
        expect(encodeLogin({ login, password }).toString("hex")).to.equal(frames[4]);
      }
    });

    it("reads maps with keys that are no texts, at which Python alone breaks", () => {
      const [vector] = pseudMessages().filter((one) => one.name === "fatal/int-map-key");
      const message = open().decode(toFrames(vector?.frames ?? [])) as CallMessage;
      expect(message.args).to.deep.equal([new Map([[1, 2]])]);
    });

    const fatal = pseudMessages().filter((one) => one.name.startsWith("fatal/") && !one.name.includes("int-map-key"));
    for (const { name, frames } of fatal) {
      it(`survives ${name}`, () => {
        const { answer } = malformed(toFrames(frames));
        // A call that cannot be read is answered; everything else is dropped.
        const isCall = frames.length === 5 && frames[1] === "7631" && frames[3] === "03";
        if (isCall) expect(answer).to.include({ kind: "error", outcome: "not-executed" });
        else expect(answer).to.equal(undefined);
      });
    }
  });

  describe("of calls", () => {
    it("finds the call of an answer, and only its own", () => {
      const [ours, theirs] = [open(), open()];
      const [, , uid = Buffer.alloc(0)] = ours.encode(call("add", [1, 2], { id: 281_474_976_710_655 }));
      expect(uid).to.have.length(16);
      const ok: Frames = [...toFrames(["", "7631"]), uid, ...toFrames(["01", "03"])];
      expect(ours.decode(ok)).to.deep.include({ kind: "result", id: 281_474_976_710_655, result: 3 });
      expect(malformed(ok, theirs).answer).to.equal(undefined);
    });

    it("makes uids that look like random ones", () => {
      const [, , uid = Buffer.alloc(0)] = open().encode(call("add", []));
      expect((uid[6] ?? 0) >> 4).to.equal(4);
      expect((uid[8] ?? 0) >> 6).to.equal(2);
    });

    it("sends arguments in order, and keywords", () => {
      const codec = open();
      const [, , , , body] = codec.encode(call("please.do_that_job", [1, 2, 3, named({ b: 4 })]));
      expect(Buffer.from(body ?? []).toString("hex")).to.equal(
        "93b2706c656173652e646f5f746861745f6a6f629301020381a16204",
      );
    });

    it("takes arguments in the wire's own shape too: a list, names, one value, nothing", () => {
      const bodies = [[1, 2], { b: 4 }, 5, null, undefined].map((args) => {
        const [, , , , body = Buffer.alloc(0)] = open().encode(call("f", args, { isPositional: false }));
        return Buffer.from(body).toString("hex");
      });
      expect(bodies).to.deep.equal(["93a16692010280", "93a1669081a16204", "93a166910580", "93a1669080", "93a1669080"]);
    });

    it("tells the path of an argument that cannot travel", () => {
      const odd = [1, { list: [new Set()] }];
      expect(refusal(call("f", odd))).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(refusal(call("f", odd)).message).to.contain("args[1].list[0]");
      expect(refusal(call("f", [named({ when: () => 1 })])).message).to.contain("named.when");
      expect(refusal(call("\ud800", [])).message).to.contain("surrogate");
    });

    it("refuses what is too large, both ways", () => {
      const small = open(pseudWire, 100);
      expect(refusal(call("f", ["x".repeat(100)]), small)).to.include({ code: "TOO_LARGE" });
      const result: Message = { kind: "result", id: toFrames(["aa"]), result: "x".repeat(100) };
      expect(refusal(result, small)).to.include({ code: "TOO_LARGE" });
      const large = open().encode(call("f", ["x".repeat(100)]));
      expect(malformed(large, small).answer).to.include({ code: "TOO_LARGE", outcome: "not-executed" });
    });

    it("refuses attachments", () => {
      const attachment = Buffer.of(1);
      expect(refusal(call("f", [], { attachment })).message).to.contain("attachment");
      expect(refusal({ kind: "result", id: [], result: 1, attachment }).message).to.contain("attachment");
    });

    it("says how long its caller waits", () => {
      const [, , , , body = Buffer.alloc(0)] = open().encode(call("f", []));
      const frames: Frames = [...toFrames(["", "7631", "aa", "03"]), body];
      expect(open().decode(frames)).to.include({ timeoutMs: 4500 });
      expect(open(createPseudWire({ latestAnswerMs: 60_000 })).decode(frames)).to.include({ timeoutMs: 60_000 });
    });

    it("answers with the uid of the call, whatever that is", () => {
      const codec = open();
      for (const uid of ["", "00", "ff".repeat(300)]) {
        const incoming = codec.decode(toFrames(["", "7631", uid, "03", "93a1669080"])) as CallMessage;
        const [, , told] = codec.encode({ kind: "result", id: incoming.id, result: null });
        expect(Buffer.from(told ?? []).toString("hex")).to.equal(uid);
      }
    });
  });

  describe("of errors", () => {
    const body = (name: string, message: string): string => {
      const text = (value: string): string => (0xa0 + value.length).toString(16) + Buffer.from(value).toString("hex");
      return `93${text(name)}${text(message)}a0`;
    };

    it("knows by the name that was called whether it was run", () => {
      const absent = body("ServiceNotFoundError", "no.such");
      expect(answered(open(), "no.such", "10", absent)).to.include({
        code: "METHOD_NOT_FOUND",
        outcome: "not-executed",
      });
      expect(answered(open(), "other", "10", absent)).to.include({ code: "METHOD_NOT_FOUND", outcome: "executed" });
    });

    it("tells a Python caller the name that was not found, and nothing else", () => {
      const codec = open();
      const { id } = codec.decode(toFrames(["", "7631", "aa", "03", "93a46e6f6e659080"])) as CallMessage;
      const remote = { message: "No interface here has a method" };
      const [, , , , told] = codec.encode({
        kind: "error",
        id,
        code: "METHOD_NOT_FOUND",
        number: 2,
        outcome: "not-executed",
        remote,
      });
      expect(Buffer.from(told ?? []).toString("hex")).to.equal(body("ServiceNotFoundError", "none"));
    });

    it("settles a call whose answer cannot be read", () => {
      const codec = open();
      const [, , uid = Buffer.alloc(0)] = codec.encode(call("f", [], { id: 3 }));
      for (const type of ["01", "10"]) {
        const frames: Frames = [...toFrames(["", "7631"]), uid, ...toFrames([type, "c1"])];
        expect(malformed(frames, codec).answer).to.include({ id: 3, code: "PROTOCOL", outcome: "unknown" });
      }
    });
  });

  it("is told from the other wires by its first frames", () => {
    expect(recogniseWire(toFrames(["", "7631", "aa", "03", "9000"]))?.name).to.equal("pseud");
    expect(recogniseWire([Buffer.from("1"), Buffer.alloc(0), Buffer.from("CALL"), Buffer.from("{}")])?.name).to.equal(
      "pycom",
    );
  });
});
