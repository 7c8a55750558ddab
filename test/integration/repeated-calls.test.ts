import { EventEmitter, once } from "node:events";
import { expect } from "chai";
import {
  type Client,
  type ClientOptions,
  currentCall,
  defineInterface,
  type HostOptions,
  type Remote,
  withOptions,
} from "../../src/index.js";
import { failureOf, type Mesh, useMesh } from "../support/mesh.js";
import { WeakLink } from "../support/weak-link.js";

/** What the services of a test have seen, and gates for their methods. */
class Seen extends EventEmitter {
  readonly executed = new Map<number, number>();
  readonly cancelled: number[] = [];

  note(key: number): void {
    this.executed.set(key, (this.executed.get(key) ?? 0) + 1);
    this.emit("begun", key);
  }
}

interface Work {
  add(key: number): number;
  wait(key: number): Promise<string>;
  read(key: number): number;
  items(key: number): AsyncGenerator<number>;
  handle(key: number): () => Promise<number>;
  fail(key: number): never;
}

function work(seen: Seen): ReturnType<typeof defineInterface> {
  return defineInterface("demo.work", {
    methods: {
      add: (key: number) => {
        seen.note(key);
        return key + 1;
      },
      read: {
        params: ["key"],
        idempotent: true,
        run: (key: number) => {
          seen.note(key);
          return key + 1;
        },
      },
      wait: async (key: number) => {
        const { signal } = currentCall();
        signal.addEventListener("abort", () => {
          seen.cancelled.push(key);
          seen.emit("cancelled", key);
        });
        const opened = once(seen, "open", { signal });
        seen.note(key);
        await opened;
        return "waited";
      },
      items: async function* (key: number) {
        seen.note(key);
        yield key;
      },
      handle: {
        idempotent: true,
        run: (key: number) => {
          seen.note(key);
          return () => seen.executed.get(key);
        },
      },
      fail: (key: number) => {
        seen.note(key);
        throw new RangeError("on purpose");
      },
    },
  });
}

interface Scene {
  readonly seen: Seen;
  readonly link: WeakLink;
  readonly client: Client;
  readonly proxy: Remote<Work>;
}

/** A host behind a link that can break, and a client that has called it before. */
async function scene(mesh: Mesh, host: HostOptions = {}, client: ClientOptions = {}): Promise<Scene> {
  const seen = new Seen();
  const { address } = await mesh.host([work(seen)], { errors: "message", ...host });
  const link = mesh.own(await WeakLink.to(address));
  const caller = mesh.client({ timeoutMs: 10_000, ...client });
  const proxy = caller.connect<Work>(link.address, "demo.work", { wire: "lamp" });
  await proxy.add(0);
  return { seen, link, client: caller, proxy };
}

