import { expect } from "chai";
import { wireArguments } from "../../../src/peer/arguments.js";
import type { MethodContract } from "../../../src/peer/contract.js";
import { CountedSource } from "../../support/sources.js";

describe("Arguments of a method that streams its attachment", () => {
  const contract: MethodContract = {
    name: "swallow",
    required: ["data"],
    optional: [],
    results: [],
    docstring: null,
    incoming: "data",
    outgoing: null,
    stream: true,
    idempotent: false,
    once: false,
    types: {},
  };
  const where = { interface: "demo.files", method: "swallow" };

  it("are wrapped where they are sent, and not again where they arrive", () => {
    const stream = new CountedSource(1, 1).stream();
    expect(wireArguments([stream], contract, where).args).to.have.property("data", stream);
    const limits = { wire: "lamp", canStream: true, maxMessageBytes: 1_000 };
    const sent = wireArguments([stream], contract, where, undefined, limits).args as { data: unknown };
    expect(sent.data).to.be.instanceOf(ReadableStream).and.to.not.equal(stream);
  });
});
