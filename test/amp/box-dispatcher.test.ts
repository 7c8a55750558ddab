import { expect } from "chai";
import { type AmpPeer, type Box, BoxDispatcher, type BoxSender, CommandLocator } from "../../src/compat/amp/index.js";
import { boxOf } from "../../src/wire/amp/index.js";
import { Repeat, Sum, vectorResponders } from "../support/amp-commands.js";
import { failureOf } from "../support/mesh.js";

const nobody = {} as Partial<AmpPeer> as AmpPeer;

/** A sender that keeps what is sent. */
function keeper(sent: Box[]): BoxSender {
  const ignore = (): void => undefined;
  return { isOpen: true, sendBox: (box) => void sent.push(box), hold: ignore, release: ignore, end: ignore };
}

describe("AMP: a dispatcher of boxes by itself", () => {
  it("needs neither a clock nor a log, and answers and asks over whatever carries boxes", async () => {
    const responders = vectorResponders()[0];
    const sent: Box[] = [];
    const dispatcher = new BoxDispatcher({
      locator: new CommandLocator(responders as never),
      peer: nobody,
      label: "a test",
      onSwitched: () => undefined,
    });
    dispatcher.startReceivingBoxes(keeper(sent));
    const values = new Map([
      ["a", Buffer.from("1")],
      ["b", Buffer.from("2")],
    ]);
    dispatcher.boxReceived(boxOf({ kind: "ask", tag: "t", command: Sum.name, values }));
    await new Promise(setImmediate);
    expect(sent.map((box) => box.get("total")?.toString())).to.deep.equal(["3"]);
    const asked = dispatcher.ask(Repeat.name, new Map(), { deadlineAt: performance.now() + 60_000 });
    dispatcher.boxReceived(boxOf({ kind: "answer", tag: "1", values: new Map([["text", Buffer.from("x")]]) }));
    expect((await asked)?.get("text")?.toString()).to.equal("x");
    const late = dispatcher.ask(Repeat.name, new Map(), { deadlineAt: performance.now() + 5 });
    expect(await failureOf(late)).to.include({ code: "TIMEOUT", outcome: "unknown" });
  });
});
