import { expect } from "chai";
import { LogIn } from "../../src/compat/pseud/log-in.js";
import type { Frames } from "../../src/wire/message.js";
import { HEARTBEAT, MessageType, messageFrames, typeOf } from "../../src/wire/pseud/format.js";

/** A server that was held up answers several heartbeats at once, each with the question who is there. */
describe("The log-in of a client of pseud that sends heartbeats", () => {
  const uid = Buffer.alloc(16, 1);
  const nothing = Buffer.alloc(0);
  const work = messageFrames(MessageType.work, uid, Buffer.from("call"));
  let sent: Frames[];
  let refused: Frames[];
  let logIn: LogIn;

  beforeEach(() => {
    sent = [];
    refused = [];
    logIn = new LogIn({
      hello: Buffer.from("hello"),
      send: (frames) => sent.push(frames),
      awaits: () => true,
      refused: (frames) => refused.push(frames),
    });
    // Heartbeat, call, heartbeat.
    logIn.sent(1, work);
    for (const [, , asked] of [HEARTBEAT, work, HEARTBEAT]) {
      logIn.unauthorized(messageFrames(MessageType.unauthorized, asked ?? nothing, Buffer.from("who?")));
    }
  });

  it("is not refused by the answer to another heartbeat", () => {
    expect(sent.map(typeOf)).to.deep.equal([MessageType.hello]);
    expect(refused).to.deep.equal([]);
    logIn.authenticated();
    expect(sent.slice(1)).to.deep.equal([work]);
  });

  it("is refused by the answer to itself", () => {
    const [, , hello = nothing] = sent[0] ?? [];
    logIn.unauthorized(messageFrames(MessageType.unauthorized, hello, Buffer.from("no")));
    expect(refused.map(([, , of]) => of)).to.deep.equal([uid]);
    expect(logIn.settled).to.equal(undefined);
  });
});
