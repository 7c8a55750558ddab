import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import {
  Gap,
  NameserverHost,
  type Published,
  publisher,
  type Subscriber,
  type SubscriberOptions,
  subscriber,
} from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { type Child, useProcesses } from "../support/processes.js";
import { until } from "../support/until.js";
import { WeakLink } from "../support/weak-link.js";
import { type WeakPublication, weakPublisher } from "../support/weak-publication.js";

const NAME = "demo.killed";

/** Gaps and values in their order: values as they are, gaps as `reason missed`. */
const inOrder = (list: readonly (Published<unknown> | Gap)[]): unknown[] =>
  list.map((one) => (one instanceof Gap ? `${one.reason} ${String(one.missed)}` : one.value));

describe("Gaps", () => {
  const mesh = useMesh();
  const start = useProcesses();

  const listen = <T>(options: SubscriberOptions): { values: Subscriber<T>; gaps: Gap[] } => {
    const values = mesh.own(subscriber<T>(NAME, options));
    const gaps: Gap[] = [];
    values.on("gap", (gap) => gaps.push(gap));
    return { values, gaps };
  };

  const joinedAgain = (values: Subscriber): Promise<unknown> => new Promise((resolve) => values.on("joined", resolve));

  const startPublisher = async (nameserver: string, service: string, options: object = {}): Promise<Child> => {
    const child = start(process.execPath, [
      "test/fixtures/publishing.js",
      nameserver,
      service,
      JSON.stringify(options),
    ]);
    await child.waitFor(/^ready/m);
    return child;
  };

  const kill = async (child: Child): Promise<void> => {
    child.process.kill("SIGKILL");
    await child.ended;
  };

  describe("after a broken connection", () => {
    async function weakPair(
      made: WeakPublication<number>,
      options: SubscriberOptions = {},
    ): Promise<{ numbers: WeakPublication<number>; values: Subscriber<number>; gaps: Gap[] }> {
      const { address: nameserver } = await mesh.nameserver();
      await mesh.host([made], { nameserver });
      const { values, gaps } = listen<number>({ client: mesh.client({ nameserver }), ...options });
      await values.ready;
      return { numbers: made, values, gaps };
    }

    /** Publishes `from` to `to` while there is no connection. */
    async function publishBroken(
      { numbers, values }: { numbers: WeakPublication<number>; values: Subscriber<number> },
      from: number,
      to: number,
    ): Promise<void> {
      const again = joinedAgain(values);
      numbers.break();
      for (let n = from; n <= to; n++) void numbers.publish(n);
      await again;
    }

    it("there is none, and nothing twice, where the publisher keeps enough", async () => {
      const pair = await weakPair(weakPublisher<number>(NAME, { replay: 100, retain: true }), { replay: 50 });
      const { numbers, values, gaps } = pair;
      for (let n = 1; n <= 3; n++) await numbers.publish(n);
      await until(() => values.waiting === 3);
      await publishBroken(pair, 4, 8);
      await numbers.publish(9);
      expect(await values.take(9)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(gaps).to.deep.equal([]);
    });

    it("there is one with the number of what was published meanwhile, in its place", async () => {
      const pair = await weakPair(weakPublisher<number>(NAME));
      const { numbers, values } = pair;
      for (let n = 1; n <= 3; n++) await numbers.publish(n);
      await until(() => values.waiting === 3);
      await publishBroken(pair, 4, 8);
      await numbers.publish(9);
      expect(inOrder(await values.publications().take(5))).to.deep.equal([1, 2, 3, "connection 5", 9]);
    });

    it("counts what was on its way", async () => {
      const pair = await weakPair(weakPublisher<number>(NAME));
      const { numbers, values, gaps } = pair;
      await numbers.publish(1);
      await until(() => values.waiting === 1);
      // Written, and lost with the connection.
      for (let n = 2; n <= 5; n++) void numbers.publish(n);
      await publishBroken(pair, 6, 7);
      await numbers.publish(8);
      const seen: unknown[] = inOrder(await values.publications().take(1));
      for await (const one of values.publications()) {
        seen.push(...inOrder([one]));
        if (!(one instanceof Gap) && one.value === 8) break;
      }
      const missed = gaps.reduce((sum, gap) => sum + (gap.missed ?? Number.NaN), 0);
      expect(seen.filter((one) => typeof one === "number").length + missed).to.equal(8);
      expect(gaps.map(({ reason }) => reason)).to.deep.equal(["connection"]);
    });

    it("leaves out of the number what is sent again, or kept", async () => {
      const replayed = await weakPair(weakPublisher<number>(NAME, { replay: 2 }), { replay: 2 });
      await replayed.numbers.publish(1);
      await until(() => replayed.values.waiting === 1);
      await publishBroken(replayed, 2, 6);
      for (let n = 7; n <= 8; n++) await replayed.numbers.publish(n);
      const list = inOrder(await replayed.values.publications().take(6));
      // Those of one turn are kept, or let go, together.
      expect(list).to.deep.equal([1, 2, 3, 4, 5, 6]);
    });

    it("leaves out of the number the last value that is kept, and sends it once", async () => {
      const pair = await weakPair(weakPublisher<number>(NAME, { retain: true }));
      const { numbers, values } = pair;
      await numbers.publish(1);
      await until(() => values.waiting === 1);
      await publishBroken(pair, 2, 6);
      await publishBroken(pair, 7, 6);
      await numbers.publish(7);
      expect(inOrder(await values.publications().take(4))).to.deep.equal([1, "connection 4", 6, 7]);
    });

    it("has no number for a subscriber that wants some topics", async () => {
      const pair = await weakPair(weakPublisher<number>(NAME), { topics: "a" });
      const { numbers, values } = pair;
      await numbers.publish(1, { topic: "a" });
      await until(() => values.waiting === 1);
      await publishBroken(pair, 2, 3);
      await numbers.publish(4, { topic: "a" });
      expect(inOrder(await values.publications().take(3))).to.deep.equal([1, "connection undefined", 4]);
    });

    it("is told for each break, and values keep coming", async () => {
      const pair = await weakPair(weakPublisher<number>(NAME));
      const { numbers, values } = pair;
      const expected: unknown[] = [];
      for (let round = 0; round < 5; round++) {
        await publishBroken(pair, 0, 1);
        await numbers.publish(round);
        expected.push("connection 2", round);
        await until(() => values.waiting === round + 1);
      }
      expect(inOrder(await values.publications().take(10))).to.deep.equal(expected);
    });

    it("goes on within the room that there is (block)", async () => {
      const { numbers, values, gaps } = await weakPair(weakPublisher<number>(NAME), { policy: "block", buffer: 10 });
      for (let n = 1; n <= 10; n++) await numbers.publish(n);
      await until(() => values.waiting === 10);
      for (let round = 0; round < 3; round++) {
        const again = joinedAgain(values);
        numbers.break();
        await again;
      }
      let held = 0;
      const all = Array.from({ length: 15 }, (_, index) => {
        held++;
        return numbers.publish(11 + index).then(() => held--);
      });
      for (let turns = 0; turns < 20; turns++) await turn();
      expect(held).to.equal(15);
      expect(values.waiting).to.equal(10);
      expect(await values.take(25)).to.deep.equal(Array.from({ length: 25 }, (_, index) => index + 1));
      await Promise.all(all);
      expect(gaps).to.deep.equal([]);
    });

    it("gives all that was held back to whoever comes back, where the publisher keeps it (block)", async () => {
      const { numbers, values, gaps } = await weakPair(weakPublisher<number>(NAME, { replay: 1_000 }), {
        policy: "block",
        buffer: 10,
      });
      const all = Array.from({ length: 200 }, (_, index) => numbers.publish(index + 1));
      await until(() => values.waiting === 10);
      const seen: number[] = [];
      for (let round = 0; round < 5; round++) {
        const again = joinedAgain(values);
        numbers.break();
        await again;
        seen.push(...(await values.take(7)));
      }
      seen.push(...(await values.take(165)));
      await Promise.all(all);
      expect(seen).to.deep.equal(Array.from({ length: 200 }, (_, index) => index + 1));
      expect(gaps).to.deep.equal([]);
    });

    it("of the calls alone there is none: credit is told again (block)", async () => {
      const numbers = publisher<number>(NAME);
      const host = await mesh.host([numbers]);
      const link = mesh.own(await WeakLink.to(host.address));
      const { values, gaps } = listen<number>({
        client: mesh.client(),
        address: link.address,
        policy: "block",
        buffer: 4,
      });
      await values.ready;
      const all = (async () => {
        for (let n = 1; n <= 50; n++) await numbers.publish(n);
      })();
      const seen: number[] = [];
      for await (const n of values.take(50)) {
        seen.push(n);
        if (n % 10 === 0) link.break();
      }
      await all;
      expect(seen).to.deep.equal(Array.from({ length: 50 }, (_, index) => index + 1));
      expect(gaps).to.deep.equal([]);
    });
  });

  describe("after a publisher", () => {
    it("was closed there is none", async () => {
      const { address: nameserver } = await mesh.nameserver();
      const numbers = publisher<number>(NAME);
      const host = await mesh.host([numbers], { nameserver });
      const { values, gaps } = listen<number>({ client: mesh.client({ nameserver }) });
      await values.ready;
      const lost = new Promise((resolve) => values.on("lost", resolve));
      for (let n = 1; n <= 1_000; n++) void numbers.publish(n);
      await host.close();
      await lost;
      expect(await values.take(1_000)).to.have.length(1_000);
      await until(() => values.publishers.length === 0);
      expect(gaps).to.deep.equal([]);
    });

    for (const [how, service] of [
      ["under the same service path", "/demo/one"],
      ["under another one", "/demo/two"],
    ] as const) {
      it(`was killed and started again ${how}, they are gone and late`, async () => {
        const { address: nameserver } = await mesh.nameserver();
        const first = await startPublisher(nameserver, "/demo/one");
        const { values, gaps } = listen<{ n: number }>({ client: mesh.client({ nameserver }) });
        await values.ready;
        const [old] = (await values.publications().take(1)) as [Published<unknown>];
        await kill(first);
        await startPublisher(nameserver, service, { before: 10 });
        let late: Gap | undefined;
        let expected = 0;
        let hasGone = false;
        for await (const one of values.publications()) {
          if (one instanceof Gap) {
            if (one.reason === "late") late = one;
            if (one.reason === "gone") hasGone = true;
          } else if (one.incarnation !== old.incarnation && expected === 0) {
            expected = one.value.n;
          }
          if (hasGone && expected > 0) break;
        }
        expect(late).to.include({ service, missed: expected - 1 });
        expect(late?.missed).to.be.at.least(10);
        expect(gaps.filter(({ reason }) => reason === "gone")).to.have.length(1);
        expect(gaps.find(({ reason }) => reason === "gone")).to.include({
          service: "/demo/one",
          incarnation: old.incarnation,
          missed: undefined,
        });
      });
    }

    it("was killed, the others go on without one", async () => {
      const { address: nameserver } = await mesh.nameserver();
      const doomed = await startPublisher(nameserver, "/demo/doomed");
      const one = publisher<{ n: number }>(NAME);
      const two = publisher<{ n: number }>(NAME);
      await mesh.host([one], { nameserver, service: "/demo/one" });
      await mesh.host([two], { nameserver, service: "/demo/two" });
      const { values, gaps } = listen<{ n: number }>({ client: mesh.client({ nameserver }), buffer: 100_000 });
      await values.ready;
      expect(values.publishers).to.have.members(["/demo/doomed", "/demo/one", "/demo/two"]);
      const killed = kill(doomed);
      for (let n = 1; n <= 500; n++) {
        await one.publish({ n });
        await two.publish({ n });
        if (n % 100 === 0) await turn();
      }
      await killed;
      await until(() => gaps.length > 0);
      const seen = new Map<string, number[]>();
      let left = 1_000;
      for await (const published of values.publications()) {
        if (published instanceof Gap || published.service === "/demo/doomed") continue;
        const list = seen.get(published.service) ?? [];
        list.push(published.value.n);
        seen.set(published.service, list);
        if (--left === 0) break;
      }
      const whole = Array.from({ length: 500 }, (_, index) => index + 1);
      expect(seen.get("/demo/one")).to.deep.equal(whole);
      expect(seen.get("/demo/two")).to.deep.equal(whole);
      expect(gaps.map(({ reason, service }) => [reason, service])).to.deep.equal([["gone", "/demo/doomed"]]);
    });
  });

  describe("while the nameserver is away", () => {
    async function restartable(): Promise<{ address: string; restart: () => Promise<void> }> {
      let nameserver = new NameserverHost({ address: "tcp://127.0.0.1:0" });
      mesh.own({ close: () => nameserver.close() });
      await nameserver.start();
      const { address } = nameserver;
      const restart = async (): Promise<void> => {
        await nameserver.close();
        // libzmq lets go of a port some time after its socket was closed.
        await until(async () => {
          nameserver = new NameserverHost({ address });
          const reason = await nameserver.start().then(
            () => undefined,
            (error: unknown) => error as Error,
          );
          if (reason && !reason.message.includes("in use")) throw reason;
          return !reason;
        });
      };
      return { address, restart };
    }

    it("there are none", async () => {
      const { address, restart } = await restartable();
      const numbers = publisher<number>(NAME);
      await mesh.host([numbers], { nameserver: address });
      const { values, gaps } = listen<number>({ client: mesh.client({ nameserver: address }), buffer: 100_000 });
      await values.ready;
      let n = 0;
      const over = new AbortController();
      const all = (async () => {
        while (!over.signal.aborted) {
          await numbers.publish(++n);
          // No more than there is room for, however long it takes.
          if (n % 10 === 0) await pause(1);
        }
      })();
      await restart();
      // The publisher is known again.
      const late = mesh.own(subscriber<number>(NAME, { client: mesh.client({ nameserver: address }) }));
      await late.ready;
      over.abort();
      await all;
      expect(await values.take(n)).to.deep.equal(Array.from({ length: n }, (_, index) => index + 1));
      expect(gaps).to.deep.equal([]);
    });

    it("a broken connection leads to nothing twice", async () => {
      const { address, restart } = await restartable();
      const numbers = weakPublisher<number>(NAME, { replay: 100 });
      await mesh.host([numbers], { nameserver: address });
      const { values, gaps } = listen<number>({ client: mesh.client({ nameserver: address }), replay: 50 });
      await values.ready;
      for (let n = 1; n <= 5; n++) await numbers.publish(n);
      await until(() => values.waiting === 5);
      for (let round = 0; round < 3; round++) {
        const again = joinedAgain(values);
        numbers.break();
        await restart();
        await again;
      }
      for (let n = 6; n <= 10; n++) await numbers.publish(n);
      expect(await values.take(10)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(gaps.filter(({ reason }) => reason !== "gone")).to.deep.equal([]);
    });
  });

  describe("of a process that does not read", () => {
    for (const policy of ["drop-oldest", "drop-newest"] as const) {
      it(`are told when it goes on, also when nothing more is published (${policy})`, async () => {
        const { address: nameserver } = await mesh.nameserver();
        const numbers = publisher<{ topic: string; n: number; ballast: Uint8Array }>(NAME, { maxQueuedBytes: 1 << 20 });
        await mesh.host([numbers], { nameserver });
        const options = JSON.stringify({ policy, buffer: 1_000_000 });
        const child = start(process.execPath, ["test/fixtures/subscribing.js", nameserver, options], {
          interactive: true,
        });
        await child.waitFor(/^ready/m);
        const ballast = new Uint8Array(10_000);
        let n = 0;
        await numbers.publish({ topic: "", n: ++n, ballast });
        await child.waitFor(/^value/m);
        child.process.kill("SIGSTOP");
        const dropped = (): number => numbers.subscribers[0]?.dropped ?? 0;
        while (dropped() < 50) await numbers.publish({ topic: "", n: ++n, ballast });
        expect(numbers.subscribers[0]?.queued).to.be.at.most(105);
        child.process.kill("SIGCONT");
        await child.waitFor(/^gap slow \d+/m);
        const count = dropped();
        await until(async () => {
          child.process.stdin?.write("report\n");
          const [, json = ""] = await child.waitFor(/report (\{.*\})\n$/);
          const { values, wrong, runs } = JSON.parse(json) as Report;
          expect(wrong).to.deep.equal([]);
          return values === n - count && runs[0]?.told === count;
        });
        expect([...child.out().matchAll(/^gap (\S+) (\d+)/gm)].map(([, reason]) => reason)).to.deep.equal(["slow"]);
      });
    }
  });

  it("ends a subscriber that one of several publishers has thrown out (disconnect)", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const loud = publisher<Uint8Array>(NAME, { replay: 1_000, maxQueuedBytes: 100_000 });
    const quiet = publisher<Uint8Array>(NAME);
    await mesh.host([loud], { nameserver, service: "/loud" });
    await mesh.host([quiet], { nameserver, service: "/quiet" });
    for (let n = 0; n < 100; n++) await loud.publish(new Uint8Array(60_000));
    const { values } = listen<Uint8Array>({ client: mesh.client({ nameserver }), policy: "disconnect", replay: 1_000 });
    const error = await failureOf(values.forEach(() => undefined));
    expect(error.code).to.equal("OVERLOADED");
    expect(error.message).to.contain("/loud ended the subscription");
  });

  it("are none where values were held back by their size (block)", async () => {
    const numbers = publisher<Uint8Array>(NAME, { maxQueuedBytes: 300_000 });
    const host = await mesh.host([numbers]);
    const { values, gaps } = listen<Uint8Array>({
      client: mesh.client(),
      address: host.address,
      policy: "block",
      buffer: 1_000,
    });
    await values.ready;
    const all = Promise.all(Array.from({ length: 40 }, (_, n) => numbers.publish(new Uint8Array(100_000).fill(n))));
    const seen = await values.take(40);
    await all;
    expect(seen.map(([n]) => n)).to.deep.equal(Array.from({ length: 40 }, (_, n) => n));
    expect(gaps).to.deep.equal([]);
  });
});

interface Report {
  readonly values: number;
  readonly wrong: readonly string[];
  readonly runs: readonly { readonly told: number }[];
}
