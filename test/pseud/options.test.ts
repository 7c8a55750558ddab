import { expect } from "chai";
import { Client, Server, SyncClient } from "../../src/compat/pseud/index.js";
import { ConfigurationError, withOptions } from "../../src/index.js";
import { failureOf } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";

describe("Options of pseud", () => {
  const pseud = usePseud();

  it("that are misspelt, or mean nothing, are refused and not passed over", () => {
    const wrong: [() => unknown, string][] = [
      [() => new Server({ id: "x", securty: "plain" } as never), 'did you mean "security"'],
      [() => new Client({ user_id: "x" } as never), "has no option"],
      [() => new SyncClient({ timeout: 5 } as never), "has no option"],
      [() => new Server({ id: "x", users: { alice: "x" } }), "users means nothing without the option security"],
      [() => new Client({ password: "x" }), "password means nothing"],
      [() => new Client({ serverKey: "x" }), "serverKey means nothing"],
      [() => new SyncClient({ keys: "folder" }), "keys means nothing"],
      [() => new Server({ id: "x", interfaces: ["a"] }), "needs the option nameserver"],
      [() => new Server({ id: "x", security: "plain", users: "keys" as never }), "users is an object"],
      [() => new Server("service" as never), "as one object"],
      [() => new Client("service" as never), "as one object"],
      [() => new Server({ id: "x", log: (() => undefined) as never }), "debug, info, warn and error"],
    ];
    for (const [make, text] of wrong) expect(make, text).to.throw(ConfigurationError, text);
    // Who says that nobody proves anything means it.
    expect(new Client({ security: "noop", password: "x" })).to.be.instanceOf(Client);
  });

  it("of plugins that fail keep nobody from being served", async () => {
    const fails = (): never => {
      throw new Error("plugin");
    };
    const server = pseud.server({
      id: "service",
      security: "trusted_peer",
      heartbeat: {
        name: "test.failing",
        client: () => ({}),
        server: () => ({ heard: fails, joined: fails, left: fails, stop: fails }),
      },
      routing: fails,
      onEvent: fails,
    });
    server.register(() => "hello", { name: "hello" });
    const client = pseud.client<{ hello(): string }>({ security: "trusted_peer", userId: "ann", password: "" });
    client.register(() => "ann", { name: "hello" });
    await client.connect(await server.bind("tcp://127.0.0.1:0"));
    expect(await client.hello()).to.equal("hello");
    expect(await server.sendTo<{ hello(): string }>("ann").hello()).to.equal("ann");
  });

  it("that lead nowhere are told with the reason", async () => {
    const client = pseud.client<{ hello(): string }>({ serverId: "service" });
    await client.connect("tcp://127.0.0.1:1");
    const dead = await failureOf(withOptions(client, { timeoutMs: 100 }).hello());
    expect(dead.message).to.contain("nothing listens there");
    const server = pseud.server({ id: "another" });
    const lost = pseud.client<{ hello(): string }>({ serverId: "service" });
    await lost.connect(await server.bind("tcp://127.0.0.1:0"));
    const wrong = await failureOf(withOptions(lost, { timeoutMs: 300 }).hello());
    expect(wrong.message).to.contain("who is there calls itself another");
  });
});
