import { expect } from "chai";
import {
  type AmpType,
  connectAmp,
  defineCommand,
  float,
  integer,
  listen,
  listOf,
  respond,
  unicode,
} from "../../src/compat/amp/index.js";
import { call } from "../../src/index.js";
import { failureOf } from "../support/mesh.js";
import { useProcesses } from "../support/processes.js";

const PYTHON = "/usr/bin/python3";
const SCRIPT = "test/interop/python/amp_page.py";

class DivisionByZero extends Error {}
const whole = integer({ as: "number" });
const Sum = defineCommand({ name: "Sum", arguments: { a: whole, b: whole }, response: { total: whole } });
const Divide = defineCommand({
  name: "Divide",
  arguments: { numerator: whole, denominator: whole },
  response: { result: float() },
  errors: { ZERO_DIVISION: DivisionByZero },
});
const AskName = defineCommand({ name: "AskName", response: { name: unicode() } });
const Greet = defineCommand({ name: "Greet", response: { text: unicode() } });
const colour: AmpType<string> = {
  encode: (hex) => Buffer.from(hex),
  decode: (octets) => Buffer.from(octets).toString(),
};

/** What stands on the left of docs/amp.md, against what stands on the right. Needs Debian's python3-twisted. */
describe("The Python of docs/amp.md", () => {
  const start = useProcesses();

  it("answers the page's TypeScript, and calls it back", async () => {
    const python = start(PYTHON, [SCRIPT], { interactive: true });
    const [, port = ""] = await python.waitFor(/^ready (\d+)$/m);
    await using peer = await connectAmp(`tcp://127.0.0.1:${port}`, {
      responders: respond(AskName, () => ({ name: "Charly" })),
    });
    expect(await peer.callRemote(Sum, { a: 13, b: 81 })).to.deep.equal({ total: 94 });
    const failed = await failureOf(peer.callRemote(Divide, { numerator: 1, denominator: 0 }));
    expect(failed).to.be.instanceOf(DivisionByZero).and.have.property("message", "division by zero");
    expect(await peer.callRemote(Greet)).to.deep.equal({ text: "Hello Charly" });
    expect(await call(peer, "Shout", { text: "abc" })).to.deep.equal({ text: "ABC" });
    const Buy = defineCommand({
      name: "Buy",
      arguments: { paint: listOf(colour), "price.amount": unicode(), "price.currency": unicode() },
      response: { receipt: unicode() },
    });
    const bought = peer.callRemote(Buy, { paint: ["ff0000"], "price.amount": "1.10", "price.currency": "EUR" });
    expect(await bought).to.deep.equal({ receipt: "ff0000 1.10 EUR 127.0.0.1" });
  });

  it("calls the page's TypeScript, and is called back", async () => {
    await using server = await listen("tcp://127.0.0.1:0", [
      respond(Sum, ({ a, b }) => ({ total: a + b })),
      respond(Divide, () => {
        throw new DivisionByZero("division by zero");
      }),
      respond(Greet, async (_args, { peer }) => ({ text: `Hello ${(await peer.callRemote(AskName)).name}` })),
    ]);
    const python = start(PYTHON, [SCRIPT, server.address]);
    expect(await python.ended, python.err()).to.equal(0);
    expect(python.out().trim().split("\n")).to.deep.equal([
      "{'total': 94}",
      "b'3'",
      "DivisionByZero: division by zero",
      "UnhandledCommand: (b'UNHANDLED', 'Unhandled Command: Nothing')",
      "Hello Charly",
    ]);
  });
});
