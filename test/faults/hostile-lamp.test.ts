import { EventEmitter, once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { currentCall, defineInterface, type Host, type HostOptions } from "../../src/index.js";
import { callOf, hello, LampPeer } from "../support/lamp-peer.js";
import { useMesh } from "../support/mesh.js";

describe("A peer on the lamp wire that means no good", () => {
  const mesh = useMesh();
  const left = new EventEmitter();
  let executed = 0;

  async function scene(options?: HostOptions): Promise<{ host: Host; peer: LampPeer }> {
    executed = 0;
    const slow = async (): Promise<string> => {
      executed++;
      await pause(20);
      return "x".repeat(2_000);
    };
    const untilGone = async (): Promise<void> => {
      executed++;
      await once(currentCall().signal, "abort");
      left.emit("noticed");
    };
    const host = await mesh.host([defineInterface("demo.hostile", { methods: { slow, untilGone } })], options);
    return { host, peer: mesh.own(await LampPeer.to(host.address)) };
  }

  /** Does the host serve others? */
  async function isWell(host: Host): Promise<boolean> {
    const client = mesh.client();
    const result = await client.connect<{ slow(): string }>(host.address, "demo.hostile", { wire: "lamp" }).slow();
    return result.length === 2_000;
  }

  for (const [what, told] of Object.entries({
    "that takes next to nothing": { maxMessageBytes: 1 },
    "whose name anybody could guess": { connection: "a" },
    "whose name is no name": { connection: "x".repeat(1_000_000) },
  })) {
    it(`is sent away when it says hello as one ${what}`, async () => {
      const { host, peer } = await scene();
      peer.send(hello(told), callOf("slow"));
      await peer.hears("goodbye");
      expect(executed).to.equal(0);
      expect(await isWell(host)).to.equal(true);
    });
  }

  it("is told that its answer is larger than it takes", async () => {
    const { host, peer } = await scene();
    peer.send(hello({ maxMessageBytes: 1_024 }), callOf("slow"));
    await peer.hears("error");
    expect(await isWell(host)).to.equal(true);
  });

  it("has nothing executed before it says hello", async () => {
    const { host, peer } = await scene();
    peer.send(callOf("slow"));
    await peer.hears("goodbye");
    expect(executed).to.equal(0);
    expect(await isWell(host)).to.equal(true);
  });

  it("may not use the name of another connection", async () => {
    const { host, peer } = await scene();
    peer.send(hello());
    await peer.hears("hello");
    const second = mesh.own(await LampPeer.to(host.address));
    second.send(hello(), callOf("slow"));
    await second.hears("goodbye");
    expect(executed).to.equal(0);
  });

  for (const call of ["", "no-colon", "connection-of-a-test:0", "connection-of-a-test:x", `${"x".repeat(100_000)}:1`]) {
    it(`is sent away for an earlier try named ${JSON.stringify(call.slice(0, 30))}`, async () => {
      const { host, peer } = await scene();
      const again = { call, incarnation: host.incarnation, ageMs: 0 };
      peer.send(hello(), callOf("slow", { again }));
      await peer.hears("goodbye");
      expect(executed).to.equal(0);
      expect(await isWell(host)).to.equal(true);
    });
  }

  for (const [what, told] of Object.entries({
    "a name that anybody could guess": { call: "short:1", isFirst: true },
    "a number that is none of those that are told apart": { call: "name-of-a-caller:9007199254740993", isFirst: true },
    "a number below 0 that is taken": { call: "name-of-a-caller:1", taken: -1 },
    "a half number that is taken": { call: "name-of-a-caller:1", taken: 0.5 },
  })) {
    it(`is sent away for a named call with ${what}`, async () => {
      const { host, peer } = await scene();
      const again = { incarnation: host.incarnation, ageMs: 0, idempotent: true, ...told };
      peer.send(hello(), callOf("slow", { again }));
      await peer.hears("goodbye");
      expect(executed).to.equal(0);
      expect(await isWell(host)).to.equal(true);
    });
  }

  it("has its call executed once, and not at all under a name that was used, whatever it says of it", async () => {
    const { host, peer } = await scene();
    const again = { call: "name-of-a-caller:7", incarnation: "any", ageMs: 0, idempotent: true };
    const first = { ...again, isFirst: true, taken: 2 ** 53 - 1 };
    peer.send(hello(), callOf("slow", { again: first }), callOf("slow", { id: 2, again: first }));
    await peer.hears("error");
    await peer.hears("result");
    expect(executed).to.equal(1);
    expect(await isWell(host)).to.equal(true);
  });

  it("does no harm by going when the host keeps no answers", async () => {
    const { host, peer } = await scene({ answerWindow: { maxBytes: 0, graceMs: 1 } });
    const noticed = once(left, "noticed");
    peer.send(hello(), callOf("untilGone"));
    await peer.hears("hello");
    peer.send({ kind: "goodbye", code: "CLOSED", text: "gone" });
    await noticed;
    expect(await isWell(host)).to.equal(true);
  });
});