describe("A call whose connection breaks", () => {
  const mesh = useMesh();

  it("is answered and not executed again when its answer was lost", async () => {
    const { seen, link, proxy } = await scene(mesh);
    link.block("answers");
    const begun = once(seen, "begun");
    const answer = proxy.add(1);
    await begun;
    link.break();
    expect(await answer).to.equal(2);
    expect(seen.executed.get(1)).to.equal(1);
  });

  it("is told the error that it met the first time", async () => {
    const { seen, link, proxy } = await scene(mesh);
    link.block("answers");
    const begun = once(seen, "begun");
    const failure = failureOf(proxy.fail(1));
    await begun;
    link.break();
    expect(await failure).to.include({ code: "UNKNOWN", outcome: "executed", message: "on purpose" });
    expect(seen.executed.get(1)).to.equal(1);
  });

  it("is answered by the method that is still running", async () => {
    const { seen, link, proxy } = await scene(mesh);
    const begun = once(seen, "begun");
    const answer = proxy.wait(1);
    await begun;
    link.break();
    // Answered over the new connection, on which the other one is joined by then.
    expect(await proxy.add(2)).to.equal(3);
    seen.emit("open");
    expect(await answer).to.equal("waited");
    expect(seen.executed.get(1)).to.equal(1);
    expect(seen.cancelled).to.deep.equal([]);
  });

  it("is answered when the method ends while nobody is connected", async () => {
    const { seen, link, proxy } = await scene(mesh);
    link.block("answers");
    const begun = once(seen, "begun");
    const answer = proxy.wait(1);
    await begun;
    link.break();
    seen.emit("open");
    expect(await answer).to.equal("waited");
    expect(seen.executed.get(1)).to.equal(1);
  });

  it("is answered again when the second connection breaks as well", async () => {
    const { seen, link, proxy } = await scene(mesh);
    const begun = once(seen, "begun");
    const answer = proxy.wait(1);
    await begun;
    link.break();
    await proxy.add(2);
    link.block("answers");
    seen.emit("open");
    await failureOf(withOptions(proxy, { timeoutMs: 50 }).add(3));
    link.break();
    expect(await answer).to.equal("waited");
    expect(seen.executed.get(1)).to.equal(1);
  });

  it("is executed once when it had never arrived", async () => {
    const { seen, link, proxy } = await scene(mesh);
    link.block("requests");
    const answer = proxy.add(1);
    await new Promise(setImmediate);
    link.break();
    expect(await answer).to.equal(2);
    expect(seen.executed.get(1)).to.equal(1);
  });

  it("ends with unknown when its service was started anew", async () => {
    const { seen, link, proxy } = await scene(mesh);
    const later = new Seen();
    const { address } = await mesh.host([work(later)]);
    link.block("answers");
    const begun = once(seen, "begun");
    const failure = failureOf(proxy.add(1));
    await begun;
    link.break(address);
    expect(await failure).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect((await failure).message).to.include("started anew");
    expect(later.executed.size).to.equal(0);
  });

  it("ends with unknown, and soon, when its service is gone", async () => {
    const { seen, link, proxy } = await scene(mesh);
    const begun = once(seen, "begun");
    const failure = failureOf(proxy.wait(1));
    await begun;
    await link.close();
    expect(await failure).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
  });

  it("ends with unknown when its answer was not kept", async () => {
    const { seen, link, proxy } = await scene(mesh, { answerWindow: { maxBytes: 0 } });
    link.block("answers");
    const begun = once(seen, "begun");
    const failure = failureOf(proxy.add(1));
    await begun;
    link.break();
    expect(await failure).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect((await failure).message).to.include("no record left");
    expect(seen.executed.get(1)).to.equal(1);
  });

  it("is told that it was executed when its answer held a stream", async () => {
    const { seen, link, proxy } = await scene(mesh);
    link.block("answers");
    const failure = failureOf(proxy.items(1));
    await failureOf(withOptions(proxy, { timeoutMs: 50 }).add(2));
    link.break();
    expect(await failure).to.include({ code: "REFERENCE_LOST", outcome: "executed" });
    expect(seen.executed.get(2)).to.equal(1);
  });

  it("is executed again when its answer held a function, and that does no harm", async () => {
    const { seen, link, proxy } = await scene(mesh);
    link.block("answers");
    const answer = proxy.handle(1);
    await failureOf(withOptions(proxy, { timeoutMs: 50 }).add(2));
    link.break();
    expect(await (await answer)()).to.equal(2);
    expect([seen.executed.get(1), seen.executed.get(2)]).to.deep.equal([2, 1]);
  });

  it("is repeated elsewhere when that does no harm", async () => {
    const { seen, link, proxy } = await scene(mesh);
    const later = new Seen();
    const { address } = await mesh.host([work(later)]);
    link.block("answers");
    const begun = once(seen, "begun");
    const answer = proxy.read(1);
    await begun;
    link.break(address);
    expect(await answer).to.equal(2);
    expect(later.executed.get(1)).to.equal(1);
  });

  it("can be cancelled after it was tried again", async () => {
    const { seen, link, proxy } = await scene(mesh);
    const begun = once(seen, "begun");
    const stop = new AbortController();
    const failure = failureOf(withOptions(proxy, { signal: stop.signal }).wait(1));
    await begun;
    link.break();
    await proxy.add(2);
    const cancelled = once(seen, "cancelled");
    stop.abort();
    await cancelled;
    seen.emit("open");
    expect(await failure).to.include({ code: "CANCELLED", outcome: "unknown" });
  });

  it("is not tried again when its caller wants no tries", async () => {
    const { seen, link, proxy } = await scene(mesh);
    const begun = once(seen, "begun");
    const failure = failureOf(withOptions(proxy, { retry: false }).wait(1));
    await begun;
    link.break();
    expect(await failure).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
  });

  it("is not executed twice when its answer cannot be taken", async () => {
    let executed = 0;
    const open = (): (() => number) => {
      executed++;
      return () => executed;
    };
    const { address } = await mesh.host([defineInterface("demo.open", { methods: { open } })]);
    const client = mesh.client({ maxReferences: 1 });
    const remote = client.connect<{ open(): () => Promise<number> }>(address, "demo.open", { wire: "lamp" });
    const held = await remote.open();
    expect(await failureOf(remote.open())).to.include({ outcome: "unknown" });
    expect(executed).to.equal(2);
    expect(held).to.be.a("function");
  });

  it("opens one session for all that are made beside it", async () => {
    const seen: string[] = [];
    const put = (key: string): string => {
      const { session } = currentCall();
      seen.push(key);
      session?.set(key, true);
      return [...(session?.keys() ?? [])].join();
    };
    const { address } = await mesh.host([defineInterface("demo.session", { stateful: true, methods: { put } })]);
    const link = mesh.own(await WeakLink.to(address));
    const client = mesh.client({ timeoutMs: 10_000 });
    const connect = () => client.connect<{ put(key: string): string }>(link.address, "demo.session", { wire: "lamp" });
    await connect().put("warm");
    link.block("answers");
    const remote = connect();
    const answers = [remote.put("first"), remote.put("second")];
    await failureOf(withOptions(connect(), { timeoutMs: 100 }).put("behind"));
    link.break();
    expect(await Promise.all(answers)).to.deep.equal(["first", "first,second"]);
    expect(seen).to.deep.equal(["warm", "first", "behind", "second"]);
  });

  it("does not keep those beside it that wait for its session longer than they want to wait", async () => {
    const opened = new EventEmitter();
    const slow = async (): Promise<string> => {
      await once(opened, "open");
      return "slow";
    };
    const methods = { slow, quick: () => "quick" };
    const { address } = await mesh.host([defineInterface("demo.session", { stateful: true, methods })]);
    const remote = mesh
      .client()
      .connect<{ slow(): string; quick(): string }>(address, "demo.session", { wire: "lamp" });
    const first = remote.slow();
    expect(await failureOf(withOptions(remote, { timeoutMs: 100 }).quick())).to.include({
      code: "TIMEOUT",
      outcome: "not-sent",
    });
    opened.emit("open");
    expect(await first).to.equal("slow");
    expect(await remote.quick()).to.equal("quick");
  });

  it("is stopped at once when its client closes", async () => {
    const { seen, client, proxy } = await scene(mesh);
    const begun = once(seen, "begun");
    const failure = failureOf(proxy.wait(1));
    await begun;
    const cancelled = once(seen, "cancelled");
    await client.close();
    await cancelled;
    expect(await failure).to.include({ code: "CLOSED", outcome: "unknown" });
  });

  it("is stopped when nobody comes back for it", async () => {
    const { seen, link, proxy } = await scene(mesh, { answerWindow: { graceMs: 50 } });
    const begun = once(seen, "begun");
    const failure = failureOf(proxy.wait(1));
    await begun;
    const cancelled = once(seen, "cancelled");
    await link.close();
    await failure;
    await cancelled;
  });

  it("is executed exactly once, however often the connection breaks", async () => {
    const { seen, link, proxy } = await scene(mesh);
    const answers: Promise<number>[] = [];
    for (let key = 1; key <= 500; key++) {
      answers.push(proxy.add(key));
      if (key % 20 === 0) await answers[key - 2];
      if (key % 50 === 10) link.block("answers");
      if (key % 50 === 15) link.break();
    }
    expect(await Promise.all(answers)).to.deep.equal(answers.map((_, at) => at + 2));
    expect([...seen.executed.values()].every((count) => count === 1)).to.equal(true);
  });
});
