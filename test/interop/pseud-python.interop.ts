import { expect } from "chai";
import { type PeerOptions, PythonPseud } from "../support/pseud-peer.js";

const SERVER: PeerOptions = { role: "server", bind: "tcp://127.0.0.1:*" };

/** The peer of pseud in Python, against itself: whoever tests with it can rely on this. Needs Debian's python3-zmq and python3-msgpack. */
describe("The peer of the pseud wire in Python", () => {
  it("calls and answers", async () => {
    await using server = await PythonPseud.start(SERVER);
    await using client = await PythonPseud.start({ role: "client", connect: server.address });
    expect(await client.call("hello", ["Charly"])).to.deep.equal({ result: "Hello Charly" });
    expect(await client.call("please.do_that_job", [1, 2, 3], { b: 4 })).to.deep.equal({
      result: [[1, 2, 3], { b: 4 }],
    });
  });
});
