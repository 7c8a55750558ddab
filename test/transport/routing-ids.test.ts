import { expect } from "chai";
import { generateKeyPair, type LinkOptions } from "../../src/transport/index.js";
import { useLinks } from "../support/links.js";

const hello = [Buffer.from("hello")];

describe("A routing id that is in use", () => {
  const links = useLinks();
  const server = generateKeyPair();
  const [ann, ann2, bob] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
  const routingId = Buffer.from("worker");
  const curve = (keys: typeof ann): Partial<LinkOptions> => ({
    routingId,
    security: { mechanism: "curve", keys, serverKey: server.publicKey },
  });
  const plain = (user: string): Partial<LinkOptions> => ({
    routingId,
    security: { mechanism: "plain", user, password: "" },
  });

  const listen = () =>
    links.echo("tcp://127.0.0.1:0", {
      security: {
        null: true,
        plain: (user) => Buffer.from(user).toString(),
        curve: { keys: server, admit: (key) => (Buffer.compare(key, bob.publicKey) === 0 ? "bob" : "ann") },
      },
    });

  /** Settles when the listener has seen it: what it says is answered. */
  async function join(address: string, options: Partial<LinkOptions>) {
    const joined = links.connect(address, options);
    await joined.opened;
    joined.link.send(hello, () => undefined);
    expect((await joined.next()).map(String)).to.deep.equal(["hello"]);
    return joined;
  }

  for (const [what, first, second] of [
    ["one who has proven to be the same by key", curve(ann), curve(ann)],
    ["one who has proven to be the same by password", plain("ann"), plain("ann")],
    ["one who has proven nothing either", { routingId }, { routingId }],
  ] as const) {
    it(`is taken over by ${what}, and the former connection is closed`, async () => {
      const { listener, peers, taken } = await listen();
      const former = await join(listener.address, first);
      await join(listener.address, second);
      await former.closed;
      expect([peers.size, taken]).to.deep.equal([1, []]);
      expect(listener.find(routingId)).to.equal([...peers][0]);
    });
  }

  for (const [what, first, second, told] of [
    ["another user", curve(ann), curve(bob), ["bob", "ann"]],
    ["another key of the same name", curve(ann), curve(ann2), ["ann", "ann"]],
    ["the same name by another mechanism", curve(ann), plain("ann"), ["ann", "ann"]],
    ["another user with a password", plain("ann"), plain("bob"), ["bob", "ann"]],
    ["one who has proven nothing", curve(ann), { routingId }, [undefined, "ann"]],
    ["one who has proven something, from one who has not", { routingId }, curve(ann), ["ann", undefined]],
  ] as const) {
    it(`is not taken by ${what}, who is served without it`, async () => {
      const { listener, peers, taken } = await listen();
      const holder = await join(listener.address, first);
      const newcomer = await join(listener.address, second);
      const [held, without] = [...peers];
      expect(taken).to.deep.equal([told]);
      expect(listener.find(routingId)).to.equal(held);
      expect([held?.routingId, without?.routingId.length]).to.deep.equal([routingId, 0]);
      newcomer.link.close();
      holder.link.send(hello, () => undefined);
      await holder.next();
      expect(listener.find(routingId)).to.equal(held);
    });
  }
});
