import { expect } from "chai";
import { rpcError } from "../../src/errors.js";
import { KINDS, type Reaction, type TestStream, useStreams } from "../support/streams.js";
import { until } from "../support/until.js";

const MEGABYTES_10 = Buffer.alloc(10 * 1024 * 1024, "0123456789abcde");

describe("A stream that is paused", () => {
  const streams = useStreams();

  for (const kind of KINDS) {
    describe(`over ${kind}`, () => {
      it("delivers nothing while it is paused, and tells that the other end has ended", async () => {
        const { near, far } = await streams.pair(kind);
        far.stream.pause();
        near.stream.write(Buffer.from("held back"));
        near.stream.end();
        const reason = await far.gone;
        expect(reason.code).to.equal("UNAVAILABLE");
        expect(reason.message).to.match(/closed the connection$/);
        expect(far.events).to.deep.equal(["opened", "gone"]);
        far.stream.resume();
        expect(far.events).to.deep.equal(["opened", "gone"]);
        expect((await far.ended).reason.message).to.equal(reason.message);
        expect(String(far.got())).to.equal("held back");
        expect(far.events).to.deep.equal(["opened", "gone", "octets", "closed"]);
      });

      it("tells an end that nothing comes before, and closes as far as the other end can see", async () => {
        const { near, far } = await streams.pair(kind);
        far.stream.pause();
        near.stream.end();
        await Promise.all([near.ended, far.gone]);
        far.stream.resume();
        await far.ended;
        expect(far.events).to.deep.equal(["opened", "gone", "closed"]);
      });

      it("tells once that the other end has gone, however often it is paused", async () => {
        const pauseAgain: Reaction = {
          octets: ({ stream }) => {
            stream.pause();
            stream.resume();
            stream.pause();
          },
        };
        const { near, far } = await streams.pair(kind, {}, { far: pauseAgain });
        far.stream.pause();
        near.stream.write(Buffer.from("held back"));
        near.stream.end();
        await far.gone;
        far.stream.resume();
        await far.received(9);
        expect(far.events).to.deep.equal(["opened", "gone", "octets"]);
        far.stream.resume();
        await far.ended;
        expect(far.events).to.deep.equal(["opened", "gone", "octets", "closed"]);
      });

      it("may be destroyed, ended and resumed by whom it tells that the other end has gone", async () => {
        for (const [react, code] of [
          [
            (end: TestStream): void => {
              end.stream.destroy(rpcError("OVERLOADED", "enough"));
            },
            "OVERLOADED",
          ],
          [
            (end: TestStream): void => {
              end.stream.end(rpcError("PROTOCOL", "enough"));
            },
            "PROTOCOL",
          ],
          [
            (end: TestStream): void => {
              end.stream.resume();
            },
            "UNAVAILABLE",
          ],
        ] as const) {
          const { near, far } = await streams.pair(kind, {}, { far: { gone: react } });
          far.stream.pause();
          near.stream.end();
          expect((await far.ended).reason.code).to.equal(code);
        }
      });

      it("makes the other end wait while it is paused, and delivers everything in order", async () => {
        const { near, far } = await streams.pair(kind);
        far.stream.pause();
        near.stream.write(MEGABYTES_10.subarray(0, 100_000));
        await until(() => near.stream.queuedBytes === 0);
        near.stream.write(MEGABYTES_10.subarray(100_000));
        await new Promise(setImmediate);
        expect(far.events).to.deep.equal(["opened"]);
        far.stream.resume();
        near.stream.end();
        await far.ended;
        expect(far.got().equals(MEGABYTES_10)).to.equal(true);
        expect(far.events).to.deep.equal(["opened", "octets", "closed"]);
      });

      it("is paused by what is in the octets, and goes on where it was", async () => {
        const { near, far } = await streams.pair(
          kind,
          {},
          {
            far: {
              octets: ({ stream }) => {
                stream.pause();
                setImmediate(() => {
                  stream.resume();
                });
              },
            },
          },
        );
        near.stream.write(MEGABYTES_10.subarray(0, 1_000_000));
        near.stream.end();
        await far.ended;
        expect(far.got().equals(MEGABYTES_10.subarray(0, 1_000_000))).to.equal(true);
      });
    });
  }
});
