import { expect } from "chai";
import { publisher, subscriber } from "../../src/index.js";
import { useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

const NAME = "demo.numbers";

describe("lamplighter publish and subscribe", () => {
  const mesh = useMesh();
  const command = useCommand();

  it("publish waits for a subscriber, publishes its arguments, and ends", async () => {
    const { address } = await mesh.nameserver();
    const publishing = command.start(["publish", NAME, "1", '"two"', '{"three":3}', "-n", address]);
    await command.ready(publishing);
    const subscribing = command.start(["subscribe", NAME, "-n", address, "--count", "3"]);
    expect(await subscribing.ended, subscribing.err()).to.equal(0);
    expect(subscribing.out()).to.equal('1\n"two"\n{"three":3}\n');
    expect(await publishing.ended, publishing.err()).to.equal(0);
    expect(publishing.out()).to.match(/^ready tcp:\/\/127\.0\.0\.1:\d+\n$/);
  });

  it("publish takes lines of standard input, and keeps values for those who come later", async () => {
    const { address } = await mesh.nameserver();
    const publishing = command.start(
      ["publish", NAME, "--topic", "eu.de", "--replay", "10", "--keep", "-s", "/numbers", "-n", address],
      { input: "1\n\n2\n" },
    );
    await command.ready(publishing);
    const first = command.start(["subscribe", NAME, "-n", address, "--count", "2"]);
    expect(await first.ended, first.err()).to.equal(0);
    const second = command.start(["subscribe", NAME, "-n", address, "--count", "1", "--replay", "1", "--full"]);
    expect(await second.ended, second.err()).to.equal(0);
    expect(JSON.parse(second.out())).to.include({ value: 2, topic: "eu.de", sequence: 2, service: "/numbers" });
    publishing.process.kill("SIGTERM");
    expect(await publishing.ended, publishing.err()).to.equal(0);
  });

  it("publish says which line is no JSON", async () => {
    expect(await command.run(["publish", NAME, "one"])).to.include({ status: 2, out: "" });
    const { address } = await mesh.nameserver();
    const publishing = command.start(["publish", NAME, "-n", address], { input: "1\none\n" });
    await command.ready(publishing);
    const values = mesh.own(subscriber(NAME, { client: mesh.client({ nameserver: address }) }));
    expect(await values.take(1)).to.deep.equal([1]);
    expect(await publishing.ended).to.equal(2);
    expect(publishing.err()).to.contain("line 2 is no JSON: one");
  });

  it("subscribe prints topics that were asked for, until it is interrupted", async () => {
    const numbers = publisher<number>(NAME);
    const host = await mesh.host([numbers]);
    const subscribing = command.start(["subscribe", NAME, "-c", host.address, "--topic", "a", "b"]);
    await subscribing.waitFor(/subscribed to demo.numbers/, "err");
    await numbers.publish(1, { topic: "a" });
    await numbers.publish(2, { topic: "c" });
    await numbers.publish(3, { topic: "b.x" });
    await subscribing.waitFor(/^3$/m);
    expect(subscribing.out()).to.equal("1\n3\n");
    subscribing.process.kill("SIGINT");
    expect(await subscribing.ended, subscribing.err()).to.equal(0);
    await until(() => numbers.subscribers.length === 0);
  });

  it("subscribe ends well when nobody reads its output any more", async () => {
    const numbers = publisher<string>(NAME);
    const host = await mesh.host([numbers]);
    const subscribing = command.start(["subscribe", NAME, "-c", host.address]);
    await subscribing.waitFor(/subscribed to demo.numbers/, "err");
    subscribing.process.stdout?.destroy();
    await numbers.publish("x".repeat(1_000_000));
    expect(await subscribing.ended, subscribing.err()).to.equal(0);
  });

  it("subscribe tells of gaps in their place", async () => {
    const { address } = await mesh.nameserver();
    const first = publisher<number>(NAME);
    const host = await mesh.host([first], { nameserver: address, service: "/numbers" });
    const subscribing = command.start(["subscribe", NAME, "-n", address, "--full"]);
    await subscribing.waitFor(/subscribed to/, "err");
    await first.publish(1);
    await subscribing.waitFor(/"value":1/);
    await host.close();
    const second = publisher<number>(NAME);
    await second.publish(2);
    await mesh.host([second], { nameserver: address, service: "/numbers" });
    await subscribing.waitFor(/"gap":\{"reason":"late","missed":1,"service":"\/numbers"/);
    expect(subscribing.err()).to.contain("gap: 1 values of /numbers are missing (late)");
  });

  it("subscribe ends with 3 when nobody publishes in time, with 2 for what makes no sense, with 1 where it may not", async () => {
    const { address } = await mesh.nameserver();
    const late = await command.run(["subscribe", NAME, "-n", address, "--timeout", "50"]);
    expect(late).to.include({ status: 3, out: "" });
    expect(late.err).to.contain("Nobody published demo.numbers within 50 ms");
    expect(await command.run(["subscribe", NAME, "--count", "x"])).to.include({ status: 2 });
    expect(await command.run(["subscribe", NAME, "--policy", "x"])).to.include({ status: 2 });
    expect(await command.run(["subscribe"])).to.include({ status: 2 });
    const host = await mesh.host([publisher(NAME, { policy: "deny" })]);
    expect(await command.run(["subscribe", NAME, "-c", host.address])).to.include({ status: 1 });
  });

  it("serve publishes what a module exports", async () => {
    const { address } = await mesh.nameserver();
    const file = command.file(
      "ticks.mjs",
      `import { publisher } from ${JSON.stringify(new URL("../../build/index.js", import.meta.url).href)};
       export const ticks = publisher("demo.ticks", async function* () { yield "tick"; });`,
    );
    const serving = command.start(["serve", file, "-n", address]);
    await command.ready(serving);
    expect(await command.run(["subscribe", "demo.ticks", "-n", address, "--count", "1"])).to.include({
      status: 0,
      out: '"tick"\n',
    });
  });
});
