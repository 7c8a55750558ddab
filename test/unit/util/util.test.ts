import { expect } from "chai";
import { Session, Sessions } from "../../../src/peer/sessions.js";
import { parseAddress } from "../../../src/transport/index.js";
import { DeadlineWheel, TICK_MS } from "../../../src/util/deadline-wheel.js";
import { nearest } from "../../../src/util/did-you-mean.js";
import { sleep, untilAborted } from "../../../src/util/sleep.js";

describe("DeadlineWheel", () => {
  const expiring = (wheel: DeadlineWheel, at: number) =>
    new Promise<number>((resolve) => {
      wheel.add(at, {
        expire: () => {
          resolve(wheel.now());
        },
      });
    });

  it("never expires an entry early, in whatever order they come", async () => {
    const wheel = new DeadlineWheel();
    const deadlines = [50, 5, 30, 0, -10, 30].map((ms) => wheel.now() + ms);
    const expired = await Promise.all(deadlines.map((at) => expiring(wheel, at)));
    expired.forEach((at, index) => expect(at).to.be.at.least(deadlines[index] ?? NaN));
    expect(wheel.size).to.equal(0);
  });

  it("forgets a deleted entry, and is empty then", async () => {
    const wheel = new DeadlineWheel();
    const gone = { expire: () => expect.fail("expired") };
    wheel.add(wheel.now() + TICK_MS, gone);
    wheel.delete(gone);
    wheel.delete(gone);
    expect(wheel.size).to.equal(0);
    await expiring(wheel, wheel.now() + 3 * TICK_MS);
  });

  it("takes entries that are added while others expire, and never looks at Infinity", async () => {
    const wheel = new DeadlineWheel();
    wheel.add(Infinity, { expire: () => expect.fail("expired") });
    expect(wheel.size).to.equal(0);
    await expiring(wheel, 0).then(() => expiring(wheel, 0));
  });
});

describe("nearest()", () => {
  const names = ["create", "delete", "list_services"];
  const rows: [string, string | undefined][] = [
    ["creat", "create"],
    ["CREATE", "create"],
    ["list_service", "list_services"],
    ["x", undefined],
    ["something", undefined],
    ["a".repeat(100_000), undefined],
  ];
  for (const [name, expected] of rows) {
    it(`finds ${String(expected)} for ${name.slice(0, 20)}`, () => {
      expect(nearest(name, names)).to.equal(expected);
    });
  }
});

describe("parseAddress()", () => {
  const rows: [string, string][] = [
    ["192.168.10.1:2012", "tcp://192.168.10.1:2012"],
    [" tcp://host.example:1 ", "tcp://host.example:1"],
    ["TCP://[::1]:5", "tcp://[::1]:5"],
    ["tcp://*:*", "tcp://*:0"],
    ["ipc:///tmp/x", "ipc:///tmp/x"],
    ["unix:///tmp/x", "ipc:///tmp/x"],
    ["tls://*:8000", "tls://*:8000"],
    ["tls://[::1]:*", "tls://[::1]:0"],
  ];
  for (const [text, normal] of rows) {
    it(`reads ${text}`, () => {
      expect(parseAddress(text).text).to.equal(normal);
    });
  }
});

describe("Sessions", () => {
  it("expire an hour after their last use, not before", () => {
    let now = 0;
    const sessions = new Sessions({ now: () => now });
    const { id } = sessions.attach(undefined);
    now = 3_599_999;
    expect(sessions.attach(id)).to.be.instanceOf(Session);
    now += 3_599_999;
    sessions.attach(id);
    now += 3_600_000;
    expect(() => sessions.attach(id)).to.throw(`Session '${id}' has expired`);
    expect(sessions.size).to.equal(0);
  });

  it("are refused beyond the limit, and make room when they are discarded", () => {
    const sessions = new Sessions({ maxSessions: 1 });
    const session = sessions.attach(undefined);
    expect(() => sessions.attach(undefined))
      .to.throw(/All 1 sessions/)
      .with.property("code", "OVERLOADED");
    session.set("a", 1);
    session.discard();
    expect(session.size).to.equal(0);
    expect(sessions.attach(undefined).id).to.not.equal(session.id);
  });
});

describe("sleep() and untilAborted()", () => {
  it("end early by the signal, and leave no listener behind", async () => {
    const controller = new AbortController();
    const sleeping = sleep(60_000, controller.signal);
    const waiting = untilAborted(new Promise(() => undefined), controller.signal);
    controller.abort(new Error("stop"));
    await sleeping;
    expect(await waiting.catch((error: unknown) => (error as Error).message)).to.equal("stop");
    await sleep(60_000, controller.signal);
  });
});
