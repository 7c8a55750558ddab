import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import {
  Gap,
  type Host,
  Interface,
  Method,
  onTopic,
  Publication,
  type Published,
  Publisher,
  publisher,
  type Subscriber,
  type SubscriberOptions,
  subscriber,
} from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

const NAME = "demo.interface.name";

/** A value, or what of a gap counts. */
function short(one: Published<number> | Gap): number | string {
  return one instanceof Gap ? `${one.reason} ${one.missed}` : one.value;
}

describe("Publish and subscribe", () => {
  const mesh = useMesh();

  /** A publisher and a subscriber that is ready, over a nameserver. */
  async function pair<T>(
    made: Publication<T>,
    options: SubscriberOptions = {},
  ): Promise<{
    host: Host;
    numbers: Publication<T>;
    subscribed: Subscriber<T>;
    subscribe: (more?: SubscriberOptions) => Subscriber<T>;
  }> {
    const { address: nameserver } = await mesh.nameserver();
    const host = await mesh.host([made], { nameserver });
    const client = mesh.client({ nameserver });
    const subscribe = (more: SubscriberOptions = {}): Subscriber<T> =>
      mesh.own(subscriber<T>(made.name, { client, ...options, ...more }));
    const subscribed = subscribe();
    await subscribed.ready;
    return { host, numbers: made, subscribed, subscribe };
  }

  it("gives what a generator yields to take(n)", async () => {
    let n = 0;
    const { subscribed } = await pair(
      publisher<number>(NAME, async function* () {
        for (;;) {
          yield ++n;
          await turn();
        }
      }),
    );
    expect(await subscribed.take(10)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("gives what is published from anywhere, with every type of value", async () => {
    const { numbers, subscribed } = await pair(publisher<unknown>(NAME));
    const values = [
      1,
      "zwei",
      { drei: [3n, new Date(4)] },
      new Uint8Array(5),
      null,
      undefined,
      new Map([["a", new Set([1])]]),
    ];
    for (const value of values) await numbers.publish(value);
    expect(await subscribed.take(values.length)).to.deep.equal(values);
  });

  it("sends values as they are when they are published", async () => {
    const { numbers, subscribed } = await pair(publisher<unknown>(NAME));
    const value = { a: 1 };
    const bytes = new Uint8Array(100_000).fill(1);
    void numbers.publish(value);
    void numbers.publish(bytes);
    value.a = 2;
    await turn();
    bytes.fill(2);
    expect(await subscribed.take(2)).to.deep.equal([{ a: 1 }, new Uint8Array(100_000).fill(1)]);
  });

  it("serves a generator that is a method of a service, beside its methods", async () => {
    @Interface("demo.dice")
    class Dice {
      #sides = 6;
      @Method() sides() {
        return this.#sides;
      }
      @Publisher("demo.dice.rolls") async *rolls() {
        for (let roll = 1; ; roll++) {
          yield (roll % this.#sides) + 1;
          await turn();
        }
      }
    }
    const { address: nameserver } = await mesh.nameserver();
    const host = await mesh.host([new Dice()], { nameserver });
    const client = mesh.client({ nameserver });
    expect(host.interfaces).to.have.members(["demo.dice", "demo.dice.rolls"]);
    const rolls = mesh.own(subscriber<number>("demo.dice.rolls", { client }));
    expect(await rolls.take(3)).to.deep.equal([2, 3, 4]);
    expect(await client.locate<Dice>("demo.dice").sides()).to.equal(6);
  });

  it("wants names of its own for what is published beside methods", async () => {
    @Interface("demo.both")
    class Both {
      @Method() method() {
        return 1;
      }
      @Publisher("demo.both") async *values() {
        yield 1;
      }
    }
    expect((await failureOf(mesh.host([new Both()]))).message).to.contain(
      "a name of its own, such as demo.both.events",
    );
    expect((await failureOf(mesh.host([publisher("a"), publisher("a")]))).message).to.contain(
      "is provided here already",
    );
  });

  it("serves a class that does nothing but publish", async () => {
    class Clock {
      @Publisher("demo.clock") async *ticks() {
        yield "tick";
      }
    }
    const host = await mesh.host([Clock]);
    const ticks = mesh.own(subscriber("demo.clock", { client: mesh.client(), address: host.address }));
    expect(await ticks.take(1)).to.deep.equal(["tick"]);
  });

  it("runs one generator from the first subscriber to the last, and another one for the next", async () => {
    let begun = 0;
    let ended = 0;
    const { subscribed, subscribe } = await pair(
      publisher<number>(NAME, async function* (signal) {
        const run = ++begun;
        try {
          while (!signal.aborted) {
            yield run;
            await turn();
          }
        } finally {
          ended++;
        }
      }),
    );
    const second = subscribe();
    expect(await subscribed.take(2)).to.deep.equal([1, 1]);
    expect(await second.take(2)).to.deep.equal([1, 1]);
    expect(begun).to.equal(1);
    await subscribed.close();
    expect(await second.take(2000)).to.deep.equal(new Array(2000).fill(1));
    await second.close();
    await until(() => ended === 1);
    expect(await subscribe().take(1)).to.deep.equal([2]);
    expect(begun).to.equal(2);
  });

  it("begins a generator that failed anew, and says so", async () => {
    let begun = 0;
    const { subscribed } = await pair(
      publisher<number>(NAME, async function* () {
        yield ++begun;
        await turn();
        if (begun === 1) throw new Error("broken");
        await new Promise(() => undefined);
      }),
    );
    const lost = new Promise((resolve) => {
      subscribed.on("lost", (_service, reason) => {
        resolve(reason.message);
      });
    });
    expect(await subscribed.take(2)).to.deep.equal([1, 2]);
    expect(await lost).to.contain("failed; its log says why");
  });

  it("merges several publishers, also those that come later", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const [one, two] = [publisher<string>(NAME), publisher<string>(NAME)];
    await mesh.host([one], { nameserver });
    const all = mesh.own(subscriber<string>(NAME, { client: mesh.client({ nameserver }) }));
    await all.ready;
    const joined = new Promise((resolve) => all.on("joined", resolve));
    await mesh.host([two], { nameserver, service: "/two" });
    expect(await joined).to.equal("/two");
    await one.publish("one");
    await two.publish("two");
    expect(await all.take(2)).to.have.members(["one", "two"]);
    expect(all.publishers).to.have.length(2);
  });

  it("follows a publisher that is closed and started anew elsewhere, and says what was published meanwhile", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const first = publisher<number>(NAME);
    const host = await mesh.host([first], { nameserver, service: "/demo" });
    const numbers = mesh.own(subscriber<number>(NAME, { client: mesh.client({ nameserver }) }));
    const gaps: Gap[] = [];
    numbers.on("gap", (gap) => gaps.push(gap));
    await numbers.ready;
    await first.publish(1);
    await host.close();
    const second = publisher<number>(NAME);
    await second.publish(2);
    const joined = new Promise((resolve) => numbers.on("joined", resolve));
    await mesh.host([second], { nameserver, service: "/demo" });
    await joined;
    await second.publish(3);
    expect(await numbers.take(2)).to.deep.equal([1, 3]);
    expect(gaps.map(({ reason, missed }) => [reason, missed])).to.deep.equal([["late", 1]]);
  });

  it("ends loops when it is closed, and closes when a loop is left early", async () => {
    const { numbers, subscribed, subscribe } = await pair(publisher<number>(NAME));
    const seen: number[] = [];
    const ended = (async () => {
      for await (const n of subscribed) seen.push(n);
      return seen;
    })();
    await numbers.publish(1);
    await until(() => seen.length === 1);
    await subscribed.close();
    expect(await ended).to.deep.equal([1]);

    const other = subscribe();
    await other.ready;
    await numbers.publish(2);
    for await (const n of other) {
      expect(n).to.equal(2);
      break;
    }
    expect(other.isClosed).to.equal(true);
    await until(() => numbers.subscribers.length === 0);
  });

  for (const how of ["found through the nameserver", "at an address"]) {
    it(`ends with its client, of a publisher ${how}, and leaves nothing behind`, async () => {
      const { address: nameserver } = await mesh.nameserver();
      const host = await mesh.host([publisher<number>(NAME)], { nameserver });
      const client = mesh.client({ nameserver });
      const address = how === "at an address" ? host.address : undefined;
      const subscribed = subscriber<number>(NAME, { client, ...(address !== undefined && { address }) });
      await subscribed.ready;
      const taken = failureOf(subscribed.take(1));
      await client.close();
      expect(await taken).to.include({ code: "CLOSED" });
      expect(subscribed.isClosed).to.equal(true);
    });
  }

  it("ends with its signal, and rejects ready", async () => {
    const abort = new AbortController();
    const waiting = subscriber(NAME, { client: mesh.client(), signal: abort.signal });
    abort.abort();
    expect((await failureOf(waiting.ready)).code).to.equal("CLOSED");
    expect(await waiting.take(1)).to.deep.equal([]);
  });

  it("rejects ready when nobody publishes in time, and waits on", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const waiting = mesh.own(subscriber<number>(NAME, { client: mesh.client({ nameserver }), timeoutMs: 50 }));
    const error = await failureOf(waiting.ready);
    expect(error.code).to.equal("SERVICE_NOT_FOUND");
    expect(error.message).to.contain("Nobody published demo.interface.name within 50 ms");
    const late = publisher<number>(NAME);
    await mesh.host([late], { nameserver });
    await until(() => late.subscribers.length === 1);
    await late.publish(5);
    expect(await waiting.take(1)).to.deep.equal([5]);
  });

  it("says of an interface that is none of a publisher, and of one that it may not have", async () => {
    @Interface("demo.plain")
    class Plain {
      @Method() nothing() {
        return 1;
      }
    }
    const host = await mesh.host([new Plain(), publisher(NAME, { policy: "deny" })]);
    const options = { client: mesh.client(), address: host.address };
    const error = await failureOf(mesh.own(subscriber("demo.plain", options)).take(1));
    expect(error.code).to.equal("METHOD_NOT_FOUND");
    expect(error.message).to.contain("is no publisher: it has no method subscribe");
    expect((await failureOf(mesh.own(subscriber(NAME, options)).ready)).code).to.equal("ACCESS_DENIED");
  });

  it("says why nobody is ready in time, where it is known", async () => {
    const [place, nowhere] = [mesh.client(), "tcp://127.0.0.1:1"];
    const refused = await failureOf(
      mesh.own(subscriber(NAME, { client: place, address: nowhere, timeoutMs: 300 })).ready,
    );
    expect(refused.code).to.equal("UNAVAILABLE");
    expect(refused.message).to.match(/Nobody published demo.interface.name within 300 ms: .*refused the connection/);
    const unnamed = await failureOf(mesh.own(subscriber(NAME, { client: place, timeoutMs: 300 })).ready);
    expect(unnamed.message).to.contain("No nameserver can be reached");
  });

  it("has map, filter, take and slice", async () => {
    const { numbers, subscribed } = await pair(publisher<number>(NAME));
    for (let n = 1; n <= 12; n++) await numbers.publish(n);
    expect(
      await subscribed
        .filter((n) => n % 2 === 0)
        .map((n) => n * 10)
        .take(2),
    ).to.deep.equal([20, 40]);
    expect(await subscribed.slice(1, 3)).to.deep.equal([6, 7]);
    const seen: number[] = [];
    for await (const n of subscribed.take(2)) seen.push(n);
    expect(seen).to.deep.equal([8, 9]);
    expect(() => subscribed.take(-1)).to.throw("whole numbers");
  });

  it("tells topic, number and publisher of each value", async () => {
    const { numbers, subscribed } = await pair(publisher<number>(NAME), {});
    await numbers.publish(1, { topic: "eu.de" });
    await numbers.publish(2);
    const [one, two] = await subscribed.publications().take(2);
    expect(one).to.include({ value: 1, topic: "eu.de", sequence: 1 });
    expect(two).to.include({ value: 2, topic: "", sequence: 2 });
  });

  it("filters by the beginning of topics", async () => {
    const { numbers, subscribe } = await pair(
      publisher<string>(NAME, async function* () {
        yield onTopic("eu.de", "generated");
      }),
    );
    const eu = subscribe({ topics: ["eu.", "as.jp"] });
    await eu.ready;
    for (const topic of ["eu.fr", "us.ny", "as.jp.tokyo", "as.in", ""]) await numbers.publish(topic, { topic });
    await numbers.publish("last", { topic: "eu." });
    expect(await eu.take(3)).to.deep.equal(["eu.fr", "as.jp.tokyo", "last"]);
  });

  it("keeps the order of a topic, and counts all items of a publisher", async () => {
    const { numbers, subscribed } = await pair(publisher<number>(NAME), { buffer: 10_000 });
    for (let n = 0; n < 3000; n++) void numbers.publish(n, { topic: n % 2 === 0 ? "even" : "odd" });
    const all = await subscribed.publications().take(3000);
    const values = all.map((one) => (one as { value: number }).value);
    expect(values.filter((n) => n % 2 === 0)).to.deep.equal(Array.from({ length: 1500 }, (_, i) => 2 * i));
    expect(values.filter((n) => n % 2 === 1)).to.deep.equal(Array.from({ length: 1500 }, (_, i) => 2 * i + 1));
    expect(all.map((one) => (one as { sequence: number }).sequence)).to.deep.equal(
      Array.from({ length: 3000 }, (_, i) => i + 1),
    );
    expect(numbers.sequence).to.equal(3000);
  });

  it("gives the last value of each topic first, where they are kept", async () => {
    const { numbers, subscribe } = await pair(publisher<string>(NAME, { retain: true }));
    await numbers.publish("old", { topic: "a" });
    void numbers.publish("newer", { topic: "a" });
    void numbers.publish("newest", { topic: "a" });
    await numbers.publish("b", { topic: "b" });
    const late = subscribe();
    await late.ready;
    await numbers.publish("live", { topic: "a" });
    const got = await late.publications().take(3);
    expect(got.map((one) => [(one as { value: string }).value, (one as { sequence: number }).sequence])).to.deep.equal([
      ["newest", 3],
      ["b", 4],
      ["live", 5],
    ]);
    const without = subscribe({ retained: false, topics: "b" });
    await without.ready;
    await numbers.publish("c", { topic: "b" });
    expect(await without.take(1)).to.deep.equal(["c"]);
  });

  it("replays the last values to those who ask for them", async () => {
    const { numbers, subscribe } = await pair(publisher<number>(NAME, { replay: 5 }));
    for (let n = 1; n <= 20; n++) void numbers.publish(n);
    await numbers.publish(21, { topic: "x" });
    expect(await subscribe({ replay: 3 }).take(3)).to.deep.equal([19, 20, 21]);
    expect(await subscribe({ replay: 100, topics: "x" }).take(1)).to.deep.equal([21]);
    const more = subscribe({ replay: 100 });
    expect(await more.take(5)).to.deep.equal([17, 18, 19, 20, 21]);
    await numbers.publish(22);
    expect(await more.take(1)).to.deep.equal([22]);
  });

  it("goes on where another subscriber has stopped, and says what is not kept", async () => {
    const { numbers, subscribed, subscribe } = await pair(publisher<number>(NAME, { replay: 3 }));
    for (let n = 1; n <= 3; n++) await numbers.publish(n);
    const [, second] = await subscribed.publications().take(2);
    const { service, incarnation = "", sequence } = second as Published<number>;
    await turn();
    await numbers.publish(4);
    const position = { service, incarnation, sequence };
    expect(
      await subscribe({ resume: [position] })
        .publications()
        .map(short)
        .take(2),
    ).to.deep.equal([3, 4]);
    for (let n = 5; n <= 20; n++) {
      await numbers.publish(n);
      await turn();
    }
    const late = subscribe({ resume: [position], replay: 1 })
      .publications()
      .map(short);
    expect(await late.take(4)).to.deep.equal(["connection 15", 18, 19, 20]);
    const other = subscribe({ resume: [{ ...position, incarnation: "another" }], replay: 1 })
      .publications()
      .map(short);
    expect(await other.take(3)).to.deep.equal(["gone undefined", "late 19", 20]);
  });

  it("refuses what cannot be published, and publishes the rest", async () => {
    const { numbers, subscribed } = await pair(publisher<unknown>(NAME));
    const [first, wrong, second] = [numbers.publish(1), numbers.publish({ a: Symbol("no") }), numbers.publish(2)];
    await first;
    const error = await failureOf(wrong);
    expect(error.code).to.equal("BAD_REQUEST");
    expect(error.message).to.contain("the value.a is a symbol");
    await second;
    expect((await failureOf(numbers.publish(1, { topic: "x".repeat(2000) }))).code).to.equal("BAD_REQUEST");
    expect(await subscribed.take(2)).to.deep.equal([1, 2]);
  });

  it("refuses to publish after its host was closed", async () => {
    const numbers = publisher<number>(NAME);
    const host = await mesh.host([numbers]);
    await host.close();
    expect((await failureOf(numbers.publish(1))).code).to.equal("CLOSED");
    expect(() => mesh.host([numbers])).to.not.throw();
    expect((await failureOf(mesh.host([numbers]))).message).to.contain("published by a host already");
  });

  it("is ready only when what is published afterwards arrives, however often one tries", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const numbers = publisher<number>(NAME);
    await mesh.host([numbers], { nameserver });
    const client = mesh.client({ nameserver });
    for (let turn = 0; turn < 50; turn++) {
      const one = subscriber<number>(NAME, { client });
      await one.ready;
      await numbers.publish(turn);
      expect(await one.take(1)).to.deep.equal([turn]);
      await one.close();
    }
    await until(() => numbers.subscribers.length === 0);
  });

  it("uses one connection for many subscribers of one client", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const names = Array.from({ length: 20 }, (_, i) => `demo.many.${i}`);
    const publications = names.map((name) => publisher<string>(name));
    await mesh.host(publications, { nameserver });
    const client = mesh.client({ nameserver });
    const subscribers = names.map((name) => mesh.own(subscriber<string>(name, { client })));
    await Promise.all(subscribers.map(({ ready }) => ready));
    await Promise.all(publications.map((one) => one.publish(one.name)));
    expect(await Promise.all(subscribers.map(async (one) => (await one.take(1))[0]))).to.deep.equal(names);
    expect(client.subscribing.sockets.size).to.equal(1);
    for (const one of subscribers) await one.close();
    expect(client.subscribing.sockets.size).to.equal(0);
  });

  it("tells errors of listeners to the log, and goes on", async () => {
    const { numbers, subscribed } = await pair(publisher<number>(NAME), { buffer: 1 });
    subscribed.on("gap", () => {
      throw new Error("listener");
    });
    for (let n = 0; n < 3; n++) void numbers.publish(n);
    await until(() => subscribed.waiting === 1);
    expect(await subscribed.take(1)).to.deep.equal([2]);
  });

  it("is one module for both ends, and Publication is what publisher gives", async () => {
    expect(publisher(NAME)).to.be.instanceOf(Publication);
    expect(() => publisher("")).to.throw("needs the interface's name");
    expect(() => publisher(NAME, { replay: -1 })).to.throw("The option replay");
    expect(() => subscriber("")).to.throw("needs the interface's name");
    expect(() => subscriber(NAME, { policy: "wait" as never })).to.throw("The option policy is one of");
    expect(() => subscriber(NAME, { buffer: 0 })).to.throw("The option buffer");
  });

  it("shows whom and what it publishes", async () => {
    const { host, numbers, subscribed } = await pair(publisher<number>(NAME));
    await numbers.publish(1, { topic: "a" });
    await numbers.publish(2);
    await subscribed.take(2);
    expect(numbers.topics).to.have.deep.members([
      { topic: "", published: 1, subscribers: 1 },
      { topic: "a", published: 1, subscribers: 1 },
    ]);
    expect(numbers.subscribers).to.have.length(1);
    const { sections } = await host.stats();
    expect(sections.publications).to.deep.equal([
      { interface: NAME, published: 2, topics: numbers.topics, subscribers: numbers.subscribers },
    ]);
    expect(numbers.subscribers[0]).to.include({ policy: "drop-oldest", delivered: 2, dropped: 0, queued: 0 });
  });
});
