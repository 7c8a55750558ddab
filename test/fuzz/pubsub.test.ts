import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { ProtocolError } from "../../src/errors.js";
import { Gap, type OverflowPolicy, subscriber } from "../../src/index.js";
import {
  ItemReader,
  ItemWriter,
  PublicationKind,
  readBeginning,
  readHead,
  readLast,
  writeBeginning,
  writeHead,
  writeLast,
} from "../../src/wire/lamp/publication.js";
import { generator } from "../support/generator.js";
import { useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";
import { weakPublisher } from "../support/weak-publication.js";

/**
 * Fuzzers for publishers and subscribers: frames with something changed, and connections that break, stall and go on at random, under which
 * everything that is published has to come once and in order, or be told as missing.
 *
 * `FUZZ=1000000 npm test -- --grep fuzz` runs more; `FUZZ_SEED` repeats a run.
 */
const INPUTS = Number(process.env.FUZZ ?? 50_000);
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe(`A fuzzer of publishers and subscribers (seed ${SEED})`, function () {
  this.timeout(INPUTS * 10);
  const mesh = useMesh();

  it("finds nothing in frames that is not read, or refused with our own error", () => {
    const random = generator(SEED);
    const writer = new ItemWriter(1 << 20);
    writer.begin("eu.de");
    for (const value of [
      1,
      "zwei",
      { drei: [3n, new Date(4), new Map([[5, new Set([6])]])] },
      new Uint8Array(20_000),
    ]) {
      writer.add(value);
    }
    const batch = writer.take(2 ** 40).frames;
    const good = [
      ...batch,
      writeHead(PublicationKind.items, 2 ** 33, 1),
      writeBeginning({ from: 2 ** 50, past: 5 }),
      writeLast(7),
    ].map((frame) => Buffer.from(frame));
    const changed = (frame: Buffer): Buffer => {
      const copy = Buffer.from(frame.subarray(0, random(5) === 0 ? random(frame.length + 1) : frame.length));
      for (let times = random(4); times > 0 && copy.length > 0; times--) {
        copy[random(copy.length)] = [0, 1, 0x7f, 0x80, 0xc1, 0xdd, 0xdf, 0xff, random(256)][random(9)] ?? 0;
      }
      return copy;
    };
    const attempt = (read: () => void): boolean => {
      try {
        read();
        return true;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return false;
      }
    };
    let refused = 0;
    for (let input = 0; input < INPUTS; input++) {
      const frame = changed(good[random(good.length)] ?? Buffer.alloc(0));
      for (const read of [readHead, readBeginning, readLast]) if (!attempt(() => read(frame))) refused++;
      attempt(() => {
        const reader = new ItemReader([changed(good[0] ?? frame), ...batch.slice(1)]);
        expect(reader.left * 5).to.be.at.most(reader.bytes);
        if (random(3) === 0) reader.skip(random(5));
        // However malformed they are, there is an end.
        for (let { left } = reader; left > 0; { left } = reader) {
          if (!attempt(() => reader.read())) refused++;
          expect(reader.left).to.be.below(left);
        }
      });
    }
    expect(refused).to.be.greaterThan(INPUTS / 10);
  });

  it("finds nothing missing untold, and nothing twice", async () => {
    const random = generator(SEED);
    const one = <V>(...list: V[]): V => list[random(list.length)] as V;
    for (let round = 0; round < Math.max(20, INPUTS / 5_000); round++) {
      const replay = one(0, 3, 50, 10_000);
      const settings = { replay, retain: one(true, false), maxQueuedBytes: one(500, 10_000, 1 << 20) };
      const options = {
        policy: one<OverflowPolicy>("drop-oldest", "drop-newest", "block"),
        buffer: one(1, 10, 1_000),
        replay: one(0, 5, 100),
        retained: one(true, false),
      };
      const what = `round ${round}: ${JSON.stringify({ settings, options })}`;
      const numbers = weakPublisher<number>("demo.fuzz", { ...settings, maxHeld: 1_000_000 });
      const host = await mesh.host([numbers]);
      const values = mesh.own(
        subscriber<number>("demo.fuzz", { client: mesh.client(), address: host.address, ...options }),
      );
      await values.ready;
      const seen: (number | Gap)[] = [];
      const all = (async () => {
        for await (const item of values.publications()) {
          seen.push(item instanceof Gap ? item : item.sequence);
          if (random(4) === 0) await turn();
        }
      })();
      let n = 0;
      const publish = (): Promise<void> => numbers.publish(++n, { topic: one("", "a", "b") });
      const pending: Promise<void>[] = [];
      for (let action = 0; action < 60; action++) {
        const choice = random(20);
        if (choice === 0) numbers.break();
        else if (choice < 4) numbers.stall(true);
        else if (choice < 8) numbers.stall(false);
        else if (choice < 16) for (let times = random(30); times >= 0; times--) pending.push(publish());
        else await turn();
      }
      numbers.stall(false);
      await Promise.all(pending);
      await until(() => values.publishers.length === 1 && numbers.subscribers.length === 1);
      const last = n + 1;
      // With little room it may be dropped; another one then.
      await until(async () => {
        await publish();
        await turn();
        return typeof seen.at(-1) === "number" && (seen.at(-1) as number) >= last;
      });
      await values.close();
      await all;
      let before = 0;
      let told = 0;
      for (const item of seen) {
        if (item instanceof Gap) {
          told += item.missed ?? Number.NaN;
          continue;
        }
        expect(item, what).to.be.greaterThan(before);
        const missing = item - before - 1;
        expect(told, `${what}: told before ${item}`).to.be.at.least(missing);
        // What is sent again after two losses in a row may have been told as missing before.
        if (!settings.retain && settings.replay === 0) expect(told, `${what}: told before ${item}`).to.equal(missing);
        // Holes between values of the past are told before the first of them.
        told -= missing;
        before = item;
      }
      await host.close();
    }
  });
});
