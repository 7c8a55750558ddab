import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  currentCall,
  defineInterface,
  Host,
  type HostOptions,
  type JournalDatabase,
  openJournal,
  type Remote,
  rpcError,
  type ServiceMiddleware,
  withOptions,
} from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { WeakLink } from "../support/weak-link.js";

interface Orders {
  order(item: string): string;
  fail(item: string): never;
  book(item: string): number;
  forget(item: string): string;
  late(item: string): string;
  misuse(): void;
  plain(item: string): string;
  stream(item: string): AsyncGenerator<string>;
}

/** What was done, over all runs of the service. */
const done: string[] = [];

function orders(): ReturnType<typeof defineInterface> {
  return defineInterface("demo.orders", {
    methods: {
      order: {
        params: ["item"],
        once: true,
        run: (item: string) => {
          done.push(item);
          return `ordered ${item}`;
        },
      },
      fail: {
        params: ["item"],
        once: true,
        run: (item: string) => {
          done.push(item);
          throw new RangeError(`no ${item}`);
        },
      },
      book: {
        params: ["item"],
        once: "transaction",
        results: "number",
        run: (item: string) =>
          currentCall().transaction((database) => {
            database.exec("CREATE TABLE IF NOT EXISTS booked (item TEXT)");
            database.prepare("INSERT INTO booked VALUES (?)").run(item);
            return booked(database).length;
          }),
      },
      forget: { params: ["item"], once: "transaction", run: (item: string) => item },
      late: {
        params: ["item"],
        once: "transaction",
        run: (item: string) => {
          currentCall().transaction(() => `late ${item}`);
          throw new RangeError("after the fact");
        },
      },
      misuse: () => currentCall().transaction(() => 1),
      plain: (item: string) => {
        done.push(item);
        return item;
      },
      stream: {
        params: ["item"],
        once: true,
        run: async function* (item: string) {
          yield item;
        },
      },
    },
  });
}

function booked(database: JournalDatabase): readonly unknown[] {
  return database.prepare("SELECT item FROM booked").all();
}

