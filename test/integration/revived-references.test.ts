import { EventEmitter, once } from "node:events";
import { inspect } from "node:util";
import { expect } from "chai";
import {
  type ClientOptions,
  currentCall,
  defineInterface,
  type Host,
  Method,
  type RemoteReference,
  release,
  withOptions,
} from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";
import { WeakLink } from "../support/weak-link.js";

/** What one run of the service has seen. */
class Run {
  readonly name: string;
  readonly opened: string[] = [];
  readonly tokens: unknown[] = [];
  readonly reached = new EventEmitter();
  constructor(name: string) {
    this.name = name;
  }
}

class Cursor {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
  @Method() where(): string {
    return this.path;
  }
}

class Account {
  readonly run: Run;
  readonly user: string;
  constructor(run: Run, user: string) {
    this.run = run;
    this.user = user;
  }
  @Method({ idempotent: true }) who(): string {
    return `${this.user} at ${this.run.name}`;
  }
  @Method({ idempotent: true }) cursor(name: string): Cursor {
    this.run.opened.push(`cursor ${name}`);
    return new Cursor(`${this.run.name}/${this.user}/${name}`);
  }
  @Method({ idempotent: true }) async summed(numbers: AsyncIterable<number>): Promise<Cursor> {
    return new Cursor(String(await this.sum(numbers)));
  }
  @Method() async sum(numbers: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const n of numbers) sum += n;
    return sum;
  }
  @Method() spend(): string {
    return `spent at ${this.run.name}`;
  }
  /** Is not answered by the first run. */
  @Method({ idempotent: true }) async read(): Promise<string> {
    this.run.reached.emit("read");
    return this.run.name === "one" ? await new Promise(() => undefined) : `read at ${this.run.name}`;
  }
  @Method() async write(): Promise<string> {
    this.run.reached.emit("write");
    return this.run.name === "one" ? await new Promise(() => undefined) : `written at ${this.run.name}`;
  }
}

type RemoteAccount = RemoteReference<Account>;

interface Bank {
  open(user: string): Account;
  all(): { list: { account: Account }[] };
  greeter(word: string): (name: string) => Promise<string>;
  create(user: string): Account;
  maybe(): Account | string;
  subscribe(callback: (n: number) => number): (n: number) => Promise<number>;
  isMine(account: unknown): boolean;
  openFor(request: [{ user: string }]): Account;
  many(count: number): Account[];
  back<T>(value: T): T;
  find(user: string): Account;
  view(account: unknown): Cursor;
}

function bank(run: Run) {
  const found = new Map<string, Account>();
  const opened = (user: string): Account => {
    run.opened.push(user);
    const token = currentCall().extensions["org.pycom.auth"];
    if (token !== undefined) run.tokens.push(token);
    return new Account(run, user);
  };
  return defineInterface("demo.bank", {
    methods: {
      open: { idempotent: true, run: opened },
      all: { idempotent: true, run: () => ({ list: [{ account: opened("ann") }, { account: opened("bob") }] }) },
      greeter: { idempotent: true, run: (word: string) => (name: string) => `${word}, ${name}, from ${run.name}` },
      create: (user: string) => opened(user),
      maybe: { idempotent: true, run: () => (run.name === "one" ? opened("ann") : "nothing any more") },
      subscribe: { idempotent: true, run: (callback: (n: number) => number) => (n: number) => callback(n) },
      openFor: { idempotent: true, run: ([{ user }]: [{ user: string }]) => opened(user) },
      many: {
        idempotent: true,
        run: (count: number) => {
          run.opened.push("many");
          return Array.from({ length: count }, (_, n) => new Account(run, String(n)));
        },
      },
      back: { idempotent: true, run: (value: unknown) => value },
      find: { idempotent: true, run: (user: string) => found.get(user) ?? found.set(user, opened(user)).get(user) },
      view: {
        idempotent: true,
        run: (account: Account) =>
          new Cursor(account instanceof Account ? `view of ${account.who()}` : "of a stranger"),
      },
      isMine: (account: unknown) => account instanceof Account,
    },
  });
}

