import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import {
  type Client,
  defineInterface,
  Gap,
  publisher,
  type RpcError,
  type Subscriber,
  subscriber,
} from "../../src/index.js";
import { automaticTransport } from "../../src/transport/index.js";
import { ItemWriter, PublicationKind, writeBeginning, writeHead } from "../../src/wire/lamp/publication.js";
import { ForeignPublisher, type ForeignSubscription } from "../support/foreign-publisher.js";
import { generator } from "../support/generator.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

const NAME = "demo.hostile";

/** Items of a batch. */
function batchOf(first: number, ...values: unknown[]): Buffer[] {
  const writer = new ItemWriter(1 << 20);
  writer.begin("");
  for (const value of values) writer.add(value);
  return writer.take(first).frames.map((frame) => Buffer.from(frame));
}

const changedAt = (frame: Buffer | undefined, at: number, ...octets: number[]): Buffer => {
  const copy = Buffer.from(frame ?? []);
  Buffer.from(octets).copy(copy, at);
  return copy;
};

describe("Hostile publishers", () => {
  const mesh = useMesh();

  /** A subscriber of a hostile publisher and of a good one. */
  async function both(
    sent: (subscription: ForeignSubscription) => void,
  ): Promise<{ values: Subscriber; gaps: Gap[]; publish: (value: unknown) => Promise<void> }> {
    const { address: nameserver } = await mesh.nameserver();
    const good = publisher(NAME);
    await mesh.host([good], { nameserver, service: "/good" });
    let subscriptions = 0;
    const hostile = new ForeignPublisher(NAME, (subscription) => {
      subscription.begin();
      if (++subscriptions === 1) sent(subscription);
    });
    await mesh.host([hostile], { nameserver, service: "/hostile" });
    const values = mesh.own(subscriber(NAME, { client: mesh.client({ nameserver }), buffer: 10 }));
    const gaps: Gap[] = [];
    values.on("gap", (gap) => gaps.push(gap));
    await values.ready;
    return { values, gaps, publish: (value) => good.publish(value) };
  }

  const items = (before: number, skip = 0): Buffer => writeHead(PublicationKind.items, before, skip);
  const [good = Buffer.alloc(0)] = batchOf(1, "one", "two");
  const MALFORMED: Readonly<Record<string, readonly Uint8Array[]>> = {
    nothing: [],
    "a head that is too short": [Buffer.alloc(12)],
    "a head that is too long": [Buffer.alloc(14)],
    "an unknown kind": [changedAt(items(0), 0, 4), good],
    "items without a body": [items(0)],
    "a body that is empty": [items(0), Buffer.alloc(0)],
    "a topic that is no text": [items(0), changedAt(good, 0, 0xc0)],
    "a batch that claims 2^32 - 1 items": [items(0), changedAt(good, 9, 0xff, 0xff, 0xff, 0xff)],
    "a batch that claims no items": [items(0), changedAt(good, 9, 0, 0, 0, 0)],
    "a number above 2^52": [items(0), changedAt(good, 1, 0xff)],
    "a count above 2^52": [changedAt(items(0), 1, 0xff), good],
    "nothing but what is to be left out": [items(0, 2), good],
    "less left out than that": [items(0, 0xffffffff), good],
    "a second beginning": [writeHead(PublicationKind.ready, 0), writeBeginning({ from: 0, past: 0 })],
    "a tally without a number": [writeHead(PublicationKind.tally, 0)],
    "an end without a number": [writeHead(PublicationKind.end, 0)],
  };

  for (const [what, frames] of Object.entries(MALFORMED)) {
    it(`that send ${what} lose their subscription, and nothing else is lost`, async () => {
      const { values, gaps, publish } = await both((subscription) => {
        subscription.send(...frames);
        subscription.send(items(0), good);
      });
      await until(() => gaps.length > 0);
      expect(gaps).to.have.length(1);
      expect(gaps[0]).to.include({ reason: "malformed", missed: undefined, service: "/hostile" });
      await publish("fine");
      expect(await values.take(1)).to.deep.equal(["fine"]);
    });
  }

  it("that send an item which cannot be read lose that one", async () => {
    const [body = Buffer.alloc(0)] = batchOf(1, "one", "two", "three");
    const bad = changedAt(body, body.indexOf("two") - 1, 0xc1);
    const { values, gaps, publish } = await both((subscription) => {
      subscription.send(items(0), bad);
    });
    await until(() => values.waiting === 3);
    const list = await values.publications().take(3);
    expect(list.map((one) => (one instanceof Gap ? one.reason : one.value))).to.deep.equal([
      "one",
      "malformed",
      "three",
    ]);
    expect(gaps).to.have.length(1);
    expect(gaps[0]).to.include({ reason: "malformed", missed: 1, service: "/hostile" });
    await publish("fine");
    expect(await values.take(1)).to.deep.equal(["fine"]);
  });

  for (const [how, take] of Object.entries({
    "a loop": (values: Subscriber) => values.take(2),
    forEach: async (values: Subscriber) => {
      const list: unknown[] = [];
      const all = values.forEach((value) => list.push(value) === 2 && values.close());
      await all;
      return list;
    },
  })) {
    it(`that send an item which is longer than the message lose all behind it (${how})`, async () => {
      const [body = Buffer.alloc(0)] = batchOf(1, "one", "two", "three");
      const { values, gaps, publish } = await both((subscription) => {
        subscription.send(items(0), changedAt(body, body.indexOf("two") - 5, 0xff));
      });
      await until(() => values.waiting === 3);
      await publish("fine");
      expect(await take(values)).to.deep.equal(["one", "fine"]);
      expect(gaps).to.have.length(1);
      expect(gaps[0]).to.include({ reason: "malformed", missed: 2 });
      expect(values.waiting).to.equal(0);
    });
  }

  it("that never begin, or answer with something else, keep nobody from the others", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const numbers = publisher(NAME);
    await mesh.host([numbers], { nameserver, service: "/good" });
    await mesh.host([defineInterface(NAME, { methods: { subscribe: () => ({ token: 1, endpoints: "none" }) } })], {
      nameserver,
      service: "/hostile",
    });
    const values = mesh.own(subscriber(NAME, { client: mesh.client({ nameserver }) }));
    await values.ready;
    await numbers.publish("fine");
    expect(await values.take(1)).to.deep.equal(["fine"]);
    expect(values.publishers).to.deep.equal(["/good"]);
  });

  it("fill no more than the buffer of a subscriber", async () => {
    const { values, gaps } = await both((subscription) => {
      for (let n = 0; n < 2_000; n++) subscription.send(items(n), ...batchOf(n + 1, "x".repeat(1_000)));
    });
    await until(() => gaps.reduce((sum, { missed }) => sum + (missed ?? 0), 0) === 1_990);
    expect(values.waiting).to.equal(10);
  });
});

