import { expect } from "chai";
import {
  currentCall,
  defineInterface,
  type KeyFolder,
  type Publication,
  publisher,
  subscriber,
} from "../../src/index.js";
import { useKeys } from "../support/keys.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

const NAME = "demo.secret.numbers";

describe("Publications of a host with keys", () => {
  const mesh = useMesh();
  if (process.env.LAMPLIGHTER_TRANSPORT === "zeromq") return;
  const keys = useKeys();

  async function scene(numbers: Publication<number>) {
    const of = { nameserver: keys(), host: keys(), ann: keys(), ben: keys(), stranger: keys() };
    of.nameserver.trust("host", of.host.keys.publicKey);
    for (const name of ["ann", "ben"] as const) {
      of.nameserver.trust(name, of[name].keys.publicKey);
      of.host.trust(name, of[name].keys.publicKey);
    }
    for (const folder of [of.host, of.ann, of.ben, of.stranger]) folder.pinNameserver(of.nameserver.keys.publicKey);
    const { address: nameserver } = await mesh.nameserver({ security: of.nameserver.path });
    const host = await mesh.host([numbers], { nameserver, security: of.host.path });
    const subscribe = (folder: KeyFolder) =>
      mesh.own(subscriber<number>(NAME, { client: mesh.client({ nameserver, security: folder.path }) }));
    return { of, host, subscribe };
  }

  it("come encrypted to those who are trusted, and the host knows who they are", async () => {
    const numbers = publisher<number>(NAME);
    const { of, subscribe } = await scene(numbers);
    const ann = subscribe(of.ann);
    await ann.ready;
    await numbers.publish(7);
    expect(await ann.take(1)).to.deep.equal([7]);
    expect(numbers.subscribers.map(({ user }) => user)).to.deep.equal(["ann"]);
  });

  it("come to nobody else, also not by a SUB socket alone", async () => {
    const numbers = publisher<number>(NAME);
    const { of, host, subscribe } = await scene(numbers);
    expect((await failureOf(subscribe(of.stranger).ready)).code).to.equal("ACCESS_DENIED");
    const open = mesh.own(subscriber(NAME, { client: mesh.client(), address: host.address, timeoutMs: 300 }));
    await failureOf(open.ready);
    expect(numbers.subscribers).to.deep.equal([]);
  });

  it("come to those whom their policy lets subscribe", async () => {
    const numbers = publisher<number>(NAME, { policy: [{ users: ["ann"], then: "allow" }] });
    const { of, subscribe } = await scene(numbers);
    await subscribe(of.ann).ready;
    expect((await failureOf(subscribe(of.ben).ready)).code).to.equal("ACCESS_DENIED");
  });

  it("end when somebody is trusted no more", async () => {
    const numbers = publisher<number>(NAME);
    const { of, subscribe } = await scene(numbers);
    const ann = subscribe(of.ann);
    await Promise.all([ann.ready, subscribe(of.ben).ready]);
    const lost = new Promise((resolve) => ann.on("lost", resolve));
    of.host.revoke("ann");
    await lost;
    await until(() => numbers.subscribers.length === 1);
    expect(numbers.subscribers.map(({ user }) => user)).to.deep.equal(["ben"]);
  });

  it("begin in the name of whoever began them, and not of a call that is being served", async () => {
    const numbers = publisher<unknown>(NAME, async function* () {
      let isInside = true;
      try {
        currentCall();
      } catch {
        isInside = false;
      }
      yield isInside;
    });
    const probe = defineInterface("demo.probe", { methods: { probe: () => 1 } });
    const host = await mesh.host([numbers, probe]);
    const one = mesh.own(subscriber(NAME, { client: mesh.client(), address: host.address }));
    expect(await one.take(1)).to.deep.equal([false]);
  });
});