describe("References whose service was started anew", () => {
  const mesh = useMesh();

  /** A service that is replaced by another run of it, behind an address that stays. */
  async function start(options: ClientOptions = {}) {
    const runs = [new Run("one"), new Run("two")] as const;
    const hosts: Host[] = [];
    for (const run of runs) hosts.push(await mesh.host([bank(run)], { drainTimeoutMs: 1 }));
    const [first, second] = hosts;
    const link = mesh.own(await WeakLink.to(first?.address ?? ""));
    const events = new EventEmitter();
    const client = mesh.client({ ...options, onEvent: ({ type }) => events.emit(type) });
    const end = async (body: () => unknown): Promise<void> => {
      const gone = once(events, "disconnected");
      await body();
      await gone;
    };
    return {
      client,
      runs,
      hosts,
      link,
      events,
      address: link.address,
      remote: client.connect<Bank>(link.address, "demo.bank", { wire: "lamp" }),
      /** Settles when the client knows. */
      restart: () =>
        end(() => {
          link.break(second?.address);
        }),
      stop: () => end(() => link.close()),
    };
  }

  it("are obtained again, when the calls that they came from may be made again", async () => {
    const { remote, restart, runs } = await start();
    const account = await remote.open("ann");
    expect(await account.who()).to.equal("ann at one");
    await restart();
    expect(await account.who()).to.equal("ann at two");
    expect(await account.spend()).to.equal("spent at two");
    expect(inspect(account)).to.match(/held>$/);
    expect(runs.map((run) => run.opened)).to.deep.equal([["ann"], ["ann"]]);
  });

  it("are obtained again from wherever they stood in a result", async () => {
    const { remote, restart } = await start();
    const { list } = await remote.all();
    await restart();
    expect(await list[1]?.account.who()).to.equal("bob at two");
    expect(await list[0]?.account.who()).to.equal("ann at two");
  });

  it("may be functions, and come from calls that gave some", async () => {
    const { remote, restart } = await start();
    const greet = await remote.greeter("hello");
    const twice = await remote.subscribe((n) => n * 2);
    expect(await twice(4)).to.equal(8);
    await restart();
    expect(await greet("ann")).to.equal("hello, ann, from two");
    expect(await twice(5)).to.equal(10);
  });

  it("may come from other references, also from those that were let go", async () => {
    const { remote, restart, runs } = await start();
    const account = await remote.open("ann");
    const cursor = await account.cursor("a");
    release(account);
    await restart();
    expect(await cursor.where()).to.equal("two/ann/a");
    expect(runs[1].opened).to.deep.equal(["ann", "cursor a"]);
  });

  it("may come from those that were let go after one restart, and be obtained after the next", async () => {
    const { remote, link, hosts, events } = await start();
    const account = await remote.open("ann");
    const cursor = await account.cursor("a");
    for (const host of [hosts[1], hosts[0]]) {
      const gone = once(events, "disconnected");
      link.break(host?.address);
      await gone;
      if (host === hosts[1]) {
        expect(await account.who()).to.equal("ann at two");
        expect(await cursor.where()).to.equal("two/ann/a");
        release(account);
      }
    }
    expect(await cursor.where()).to.equal("one/ann/a");
  });

  it("are obtained through the client's hooks and middleware, with the token that the first call went with", async () => {
    let calls = 0;
    const { remote, restart, runs } = await start({
      middleware: [
        (call, next) => {
          if (call.method === "open") calls++;
          return next(call);
        },
      ],
    });
    const account = await withOptions(remote, { extensions: { "org.pycom.auth": "mine" } }).open("ann");
    await restart();
    expect(await account.who()).to.equal("ann at two");
    expect(calls).to.equal(2);
    expect(runs.map((run) => run.tokens)).to.deep.equal([["mine"], ["mine"]]);
  });

  it("are obtained with the token of the call in which they were obtained first", async () => {
    const { client, restart, runs, address } = await start();
    const inner = client.connect<Bank>(address, "demo.bank", { wire: "lamp" });
    let account: RemoteAccount | undefined;
    const outer = await mesh.host([
      defineInterface("demo.outer", {
        methods: {
          open: async () => {
            account = await inner.open("ann");
          },
          who: () => account?.who(),
        },
      }),
    ]);
    const caller = mesh
      .client()
      .connect<{ open(): void; who(): string }>(outer.address, "demo.outer", { wire: "lamp" });
    await withOptions(caller, { extensions: { "org.pycom.auth": "theirs" } }).open();
    await restart();
    expect(await caller.who()).to.equal("ann at two");
    expect(runs.map((run) => run.tokens)).to.deep.equal([["theirs"], ["theirs"]]);
  });

  it("send no stream a second time that was begun", async () => {
    const { remote, hosts } = await start();
    const account = await remote.open("ann");
    let ended = 0;
    const numbers = async function* () {
      try {
        for (const n of [1, 2, 3]) yield await Promise.resolve(n);
      } finally {
        ended++;
      }
    };
    expect(await account.sum(numbers())).to.equal(6);
    const closing = hosts[0]?.close();
    const error = await failureOf(account.sum(numbers()));
    expect(error).to.include({ code: "DRAINING", outcome: "not-executed" });
    await closing;
    release(account);
    expect(await failureOf(account.sum(numbers()))).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
    expect(ended).to.equal(2);
  });

  it("may come from calls that went on from others", async () => {
    const { remote, restart, runs } = await start();
    const cursor = await remote.open("ann").cursor("a");
    expect(await cursor.where()).to.equal("one/ann/a");
    await restart();
    expect(await cursor.where()).to.equal("two/ann/a");
    expect(runs[1].opened).to.deep.equal(["ann", "cursor a"]);
  });

  it("are obtained once, however many calls want them", async () => {
    const { remote, restart, runs } = await start();
    const account = await remote.open("ann");
    await restart();
    const answers = await Promise.all(Array.from({ length: 20 }, () => account.who()));
    expect(new Set(answers)).to.deep.equal(new Set(["ann at two"]));
    expect(runs[1].opened).to.deep.equal(["ann"]);
  });

  it("call once more what was on its way, if that may be executed twice", async () => {
    const { remote, restart, runs } = await start();
    const account = await remote.open("ann");
    const reached = once(runs[0].reached, "read");
    const reading = account.read();
    await reached;
    await restart();
    expect(await reading).to.equal("read at two");
  });

  it("say that the outcome is unknown, if it may not; the next call is made", async () => {
    const { remote, restart, runs } = await start();
    const account = await remote.open("ann");
    const reached = once(runs[0].reached, "write");
    const writing = failureOf(account.write());
    await reached;
    await restart();
    expect(await writing).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(await account.write()).to.equal("written at two");
  });

  it("are known to their owner when they come home", async () => {
    const { remote, restart } = await start();
    const account = await remote.open("ann");
    await restart();
    await account.who();
    expect(await remote.isMine(account)).to.equal(true);
  });

  it("are obtained with the arguments as they were", async () => {
    const { remote, restart } = await start();
    const request = { user: "ann" };
    const account = await remote.openFor([request]);
    const cursor = await account.cursor("a");
    request.user = "bob";
    await restart();
    expect(await account.who()).to.equal("ann at two");
    expect(await cursor.where()).to.equal("two/ann/a");
  });

  it("are obtained all at once when they came in one result, and nothing more is held", async () => {
    const { remote, restart, runs, hosts } = await start();
    const accounts = await remote.many(200);
    const [first] = accounts;
    release(first ?? {});
    await restart();
    const answers = await Promise.all(accounts.slice(1).map((account) => account.who()));
    expect(answers.slice(0, 2)).to.deep.equal(["1 at two", "2 at two"]);
    expect(runs[1].opened).to.deep.equal(["many"]);
    await until(() => hosts[1]?.references.length === 199);
  });

  it("that only came back are not obtained by what gave them back", async () => {
    const { remote, restart } = await start();
    const account = await remote.create("ann");
    expect(await remote.back(account)).to.equal(account);
    await restart();
    for (let count = 0; count < 2; count++) {
      expect(await failureOf(account.who())).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
    }
  });

  it("are not obtained again where they came from calls that carried streams", async () => {
    const { remote, restart, runs } = await start();
    const numbers = async function* () {
      for (const n of [1, 2]) yield await Promise.resolve(n);
    };
    const cursor = await (await remote.open("ann")).summed(numbers());
    expect(await cursor.where()).to.equal("3");
    await restart();
    expect(await failureOf(cursor.where())).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
    expect(runs[1].opened).to.deep.equal([]);
  });

  it("are obtained again for one who holds them when another has let go of them", async () => {
    const { remote, restart } = await start();
    const account = await remote.find("ann");
    await restart();
    expect(await account.who()).to.equal("ann at two");
    const same = await remote.find("ann");
    release(same);
    expect(await account.who()).to.equal("ann at two");
    const other = await remote.find("ann");
    release(account);
    expect(await other.who()).to.equal("ann at two");
  });

  it("are obtained again before they are handed on", async () => {
    const { remote, restart } = await start();
    const account = await remote.open("ann");
    const view = await remote.view(account);
    const lost = await remote.create("bob");
    await restart();
    expect(await remote.isMine(account)).to.equal(true);
    expect(await view.where()).to.equal("view of ann at two");
    expect(await failureOf(remote.isMine(lost))).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
  });

  it("of a session are lost with it", async () => {
    const owners = [new Run("one"), new Run("two")] as const;
    const hosts: Host[] = [];
    for (const run of owners) {
      const desk = defineInterface("demo.desk", {
        stateful: true,
        methods: { account: { idempotent: true, run: () => new Account(run, "ann") } },
      });
      hosts.push(await mesh.host([desk]));
    }
    const link = mesh.own(await WeakLink.to(hosts[0]?.address ?? ""));
    const events = new EventEmitter();
    const client = mesh.client({ onEvent: ({ type }) => events.emit(type) });
    const desk = client.connect<{ account(): Account }>(link.address, "demo.desk", { wire: "lamp" });
    const account = await desk.account();
    expect(await account.who()).to.equal("ann at one");
    const gone = once(events, "disconnected");
    link.break(hosts[1]?.address);
    await gone;
    expect(await failureOf(account.who())).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
  });

  it("are let go at the run that they belong to now", async () => {
    const { remote, restart, hosts } = await start();
    const account = await remote.open("ann");
    await restart();
    await account.who();
    expect(hosts[1]?.references.map(({ name }) => name)).to.deep.equal(["Account"]);
    release(account);
    expect(await failureOf(account.who())).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
    await until(() => hosts[1]?.references.length === 0);
  });

  it("move on when their host is shutting down", async () => {
    const nameserver = await mesh.nameserver();
    const runs = [new Run("one"), new Run("two")] as const;
    const first = await mesh.host([bank(runs[0])], { nameserver: nameserver.address, service: "/bank/1" });
    const remote = mesh.client({ nameserver: nameserver.address }).locate<Bank>("demo.bank");
    const account = await remote.open("ann");
    expect(await account.who()).to.equal("ann at one");
    await mesh.host([bank(runs[1])], { nameserver: nameserver.address, service: "/bank/2" });
    const closing = first.close();
    expect(await account.who()).to.equal("ann at two");
    await closing;
    expect(await account.spend()).to.equal("spent at two");
  });

  describe("are lost for good, and say so,", () => {
    it("when the call that they came from may not be made again", async () => {
      const { remote, restart, runs } = await start();
      const account = await remote.create("ann");
      await restart();
      const error = await failureOf(account.who());
      expect(error).to.include({ code: "REFERENCE_LOST", outcome: "not-sent", method: "who" });
      expect(error.message).to.match(/^The reference went with its connection to tcp:.*; obtain it again$/);
      expect(runs[1].opened).to.deep.equal([]);
    });

    it("when that call asked for no second try", async () => {
      const { remote, restart } = await start();
      const account = await withOptions(remote, { retry: false }).open("ann");
      await restart();
      expect(await failureOf(account.who())).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
    });

    it("when its result holds none any more", async () => {
      const { remote, restart } = await start();
      const account = (await remote.maybe()) as RemoteReference<Account>;
      await restart();
      const error = await failureOf(account.who());
      expect(error).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
      expect(error.message).to.match(/could not be obtained again: The result is no reference any more$/);
    });

    it("when the service does not come back in time", async () => {
      const { remote, stop } = await start();
      const account = await withOptions(remote, { timeoutMs: 300 }).open("ann");
      await stop();
      const error = await failureOf(account.who());
      expect(error).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
      expect(error.cause).to.have.property("code", "UNAVAILABLE");
    });

    it("when the client's own time for calls has passed", async () => {
      const { remote, link, events } = await start({ timeoutMs: 300 });
      const account = await withOptions(remote, { timeoutMs: 60_000 }).open("ann");
      const gone = once(events, "disconnected");
      await link.close();
      await gone;
      expect(await failureOf(account.who())).to.include({ code: "TIMEOUT", outcome: "not-sent" });
    });

    it("when the client was closed", async () => {
      const { client, remote } = await start();
      const account = await remote.open("ann");
      await client.close();
      const error = await failureOf(account.who());
      expect(error).to.include({ code: "REFERENCE_LOST", outcome: "not-sent" });
      expect(error.message).to.contain("The client was closed");
    });
  });
});

