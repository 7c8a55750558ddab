import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import {
  type Gap,
  type Publication,
  publisher,
  type Subscriber,
  type SubscriberOptions,
  subscriber,
} from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

const NAME = "demo.numbers";

describe("Subscribers that are too slow", () => {
  const mesh = useMesh();

  async function pair(
    options: SubscriberOptions,
    made: Publication<number> = publisher<number>(NAME),
  ): Promise<{ numbers: Publication<number>; slow: Subscriber<number>; fast: Subscriber<number>; gaps: Gap[] }> {
    const host = await mesh.host([made]);
    const subscribe = (more: SubscriberOptions): Subscriber<number> =>
      mesh.own(subscriber<number>(NAME, { client: mesh.client(), address: host.address, ...more }));
    const slow = subscribe(options);
    const fast = subscribe({ buffer: 100_000 });
    const gaps: Gap[] = [];
    slow.on("gap", (gap) => gaps.push(gap));
    await Promise.all([slow.ready, fast.ready]);
    return { numbers: made, slow, fast, gaps };
  }

  const missed = (gaps: readonly Gap[]): number => gaps.reduce((sum, gap) => sum + (gap.missed ?? Number.NaN), 0);

  it("lose the oldest values, and are told how many (drop-oldest)", async () => {
    const { numbers, slow, fast, gaps } = await pair({ buffer: 10 });
    for (let n = 1; n <= 2_500; n++) await numbers.publish(n);
    expect((await fast.take(2_500)).at(-1)).to.equal(2_500);
    await until(() => missed(gaps) === 2_490);
    expect(await slow.take(10)).to.deep.equal([2491, 2492, 2493, 2494, 2495, 2496, 2497, 2498, 2499, 2500]);
    expect(gaps.map(({ reason }) => reason)).to.satisfy((reasons: string[]) =>
      reasons.every((one) => one === "buffer"),
    );
    await numbers.publish(2_501);
    expect(await slow.take(1)).to.deep.equal([2_501]);
  });

  it("find the gap in its place among publications (drop-oldest)", async () => {
    const { numbers, slow, gaps } = await pair({ buffer: 2 });
    for (let n = 1; n <= 5; n++) void numbers.publish(n);
    await until(() => gaps.length > 0);
    const [gap, four, five] = await slow.publications().take(3);
    expect(gap).to.include({ reason: "buffer", missed: 3 });
    expect([four, five].map((one) => (one as { value: number }).value)).to.deep.equal([4, 5]);
  });

  it("lose the newest values, and are told how many (drop-newest)", async () => {
    const { numbers, slow, fast, gaps } = await pair({ buffer: 10, policy: "drop-newest" });
    for (let n = 1; n <= 2_500; n++) await numbers.publish(n);
    await fast.take(2_500);
    await until(() => missed(gaps) === 2_490);
    expect(await slow.take(10)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await numbers.publish(2_501);
    const [gap, last] = await slow.publications().take(2);
    expect(gap).to.include({ reason: "buffer", missed: 2_490 });
    expect(last).to.include({ value: 2_501 });
  });

  it("are ended with an error, after what they had room for (disconnect)", async () => {
    const { numbers, slow, fast } = await pair({ buffer: 5, policy: "disconnect" });
    for (let n = 1; n <= 3; n++) await numbers.publish(n);
    await until(() => slow.waiting === 3);
    for (let n = 4; n <= 10; n++) void numbers.publish(n);
    await fast.take(10);
    await until(() => slow.isClosed);
    expect(await slow.take(3)).to.deep.equal([1, 2, 3]);
    const error = await failureOf(slow.take(1));
    expect(error.code).to.equal("OVERLOADED");
    expect(error.message).to.contain("5 values of demo.numbers wait to be taken");
    await until(() => numbers.subscribers.length === 1);
  });

  it("let publish() wait until they have room (block)", async () => {
    const { numbers, slow, fast, gaps } = await pair({ buffer: 10, policy: "block" });
    let published = 0;
    const all = (async () => {
      for (let n = 1; n <= 1_000; n++) {
        await numbers.publish(n);
        published = n;
      }
    })();
    await until(() => slow.waiting === 10);
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(published).to.equal(10);
    expect(await fast.take(10)).to.have.length(10);
    expect(fast.waiting).to.equal(0);
    const seen: number[] = [];
    for await (const n of slow.take(1_000)) {
      seen.push(n);
      expect(slow.waiting).to.be.at.most(10);
    }
    await all;
    expect(seen).to.deep.equal(Array.from({ length: 1_000 }, (_, index) => index + 1));
    expect(gaps).to.deep.equal([]);
  });

  it("hold back their topic alone (block)", async () => {
    const { numbers, slow } = await pair({ buffer: 1, policy: "block", topics: "a" });
    await numbers.publish(1, { topic: "a" });
    let isHeld = true;
    const held = numbers.publish(2, { topic: "a" }).then(() => {
      isHeld = false;
    });
    await numbers.publish(3, { topic: "b" });
    await turn();
    expect(isHeld).to.equal(true);
    expect(await slow.take(2)).to.deep.equal([1, 2]);
    await held;
  });

  it("hold nothing back any more when they leave (block)", async () => {
    const { numbers, slow, fast } = await pair({ buffer: 1, policy: "block" });
    const all = [1, 2, 3].map((n) => numbers.publish(n));
    await until(() => slow.waiting === 1);
    await slow.close();
    await Promise.all(all);
    expect(await fast.take(3)).to.deep.equal([1, 2, 3]);
  });

  it("hold back for a limited time and a limited number of values (block)", async () => {
    const { numbers, slow, fast } = await pair(
      { buffer: 1, policy: "block" },
      publisher<number>(NAME, { blockTimeoutMs: 50, maxHeld: 1 }),
    );
    await numbers.publish(1);
    const held = numbers.publish(2);
    const tooMany = await failureOf(numbers.publish(3));
    expect(tooMany.code).to.equal("OVERLOADED");
    expect(tooMany.message).to.contain("await publish()");
    const late = await failureOf(held);
    expect(late.code).to.equal("TIMEOUT");
    expect(late.outcome).to.equal("not-sent");
    expect(late.message).to.contain("had no room within 50 ms; the value was published to nobody");
    expect(await slow.take(1)).to.deep.equal([1]);
    expect(await fast.take(1)).to.deep.equal([1]);
  });

  it("end no process whose publisher does not wait, and no generator (block)", async () => {
    let made = 0;
    const { slow, fast } = await pair(
      { buffer: 1, policy: "block" },
      publisher<number>(
        NAME,
        async function* () {
          for (;;) yield ++made;
        },
        { blockTimeoutMs: 50 },
      ),
    );
    const numbers = publisher<number>("demo.others", { blockTimeoutMs: 50, maxHeld: 1 });
    const host = await mesh.host([numbers]);
    const other = mesh.own(
      subscriber<number>("demo.others", { client: mesh.client(), address: host.address, buffer: 1, policy: "block" }),
    );
    await other.ready;
    // Nobody waits for these: the third is refused at once, the second after a while.
    for (let n = 1; n <= 3; n++) void numbers.publish(n);
    // The generator goes on behind the values that were refused, and nobody is lost.
    let isLost = false;
    fast.on("lost", () => {
      isLost = true;
    });
    await until(() => made >= 4);
    expect(await slow.take(1)).to.deep.equal([1]);
    expect((await fast.take(1))[0]).to.be.above(0);
    expect(isLost).to.equal(false);
    await host.close();
    void numbers.publish(4);
  });

  it("let generators wait (block)", async () => {
    let made = 0;
    const { slow } = await pair(
      { buffer: 5, policy: "block" },
      publisher<number>(NAME, async function* () {
        for (;;) {
          yield ++made;
        }
      }),
    );
    await until(() => slow.waiting === 5);
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(made).to.equal(6);
    expect(await slow.take(20)).to.deep.equal(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it("have a limit in bytes as well", async () => {
    const host = await mesh.host([
      publisher<Uint8Array>("demo.bytes", async function* () {
        for (let n = 1; n <= 20; n++) yield new Uint8Array(40_000).fill(n);
      }),
    ]);
    const slow = mesh.own(
      subscriber<Uint8Array>("demo.bytes", { client: mesh.client(), address: host.address, bufferBytes: 200_000 }),
    );
    let lost = 0;
    slow.on("gap", ({ missed: more }) => {
      lost += more ?? 0;
    });
    await until(() => lost + slow.waiting === 20);
    expect(slow.waiting).to.be.within(1, 5);
    const rest = await slow.take(slow.waiting);
    expect(rest.at(-1)?.[0]).to.equal(20);
  });
});