describe("Hostile subscribers", () => {
  const mesh = useMesh();

  const ask = (client: Client, address: string, method: string, args: unknown): Promise<unknown> =>
    client.connectComponent(address, NAME, { wire: "lamp" }).invoke(method, args);
  const fine = { topics: [""], policy: "drop-oldest", buffer: 10 };

  it("are told which argument is wrong", async () => {
    const host = await mesh.host([publisher(NAME)]);
    const client = mesh.client();
    for (const [args, text] of [
      [{ ...fine, topics: [] }, "topics"],
      [{ ...fine, topics: [1] }, "topics"],
      [{ ...fine, topics: new Array(1_001).fill("") }, "topics"],
      [{ ...fine, topics: ["x".repeat(1_001)] }, "topics"],
      [{ ...fine, topics: new Array(100).fill("x".repeat(1_000)) }, "topics"],
      [{ ...fine, policy: "drop-all" }, "policy"],
      [{ ...fine, policy: "__proto__" }, "policy"],
      [{ ...fine, buffer: 0 }, "buffer"],
      [{ ...fine, buffer: 1e12 }, "buffer"],
      [{ ...fine, room: 11 }, "room"],
      [{ ...fine, room: -1 }, "room"],
      [{ ...fine, replay: -1 }, "replay"],
      [{ ...fine, after: {} }, "after"],
      [{ ...fine, after: { incarnation: "x", sequence: -1 } }, "after.sequence"],
    ] as const) {
      const error = await failureOf(ask(client, host.address, "subscribe", args));
      expect(error.code, JSON.stringify(args).slice(0, 100)).to.equal("BAD_REQUEST");
      expect(error.message).to.contain(text);
    }
  });

  it("that send anything at all do not disturb the others", async () => {
    const numbers = publisher<number>(NAME, { replay: 10 });
    const host = await mesh.host([numbers]);
    const values = mesh.own(subscriber<number>(NAME, { client: mesh.client(), address: host.address }));
    await values.ready;
    const client = mesh.client();
    const random = generator(Number(process.env.FUZZ_SEED ?? 7));
    const THINGS = [null, "", "a", 0, -1, 1.5, 2 ** 53, true, [], {}, [""], ["", 1], "block", { incarnation: "" }];
    const thing = (): unknown => THINGS[random(THINGS.length)];
    const codes = new Set<string>();
    for (let round = 0; round < 500; round++) {
      const isCredit = random(4) === 0;
      const args = isCredit
        ? { token: thing(), taken: thing() }
        : { ...fine, [["topics", "policy", "buffer", "room", "replay", "after"][random(6)] ?? ""]: thing() };
      await ask(client, host.address, isCredit ? "credit" : "subscribe", args).catch((error: unknown) =>
        codes.add((error as RpcError).code),
      );
    }
    expect([...codes]).to.deep.equal(["BAD_REQUEST"]);
    await numbers.publish(1);
    expect(await values.take(1)).to.deep.equal([1]);
  });

  it("get nothing for a token, or the beginning of one, that is not theirs", async () => {
    const numbers = publisher<number>(NAME);
    const host = await mesh.host([numbers]);
    const client = mesh.client();
    const answer = (await ask(client, host.address, "subscribe", fine)) as {
      token: string;
      endpoints: { address: string }[];
    };
    const got: string[] = [];
    let opened: () => void = () => undefined;
    const isOpen = new Promise<void>((resolve) => {
      opened = resolve;
    });
    const link = mesh.own(
      automaticTransport.connect(
        answer.endpoints.find(({ address }) => address.startsWith("tcp"))?.address ?? "",
        {
          opened: () => {
            opened();
          },
          message: ([token]) => got.push(Buffer.from(token ?? []).toString()),
          closed: () => undefined,
        },
        { socketType: "SUB", maxMessageBytes: 1 << 20, security: undefined },
      ),
    );
    await isOpen;
    const subscribe = (prefix: string): void => {
      link.send([Buffer.from(`\x01${prefix}`)], () => undefined);
    };
    for (const prefix of ["", ...Array.from("0123456789abcdef"), answer.token.slice(0, 31), `${answer.token}0`]) {
      subscribe(prefix);
    }
    const values = mesh.own(subscriber<number>(NAME, { client, address: host.address }));
    await values.ready;
    await numbers.publish(1);
    expect(await values.take(1)).to.deep.equal([1]);
    expect(numbers.subscribers).to.have.length(1);
    expect(got).to.deep.equal([]);
    subscribe(answer.token);
    await until(() => got.length > 0);
    expect(numbers.subscribers).to.have.length(2);
    expect(got).to.deep.equal([answer.token]);
  });

  it("cannot give credit for others, nor more than they were sent", async () => {
    const numbers = publisher<number>(NAME);
    const host = await mesh.host([numbers]);
    const client = mesh.client();
    const values = mesh.own(subscriber<number>(NAME, { client, address: host.address, policy: "block", buffer: 1 }));
    await values.ready;
    for (const token of ["", "0".repeat(32), "__proto__"]) {
      const error = await failureOf(ask(client, host.address, "credit", { token, taken: 1 }));
      expect(error).to.include({ code: "BAD_REQUEST" });
    }
    await numbers.publish(1);
    let isHeld = true;
    const held = numbers.publish(2).then(() => {
      isHeld = false;
    });
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(isHeld).to.equal(true);
    expect(await values.take(2)).to.deep.equal([1, 2]);
    await held;
  });

  it("that take nothing up keep nobody out", async function () {
    this.timeout(60_000);
    const numbers = publisher<number>(NAME);
    const host = await mesh.host([numbers]);
    const greedy = mesh.client();
    const component = greedy.connectComponent(host.address, NAME, { wire: "lamp" });
    let taken = 0;
    for (let round = 0; round < 100; round++) {
      await Promise.all(
        Array.from({ length: 200 }, async () => {
          try {
            await component.invoke("subscribe", fine);
            taken++;
          } catch (error) {
            expect((error as RpcError).code).to.equal("OVERLOADED");
          }
        }),
      );
    }
    expect(taken).to.equal(5_000);
    const values = mesh.own(subscriber<number>(NAME, { client: mesh.client(), address: host.address }));
    await values.ready;
    await numbers.publish(1);
    expect(await values.take(1)).to.deep.equal([1]);
  });
});