describe("What is held", () => {
  const mesh = useMesh();

  it("is told at either end: what, how often, since when", async () => {
    const kept: unknown[] = [];
    const shared = new Cursor("shared");
    const host = await mesh.host([
      defineInterface("demo.held", {
        methods: {
          shared: () => shared,
          keep: (callback: unknown) => {
            kept.push(callback);
            return currentCall().peerId;
          },
        },
      }),
    ]);
    const client = mesh.client();
    const remote = client.connect<{ shared(): Cursor; keep(callback: () => void): string }>(host.address, "demo.held", {
      wire: "lamp",
    });
    expect([...host.references, ...client.references]).to.deep.equal([]);
    const before = Date.now();
    const cursor = await remote.shared();
    await remote.shared();
    const peer = await remote.keep(function progress() {
      return undefined;
    });
    const at = ({ name, holder, methods, count, peer }: (typeof host.references)[number]) => [
      holder,
      name.replace(/\d+/, "N"),
      methods,
      count,
      peer,
    ];
    expect(host.references.map(at)).to.deep.equal([
      ["peer", "Cursor", ["where"], 2, peer],
      ["here", "reference N", [], 1, peer],
    ]);
    expect(client.references.map(at)).to.deep.equal([
      ["peer", "progress", [], 1, host.address],
      ["here", "reference N", ["where"], 2, host.address],
    ]);
    for (const { since } of [...host.references, ...client.references]) {
      expect(since.getTime()).to.be.within(before, Date.now());
    }
    release(cursor);
    expect(client.references.map(({ holder }) => holder)).to.deep.equal(["peer"]);
    await until(() => host.references.length === 1);
    expect(host.references.map(({ holder }) => holder)).to.deep.equal(["here"]);
  });
});
