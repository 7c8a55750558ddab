import { expect } from "chai";
import { memoryTransport } from "../../src/transport/memory/index.js";
import { useLinks } from "../support/links.js";
import { failureOf } from "../support/mesh.js";

describe("The link inside a process", () => {
  const links = useLinks(memoryTransport);

  it("carries messages in order, as copies", async () => {
    const { listener, peers } = await links.echo("memory://echo");
    const caller = links.connect(listener.address);
    const { link } = caller;
    await caller.opened;
    const bytes = Buffer.from("first");
    link.send([bytes, Buffer.alloc(0)], () => undefined);
    link.send([Buffer.from("second")], () => undefined);
    bytes.fill(0);
    expect((await caller.next()).map(String)).to.deep.equal(["first", ""]);
    expect((await caller.next()).map(String)).to.deep.equal(["second"]);
    expect([...peers].map(({ remoteAddress, identity }) => [remoteAddress, identity.mechanism])).to.deep.equal([
      ["", "null"],
    ]);
  });

  it("delivers what was sent before it was closed, and tells the listener", async () => {
    const messages: string[] = [];
    const gone = new Promise<void>((resolve) => {
      void memoryTransport
        .listen(
          "memory://last-words",
          {
            message: (_peer, frames) => messages.push(String(frames[0])),
            gone: () => {
              resolve();
            },
          },
          { maxMessageBytes: 100 },
        )
        .then(async (listener) => {
          const { link, opened } = links.connect(listener.address);
          await opened;
          link.send([Buffer.from("last word")], () => undefined);
          link.close();
          link.send([Buffer.from("too late")], () => messages.push("unsent"));
          await gone;
          await listener.close(0);
        });
    });
    await gone;
    expect(messages).to.deep.equal(["unsent", "last word"]);
  });

  it("is closed with its listener, after what that had sent", async () => {
    const { listener } = await links.echo("memory://closing");
    const caller = links.connect(listener.address);
    const { link, closed } = caller;
    await caller.opened;
    link.send([Buffer.from("one")], () => undefined);
    await caller.next();
    await listener.close(0);
    const reason = await closed;
    expect([reason.code, reason.message]).to.deep.equal(["UNAVAILABLE", "memory://closing closed the connection"]);
  });

  it("is not made where nothing is bound", async () => {
    const error = await failureOf(links.connect("memory://nobody").opened);
    expect([error.code, error.outcome]).to.deep.equal(["UNAVAILABLE", "not-sent"]);
    expect(error.message).to.equal("memory://nobody is not bound in this process");
  });

  it("is bound once by each name, and again when that is free", async () => {
    const { listener } = await links.echo("memory://twice");
    expect((await failureOf(links.echo("memory://twice"))).message).to.match(
      /Cannot bind memory:\/\/twice: the address is in use/,
    );
    await listener.close(0);
    await links.echo("memory://twice");
  });

  it("breaks when a message is far too large, and tells both ends", async () => {
    const { listener, peers } = await links.echo("memory://small", { maxMessageBytes: 10 });
    const { link, opened, closed } = links.connect(listener.address);
    await opened;
    link.send([Buffer.alloc(15), Buffer.alloc(6)], () => undefined);
    const reason = await closed;
    expect([reason.code, reason.message]).to.deep.equal([
      "PROTOCOL",
      "The peer sent a message of 21 bytes, more than 20",
    ]);
    expect(peers.size).to.equal(0);
  });
});
