import { expect } from "chai";
import { MessageType, messageFrames } from "../../src/wire/pseud/format.js";
import { encodeLogin } from "../../src/wire/pseud/login-body.js";
import { usePseud } from "../support/pseud-endpoints.js";
import { Stranger } from "../support/pseud-stranger.js";

/** A peer in Python says its oldest call again when it has logged in, also one that it waits for no more. */
describe("A log-in to a server of pseud that takes longer than a call", () => {
  const pseud = usePseud();
  const open: Stranger[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  const first = Buffer.alloc(16, 1);
  const second = Buffer.alloc(16, 2);

  /** Calls, is asked to log in, does so after some time, calls again, and once more with another uid. */
  async function callTwice(waitMs: number, jobTimeoutMs?: number): Promise<string[]> {
    const keys = pseud.keys();
    const server = pseud.server({
      id: "service",
      security: "untrusted_curve",
      keys,
      users: { john: "" },
      jobTimeoutMs,
    });
    server.register(() => "done", { name: "job" });
    const address = await server.bind("tcp://127.0.0.1:0");
    const security = { mechanism: "curve", keys: pseud.keys(), serverKey: keys.publicKey } as const;
    const one = await new Stranger(address, { security }).opened();
    open.push(one);
    one.work("job", [], first);
    await one.next(1);
    const waitsUntil = performance.now() + waitMs;
    await pseud.until(() => performance.now() > waitsUntil);
    const login = encodeLogin({ login: Buffer.from("john"), password: Buffer.alloc(0) });
    one.send(messageFrames(MessageType.hello, first, login));
    await one.next(2);
    one.work("job", [], first);
    one.work("job", [], second);
    await pseud.until(() => one.received.some(([, , uid]) => second.equals(uid ?? first)));
    expect(one.types.slice(0, 2)).to.deep.equal([MessageType.unauthorized, MessageType.authenticated]);
    return one.received.slice(2).map(([, , uid]) => Buffer.from(uid ?? []).toString("hex"));
  }

  it("leaves that call without an answer, at which its caller would break", async () => {
    expect(await callTwice(1_000, 500)).to.deep.equal([second.toString("hex")]);
  });

  it("and one that does not take longer is answered for", async () => {
    const answered = await callTwice(0);
    expect(answered.sort()).to.deep.equal([first.toString("hex"), second.toString("hex")]);
  });
});
