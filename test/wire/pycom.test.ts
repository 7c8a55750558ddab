import { expect } from "chai";
import fc from "fast-check";
import {
  type CallMessage,
  type Codec,
  MalformedMessageError,
  type Message,
  pycomWire,
  wireNames,
} from "../../src/wire/index.js";

const codec = pycomWire.open({ maxMessageBytes: 1_000_000 }) as Codec;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const texts = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString());

/** What the answering end sees of a call, and the calling end of its answer: ids are return addresses on the way. */
function there(message: Message): Message {
  return codec.decode(codec.encode(message));
}

const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const extensions = fc.option(
  fc.dictionary(fc.constantFrom("a.b", "org.pycom.auth", "__proto__"), json, { minKeys: 1 }),
  {
    nil: undefined,
  },
);
const attachment = fc.option(fc.uint8Array({ maxLength: 50 }), { nil: undefined });
const sessionId = fc.option(fc.string(), { nil: undefined });

describe("PyCOM's wire", () => {
  it("is known by its name", () => {
    expect(wireNames()).to.include("pycom");
  });

  describe("golden messages of docs/pycom-wire.md, section 21", () => {
    it("encodes a call, with the deadline in its return address", () => {
      const frames = codec.encode({
        kind: "call",
        id: 7,
        interface: "org.pycom.nameserver",
        method: "stat",
        args: undefined,
        timeoutMs: 29_999.2,
        sentAt: 4_710.6,
      });
      expect(texts(frames)).to.deep.equal([
        "L7,30000,4711",
        "",
        "CALL",
        '{"version":"1.0","interface":"org.pycom.nameserver","method":"stat","args":null}',
      ]);
    });

    it("encodes answers into the envelope of their call", () => {
      const envelope = [bytes("hop"), bytes("L7"), bytes("")];
      const answer = codec.encode({ kind: "result", id: envelope, result: {}, sessionId: "s", extensions: {} });
      expect(texts(answer)).to.deep.equal(["hop", "L7", "", "OK", '{"code":0,"result":{},"session_id":"s"}']);
    });

    it("encodes an error with its number, and tells outcomes only to those who understand them", () => {
      const error = { kind: "error", id: [bytes("")], code: "BAD_REQUEST", number: 4, outcome: "executed" } as const;
      const remote = { message: "no" };
      expect(texts(codec.encode({ ...error, remote }))[2]).to.equal('{"code":4,"error":"no"}');
      expect(texts(codec.encode({ ...error, remote, tellOutcome: true }))[2]).to.equal(
        '{"code":4,"error":"no","extensions":{"lamplighter":{"outcome":"executed"}}}',
      );
    });

    it("encodes what PyCOM has no number for as code 1 with an extension", () => {
      const frames = codec.encode({
        kind: "error",
        id: [bytes("")],
        code: "DRAINING",
        number: 1,
        outcome: "not-executed",
        remote: { message: "bye" },
      });
      expect(codec.decode([bytes("L1"), ...frames])).to.include({
        code: "DRAINING",
        outcome: "not-executed",
        number: 1,
      });
    });

    const answers: [string, object][] = [
      ['{"code": 0, "result": {}}', { kind: "result", result: {} }],
      ['{"code": 0}', { kind: "result", result: null }],
      ['{"code":0,"result":1,"session_id":null}', { kind: "result", result: 1, sessionId: undefined }],
      ['{"code":3,"error":"Interface not found: demo.gone"}', { kind: "error", code: "SERVICE_NOT_FOUND", number: 3 }],
      ['{"code":100500,"error":""}', { kind: "error", code: "UNKNOWN", number: 100500, outcome: "executed" }],
      ['{"code":-1}', { kind: "error", code: "UNKNOWN", number: -1 }],
    ];
    for (const [body, expected] of answers) {
      it(`decodes the answer ${body}`, () => {
        expect(codec.decode([bytes("L5"), bytes(""), bytes("OK"), bytes(body)])).to.deep.include({
          id: 5,
          ...expected,
        });
      });
    }

    it("believes no code or outcome of an extension that is none", () => {
      const body = '{"code":1,"error":"x","extensions":{"lamplighter":{"code":"EVIL","outcome":"not-sent"}}}';
      const decoded = codec.decode([bytes("L5"), bytes(""), bytes("OK"), bytes(body)]);
      expect(decoded).to.include({ code: "UNKNOWN", outcome: "executed" });
    });

    it("reads Python's tokens in answers, but not inside of texts", () => {
      const body = '{"code": 0, "result": [NaN, -Infinity, Infinity, "NaN \\" Infinity"]}';
      const decoded = codec.decode([bytes("L5"), bytes(""), bytes("OK"), bytes(body)]);
      expect(decoded).to.deep.include({ result: [NaN, -Infinity, Infinity, 'NaN " Infinity'] });
    });
  });

  describe("properties", () => {
    it("decodes every call that it encodes to the same call", () => {
      const call = fc.record({
        interface: fc.string(),
        method: fc.string(),
        args: json,
        sessionId,
        extensions,
        attachment,
      });
      fc.assert(
        fc.property(fc.nat(), call, fc.option(fc.nat(), { nil: undefined }), (id, content, timeoutMs) => {
          const got = there({ kind: "call", id, ...content, timeoutMs, sentAt: 5 }) as CallMessage;
          expect(got.interface).to.equal(content.interface);
          expect(got.method).to.equal(content.method);
          expect(got.args).to.deep.equal(content.args);
          expect(got.sessionId).to.equal(content.sessionId);
          expect(got.extensions).to.deep.equal(content.extensions);
          expect(got.attachment && [...got.attachment]).to.deep.equal(content.attachment && [...content.attachment]);
          expect(got.timeoutMs).to.equal(timeoutMs);
          expect(got.sentAt).to.equal(timeoutMs === undefined ? undefined : 5);
        }),
      );
    });

    it("decodes every result that it encodes to the same result", () => {
      const result = fc.record({ result: json, sessionId, extensions, attachment });
      fc.assert(
        fc.property(fc.nat(), result, (id, content) => {
          const got = there({ kind: "result", id: [bytes(`L${id}`), bytes("")], ...content });
          expect(got).to.deep.include({ kind: "result", id, result: content.result, sessionId: content.sessionId });
        }),
      );
    });

    it("makes a message or its own error of any frames", () => {
      const start = fc.constantFrom(
        "",
        "L1",
        "L1,2,3",
        "CALL",
        "OK",
        "FAIL",
        "{}",
        '{"interface":"a","method":"b"}',
        "x",
      );
      const frame = fc.oneof(
        start.map(bytes),
        fc.uint8Array({ maxLength: 40 }),
        json.map((value) => bytes(JSON.stringify(value))),
      );
      fc.assert(
        fc.property(fc.array(frame, { maxLength: 7 }), (frames) => {
          try {
            expect(codec.decode(frames)).to.have.property("kind");
          } catch (error) {
            expect(error).to.be.instanceOf(MalformedMessageError);
          }
        }),
        { numRuns: 5_000 },
      );
    });

    it("can encode the answer that it demands for a malformed request", () => {
      for (const frames of [
        ["", "CALL"],
        ["", "CALL", "["],
        ["", "PING", "{}"],
        ["", "CALL", "[]"],
        ["", "CALL", "{}", "", ""],
      ]) {
        try {
          codec.decode(frames.map(bytes));
          expect.fail("decoded");
        } catch (error) {
          const { answer } = error as MalformedMessageError;
          expect(answer && texts(codec.encode(answer))[1]).to.be.oneOf(["OK", "FAIL"]);
        }
      }
    });
  });
});
