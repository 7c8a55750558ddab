import { once } from "node:events";
import type { Duplex } from "node:stream";
import { expect } from "chai";
import { KINDS, useStreams } from "../support/streams.js";
import { until } from "../support/until.js";

const NOTHING = Buffer.alloc(0);

describe("A stream that is given away", () => {
  const streams = useStreams();
  const given: Duplex[] = [];
  afterEach(() => {
    for (const duplex of given.splice(0)) duplex.destroy();
  });
  const keep = (duplex: Duplex): Duplex => {
    given.push(duplex);
    return duplex;
  };

  for (const kind of KINDS) {
    it(`is the new owner's over ${kind}: what was written leaves first, what was read too far comes first`, async () => {
      let taken: Duplex | undefined;
      const { near, far } = await streams.pair(
        kind,
        {},
        {
          far: {
            octets: ({ stream }, chunk) => {
              stream.write(Buffer.from("switching, "));
              taken = keep(stream.detach(chunk.subarray(4)));
              taken.write("new protocol");
            },
          },
        },
      );
      near.stream.write(Buffer.from("amp;and more"));
      expect(String(await near.received(23))).to.equal("switching, new protocol");
      let text = "";
      taken?.on("data", (chunk: Buffer) => {
        text += String(chunk);
      });
      near.stream.write(Buffer.from(", and the end"));
      near.stream.end();
      if (taken) await once(taken, "end");
      expect(text).to.equal("and more, and the end");
      taken?.end();
      await near.ended;
      far.stream.write(NOTHING);
      far.stream.destroy();
      expect(far.events).to.deep.equal(["opened", "octets"]);
      expect(far.stream.queuedBytes).to.equal(0);
    });

    it(`tells its new owner over ${kind} of an end that came before`, async () => {
      const { near, far } = await streams.pair(kind);
      far.stream.pause();
      near.stream.write(Buffer.from(" and more"));
      near.stream.end();
      await far.gone;
      const taken = keep(far.stream.detach(Buffer.from("rest")));
      let text = "";
      taken.on("data", (chunk: Buffer) => {
        text += String(chunk);
      });
      await once(taken, "end");
      expect(text).to.equal("rest and more");
      taken.end("last answer");
      await near.received(11);
      await near.ended;
    });

    it(`gives its new owner over ${kind} what came while nobody read`, async () => {
      const { near, far } = await streams.pair(
        kind,
        {},
        {
          far: {
            octets: ({ stream }) => {
              stream.pause();
            },
          },
        },
      );
      near.stream.write(Buffer.from("read."));
      await far.received(5);
      near.stream.write(Buffer.alloc(200_000, "0123456789"));
      await until(() => near.stream.queuedBytes === 0);
      const taken = keep(far.stream.detach(Buffer.from("rest.")));
      near.stream.write(Buffer.from("end"));
      near.stream.end();
      const chunks: Buffer[] = [];
      for await (const chunk of taken) chunks.push(chunk as Buffer);
      const text = String(Buffer.concat(chunks));
      expect(text === `rest.${"0123456789".repeat(20_000)}end`).to.equal(true);
      await near.ended;
    });
  }

  it("keeps none of its own listeners, and no error of nobody ends the process", async () => {
    const { near, far } = await streams.pair("tcp");
    const taken = keep(far.stream.detach(NOTHING));
    for (const name of ["data", "finish"]) expect(taken.listenerCount(name), name).to.equal(0);
    taken.destroy(new Error("nobody listens"));
    await new Promise((resolve) => taken.once("close", resolve));
    await near.ended;
  });

  it("ends no process by errors of nobody when the other end had ended before", async () => {
    for (const error of [new Error("nobody listens"), undefined]) {
      const { near, far } = await streams.pair("tcp");
      far.stream.pause();
      near.stream.end();
      await far.gone;
      const taken = keep(far.stream.detach(NOTHING));
      taken.destroy(error);
      await new Promise((resolve) => taken.once("close", resolve));
      await near.ended;
      expect(taken.destroyed).to.equal(true);
    }
  });

  it("is not given away before it is open, nor after its end", async () => {
    const { near, far, listener } = await streams.pair("tcp");
    const refused = ({ stream }: typeof near): void => {
      expect(() => stream.detach(NOTHING))
        .to.throw(/is not open, and cannot be given away$/)
        .with.property("code", "UNAVAILABLE");
    };
    refused(streams.connect(listener.address));
    near.stream.destroy();
    await far.ended;
    refused(near);
    refused(far);
  });
});