describe("A method that is declared once", () => {
  const mesh = useMesh();
  let folder = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lamplighter-"));
    done.length = 0;
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const file = (name = "calls"): string => join(folder, `${name}.journal`);

  const start = (options: HostOptions = {}): Promise<Host> =>
    mesh.host([orders()], { journal: file(), errors: "message", ...options });

  const proxyOf = (address: string, wire = "lamp"): Remote<Orders> =>
    mesh.client({ timeoutMs: 10_000 }).connect<Orders>(address, "demo.orders", { wire });

  /** Loses the answer of a call, and lets another host stand in the place of the one that gave it. */
  async function acrossRestart<T>(
    call: (remote: Remote<Orders>) => PromiseLike<T>,
    next: HostOptions = {},
  ): Promise<T> {
    const host = await start();
    const link = mesh.own(await WeakLink.to(host.address));
    const remote = proxyOf(link.address);
    await remote.plain("warm");
    link.block("answers");
    const answer = call(remote);
    answer.then(undefined, () => undefined);
    // Behind it on the same connection, so that it has been executed by then.
    await failureOf(withOptions(remote, { timeoutMs: 100 }).plain("behind"));
    await host.close();
    link.break((await start(next)).address);
    return await answer;
  }

  it("is answered by the host that is started in the place of the one that executed it", async () => {
    expect(await acrossRestart((remote) => remote.order("tea"))).to.equal("ordered tea");
    expect(done.filter((item) => item === "tea")).to.have.length(1);
  });

  it("is told its error again", async () => {
    const error = await failureOf(acrossRestart((remote) => remote.fail("tea")));
    expect(error).to.include({ code: "UNKNOWN", outcome: "executed", message: "no tea" });
    expect(done.filter((item) => item === "tea")).to.have.length(1);
  });

  it("writes effect and answer in one transaction", async () => {
    expect(await acrossRestart((remote) => remote.book("tea"))).to.equal(1);
    const host = await start({ journal: await openOwn() });
    expect(await proxyOf(host.address).book("milk")).to.equal(1);
  });

  async function openOwn(): Promise<Awaited<ReturnType<typeof openJournal>>> {
    return mesh.own(await openJournal(file("own")));
  }

  it("is not executed by a host with another journal, and its caller learns that nobody knows", async () => {
    const answer = acrossRestart((remote) => withOptions(remote, { timeoutMs: 1_000 }).order("tea"), {
      journal: file("other"),
    });
    expect(await failureOf(answer)).to.include({ outcome: "unknown" });
    expect(done.filter((item) => item === "tea")).to.have.length(1);
  });

  it("is executed by the next host when it never reached the first", async () => {
    const host = await start();
    const link = mesh.own(await WeakLink.to(host.address));
    const remote = proxyOf(link.address);
    await remote.plain("warm");
    link.block("requests");
    const answer = remote.order("tea");
    await new Promise(setImmediate);
    await host.close();
    link.break((await start()).address);
    expect(await answer).to.equal("ordered tea");
    expect(done).to.deep.equal(["warm", "tea"]);
  });

  it("is not taken for another call when it was refused in between", async () => {
    let refusals = 0;
    const busy: ServiceMiddleware = (call, next) => {
      if (call.method === "order" && refusals++ < 2) throw rpcError("OVERLOADED", "busy");
      return next();
    };
    expect(await acrossRestart((remote) => remote.order("tea"), { middleware: [busy] })).to.equal("ordered tea");
    expect(refusals).to.equal(3);
    expect(done.filter((item) => item === "tea")).to.have.length(1);
  });

  it("answers with a stream once, and tells afterwards that it cannot be had again", async () => {
    const host = await start();
    const items: string[] = [];
    for await (const item of proxyOf(host.address).stream("tea")) items.push(item);
    expect(items).to.deep.equal(["tea"]);
    await host.close();
    const error = await failureOf(acrossRestart((remote) => remote.stream("milk")));
    expect(error).to.include({ code: "REFERENCE_LOST", outcome: "executed" });
  });

  it("serves callers on PyCOM's wire as any other", async () => {
    const remote = proxyOf((await start()).address, "pycom");
    expect(await remote.order("tea")).to.equal("ordered tea");
    expect(await remote.book("milk")).to.equal(1);
  });

  it("keeps what it has committed, whatever comes after", async () => {
    expect(await proxyOf((await start()).address).late("tea")).to.equal("late tea");
  });

  it("says when it was declared with a transaction and made none, or the other way round", async () => {
    const remote = proxyOf((await start()).address);
    const forgotten = await failureOf(remote.forget("tea"));
    expect(forgotten).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect(forgotten.message).to.include("currentCall().transaction");
    expect((await failureOf(remote.misuse())).message).to.include('once: "transaction"');
  });

  it("refuses wrong arguments without remembering the call", async () => {
    const { address } = await start();
    const remote = proxyOf(address);
    const error = await failureOf((remote.order as (...args: unknown[]) => Promise<unknown>)());
    expect(error.code).to.equal("BAD_REQUEST");
    expect(await remote.order("tea")).to.equal("ordered tea");
  });

  it("needs a journal", async () => {
    const error = await failureOf(mesh.host([orders()]));
    expect(error.code).to.equal("CONFIGURATION");
    expect(error.message).to.include("demo.orders.order").and.to.include("journal");
  });

  it("needs a journal that nobody else has", async () => {
    await start();
    const error = await failureOf(start());
    expect(error.code).to.equal("CONFIGURATION");
    expect(error.message).to.include("in use by another process");
  });

  it("is refused by a client, which has no journal", () => {
    expect(() => mesh.client().provide(orders()))
      .to.throw("declared once")
      .with.property("code", "CONFIGURATION");
  });

  for (const [what, options] of Object.entries({
    "idempotent as well": { once: true, idempotent: true },
    "something else": { once: "sometimes" },
    "with posthooks after its transaction": { once: "transaction", posthooks: [() => ({})] },
  })) {
    it(`is not declared ${what}`, () => {
      const wrong = defineInterface("demo.wrong", { methods: { run: { ...options, run: () => 1 } as never } });
      expect(() => mesh.client().provide(wrong))
        .to.throw()
        .with.property("code", "CONFIGURATION");
    });
  }
});
