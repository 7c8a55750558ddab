import { expect } from "chai";
import { batch, defineInterface, statusOf, withOptions } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";

interface Log {
  add(line: string): unknown;
  fail(): unknown;
  lines(): string[];
}

describe("Batches and one-way calls", () => {
  const mesh = useMesh();
  const connect = async (wire: string) => {
    const lines: string[] = [];
    const log = defineInterface("demo.log", {
      methods: {
        add: (line: string) => {
          lines.push(line);
        },
        fail: () => {
          throw new Error("nobody hears this");
        },
        lines: () => lines,
      },
    });
    const host = await mesh.host([log]);
    return { host, remote: mesh.client().connect<Log>(host.address, "demo.log", { wire }) };
  };

  for (const wire of ["lamp", "pycom"]) {
    it(`gives arrays and objects with everything settled, on ${wire}`, async () => {
      const { remote } = await connect(wire);
      const { lines, done } = await batch(() => ({ done: remote.add("a"), lines: remote.lines() }));
      expect(done ?? undefined).to.equal(undefined);
      expect(lines).to.deep.equal(["a"]);
      const [first, , second] = await batch(() => [remote.lines(), remote.add("b"), remote.lines()] as const);
      expect([first, second]).to.deep.equal([["a"], ["a", "b"]]);
      expect(await failureOf(batch(() => [remote.lines(), remote.fail(), remote.fail()]))).to.have.property(
        "outcome",
        "executed",
      );
    });

    it(`is done when it is sent, and runs all the same, on ${wire}`, async () => {
      const { remote } = await connect(wire);
      const oneWay = withOptions(remote, { oneWay: true });
      expect(await oneWay.add("x")).to.equal(undefined);
      expect(await oneWay.fail()).to.equal(undefined);
      expect(await oneWay.lines()).to.equal(undefined);
      // Calls of one connection are begun in order.
      expect(await remote.lines()).to.deep.equal(["x"]);
    });
  }

  it("is not done when it could not be sent", async () => {
    const { host, remote } = await connect("lamp");
    await remote.lines();
    await host.close();
    while (statusOf(remote).state === "connected") await new Promise((resolve) => setTimeout(resolve, 2));
    const failure = await failureOf(withOptions(remote, { oneWay: true, timeoutMs: 100 }).add("x"));
    expect(failure.outcome).to.equal("not-sent");
  });
});
