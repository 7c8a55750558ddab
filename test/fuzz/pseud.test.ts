import { expect } from "chai";
import { named } from "../../src/index.js";
import type { Frames } from "../../src/wire/message.js";
import { pseudWire } from "../../src/wire/pseud/index.js";
import { type Codec, DEFAULT_LIMITS, MalformedMessageError } from "../../src/wire/wire.js";
import { generator } from "../support/generator.js";
import { usePseud } from "../support/pseud-endpoints.js";
import { Stranger } from "../support/pseud-stranger.js";
import { pseudMessages } from "../support/pseud-vectors.js";

/** More with FUZZ=1000000. */
const ROUNDS = Number(process.env.FUZZ ?? 20_000);
const TYPES = [1, 2, 3, 4, 6, 16, 17, 0, 255];

/** Messages that are nearly such: those of the vectors with something changed, and octets of no meaning. */
function* strange(seed: number, rounds: number): Generator<Frames> {
  const below = generator(seed);
  const vectors = pseudMessages().map(({ frames }) => frames.map((frame) => Buffer.from(frame, "hex")));
  const octets = (size: number): Buffer => Buffer.from(Array.from({ length: below(size) }, () => below(256)));
  for (let round = 0; round < rounds; round++) {
    const frames: Uint8Array[] = (vectors[below(vectors.length)] ?? []).map((frame) => Buffer.from(frame));
    const at = below(frames.length);
    const frame = frames[at];
    switch (below(6)) {
      case 0:
        frames.splice(at, 1);
        break;
      case 1:
        frames.splice(at, 0, octets(20));
        break;
      case 2:
        frames[at] = octets(40);
        break;
      case 3:
        if (frames.length === 5) frames[3] = Buffer.of(TYPES[below(TYPES.length)] ?? 0);
        break;
      default:
        if (frame && frame.length > 0)
          for (let change = 0; change <= below(3); change++) frame[below(frame.length)] = below(256);
    }
    yield frames;
  }
}

describe("The fuzzer of messages of pseud", () => {
  const pseud = usePseud();

  it(`reads ${ROUNDS} of them, or refuses them`, function () {
    this.timeout(600_000);
    const codec = pseudWire.open(DEFAULT_LIMITS) as Codec;
    let read = 0;
    for (const frames of strange(1, ROUNDS)) {
      try {
        codec.decode(frames);
        read++;
      } catch (error) {
        if (!(error instanceof MalformedMessageError)) throw error;
        // What is to be answered can be sent.
        if (error.answer && typeof error.answer.id !== "number") codec.encode(error.answer);
      }
    }
    expect(read)
      .to.be.above(ROUNDS / 100)
      .and.below(ROUNDS);
  });

  it("goes on serving others, and the one who sends them", async function () {
    this.timeout(60_000);
    const server = pseud.server({ id: "service" });
    server.register((...args: unknown[]) => args, { name: "hello" });
    const address = await server.bind("tcp://127.0.0.1:0");
    const client = pseud.client<{ hello(...args: unknown[]): unknown[] }>();
    await client.connect(address);
    const stranger = await new Stranger(address).opened();
    try {
      for (const frames of strange(2, 2_000)) if (frames.length > 0) stranger.send(frames);
      const uid = Buffer.alloc(16, 9);
      stranger.work("hello", ["x"], uid);
      while (!stranger.received.some(([, , answered]) => answered && uid.equals(answered))) await stranger.next();
    } finally {
      stranger.close();
    }
    expect(await client.hello(1, named({ two: 2 }))).to.deep.equal([1, { two: 2 }]);
  });
});
