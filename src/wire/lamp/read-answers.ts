import { ProtocolError } from "../../errors.js";
import type { Frames } from "../message.js";
import { Reader } from "../messagepack/reader.js";
import type { FoundAnswer, Referrer } from "../wire.js";
import { decodeRecord } from "./decode-record.js";
import type { ValueSource } from "./decode-value.js";
import { HEADER_BYTES } from "./format.js";
import { type MethodName, MethodNames } from "./methods.js";

/** Answers in a message that was written earlier; whatever else stands in it is read over. */
export function* readAnswers(frames: Frames): Generator<FoundAnswer, void, undefined> {
  const [head] = frames;
  if (!head) return;
  const referrer = new Placeholders();
  const source: ValueSource = { reader: new Reader(), frames, outOfBand: 0, referrer };
  source.reader.open(Buffer.from(head.buffer, head.byteOffset, head.byteLength), HEADER_BYTES);
  try {
    while (source.reader.at < source.reader.end) {
      referrer.wasAsked = false;
      const message = decodeRecord(source, NAMELESS, 0);
      if (message?.kind === "result" || message?.kind === "error") {
        yield { answer: message, isBound: referrer.wasAsked };
      }
    }
  } catch (error) {
    // What we wrote ourselves can be read, unless it grew out of limits; then it is as good as lost.
    if (!(error instanceof ProtocolError)) throw error;
  }
}

/** Stands for streams and references, which are of the connection that they were sent on. */
class Placeholders implements Referrer {
  wasAsked = false;

  refers(): boolean {
    return false;
  }

  refer(): undefined {
    return undefined;
  }

  revive(): undefined {
    this.wasAsked = true;
    return undefined;
  }
}

/** The numbers of methods are the connection's, too. */
class AnyNames extends MethodNames {
  override get(): MethodName {
    return NAMELESS_METHOD;
  }

  override add(): void {
    // Every number will do.
  }
}

const NAMELESS_METHOD: MethodName = { interface: "", method: "" };
const NAMELESS = new AnyNames();
