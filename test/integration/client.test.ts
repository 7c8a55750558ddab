import { expect } from "chai";
import {
  type Answer,
  Client,
  type ClientEvent,
  call,
  closeDefaultClient,
  componentOf,
  configure,
  currentCall,
  nameserver as defaultNameserver,
  defineInterface,
  introspect,
  locate,
  type MethodFunction,
  named,
  proxy,
  type RpcError,
  statusOf,
  withOptions,
} from "../../src/index.js";
import {
  type CallMessage,
  type Codec,
  type ResultMessage,
  registerWire,
  unregisterWire,
  type Wire,
} from "../../src/wire/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { json, text, useRawPeers } from "../support/raw.js";
import { authenticator, counter, echo, locked } from "../support/services.js";

interface Echo {
  echo(value: unknown): unknown;
  add(a: number, b: number, c?: number): number;
  divmod(a: number, b: number): { quotient: number; remainder: number };
  one(value: unknown): unknown;
  slow(ms: number): string;
  digest(data: Uint8Array): { size: number; sha256: string };
  blob(size: number): { size: number; data: Uint8Array };
  crash(): never;
}

interface Counter {
  counter(): number;
  discard(): null;
}

describe("A client", () => {
  const mesh = useMesh();
  const raw = useRawPeers();

  describe("arguments and results of a proxy", () => {
    const start = async (): Promise<ReturnType<typeof connect>> => connect((await mesh.host([echo])).address);
    const connect = (address: string) => mesh.client().connect<Echo>(address, "demo.echo");

    it("maps positional arguments, one object, and named() to a declared method", async () => {
      const remote = await start();
      expect(await remote.add(1, 2)).to.equal(3);
      expect(await remote.add(1, 2, 4)).to.equal(7);
      expect(await componentOf(remote).invoke("add", { a: 1, b: 2 })).to.equal(3);
      expect(await (remote.add as unknown as (value: object) => Promise<unknown>)({ a: 3, b: 4 })).to.equal(7);
      expect(await remote.add(1, named({ b: 5 }))).to.equal(6);
    });

    it("refuses too many, missing and wrongly typed arguments before anything is sent", async () => {
      const remote = await start();
      const add = remote.add as unknown as (...values: unknown[]) => Promise<unknown>;
      for (const [values, path] of [
        [[1, 2, 3, 4], "args[3]"],
        [[1], "args.b"],
        [[1, "2"], "args.b"],
        [[{ a: 1, b: null }], "args.b"],
      ] as const) {
        const error = await failureOf(add(...values));
        expect(error).to.include({ code: "BAD_REQUEST", outcome: "not-sent", method: "add" });
        expect(error.message).to.contain(path);
      }
    });

    it("sends the one value of an undeclared method as it is, and null for none", async () => {
      const remote = await start();
      const anything = remote.echo as (...values: unknown[]) => Promise<unknown>;
      expect(await anything()).to.equal(null);
      expect(await anything([1, { a: 2 }])).to.deep.equal([1, { a: 2 }]);
      const several = await failureOf(anything(1, 2));
      expect(several).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(several.message).to.contain("declare them with params");
    });

    it("unwraps one declared result, keeps several as an object, and puts attachments back", async () => {
      const remote = await start();
      expect(await remote.one("x")).to.equal("x");
      expect(await remote.divmod(7, 2)).to.deep.equal({ quotient: 3, remainder: 1 });
      expect(await componentOf(remote).invoke("one", { a: "x" })).to.deep.equal({ value: "x" });
      const blob = await remote.blob(3);
      expect(blob.size).to.equal(3);
      expect([...blob.data]).to.deep.equal([7, 7, 7]);
      expect((await remote.digest(new Uint8Array(9))).size).to.equal(9);
    });

    it("keeps an empty attachment apart from none", async () => {
      const component = componentOf(await start());
      expect(await component.invokeFull("mirror")).to.deep.include({ result: "absent", attachment: undefined });
      const empty = await component.invokeFull("mirror", null, { attachment: new Uint8Array(0) });
      expect(empty.result).to.equal(0);
      expect(empty.attachment?.byteLength).to.equal(0);
    });

    it("suggests a method when the name is not known, whatever the arguments", async () => {
      const remote = (await start()) as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
      for (const values of [[], [1], [1, 2]]) {
        const error = await failureOf(remote.ad?.(...values) ?? Promise.resolve());
        expect(error.code).to.equal("METHOD_NOT_FOUND");
        expect(error.message).to.match(/did you mean "add"/);
      }
    });
  });

  it("sends many calls together that each are as large as they may be", async () => {
    const size = defineInterface("demo.size", { methods: { size: (bytes: Uint8Array) => bytes.byteLength } });
    const host = await mesh.host([size], { maxMessageBytes: 65_536 });
    const disconnected: string[] = [];
    const client = mesh.client({
      onEvent: (event) => {
        if (event.type === "disconnected") disconnected.push(event.reason);
      },
    });
    const remote = client.connect<{ size(bytes: Uint8Array): number }>(host.address, "demo.size", { wire: "lamp" });
    await remote.size(new Uint8Array(1));
    const sizes = Array.from({ length: 40 }, (_, n) => (n % 8 === 7 ? 65_000 : 15_000));
    expect(await Promise.all(sizes.map((bytes) => remote.size(new Uint8Array(bytes))))).to.deep.equal(sizes);
    expect(disconnected).to.deep.equal([]);
  });

  it("adds no suggestion of its own to an error that a method passes on", async () => {
    const passing = defineInterface("demo.passing", {
      methods: { callBack: () => (currentCall().peer as unknown as { callBak(): unknown }).callBak() },
    });
    const host = await mesh.host([passing]);
    const remote = mesh.client().connect<{ callBack(): unknown }>(host.address, "demo.passing", { wire: "lamp" });
    const error = await failureOf(remote.callBack());
    expect(error).to.include({ code: "METHOD_NOT_FOUND", outcome: "executed" });
    expect(error.message).to.not.contain("did you mean");
  });

  it("looks the nameserver's services up, as the seed does", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address });
    const client = mesh.client({ nameserver: address });
    const nameserver = client.nameserver();
    const example = nameserver.locate({ interface: "org.pycom.nameserver" });
    const found: string[] = [];
    for (const info of await example.list_services()) found.push(info.service);
    expect(found).to.include("/org/pycom/nameserver");
    expect(await nameserver.locate<Echo>("demo.echo").echo(42)).to.equal(42);
    expect(await componentOf(nameserver).invoke("locate", { interface: "demo.echo" })).to.have.property("address");
  });

  it("is configured for the whole process, without a scheme as well", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: address });
    configure({ nameserver: address.replace("tcp://", "") });
    try {
      const query = locate("demo.echo");
      expect(await query.invoke("echo", 42)).to.equal(42);
      expect((await query.introspect()).name).to.equal("demo.echo");
      expect(await defaultNameserver().invoke("stat")).to.deep.equal({});
    } finally {
      await closeDefaultClient();
    }
  });

  describe("sessions", () => {
    it("keep one session per proxy, also for calls made side by side", async () => {
      const host = await mesh.host([counter]);
      const client = mesh.client();
      const one = client.connect<Counter>(host.address, "demo.counter");
      const other = client.connect<Counter>(host.address, "demo.counter");
      expect(await Promise.all([one.counter(), one.counter(), one.counter()])).to.have.members([1, 2, 3]);
      expect(await other.counter()).to.equal(1);
      expect(statusOf(one).sessionId).to.match(/^[0-9a-f]{32}$/);
    });

    it("are shared by a component and its proxy", async () => {
      const host = await mesh.host([counter]);
      const component = mesh.client().connectComponent(host.address, "demo.counter");
      await component.invoke("counter");
      expect(await proxy<Counter>(component).counter()).to.equal(2);
    });

    it("report an expired session, and open a new one with the next call", async () => {
      const host = await mesh.host([counter]);
      const remote = mesh.client().connect<Counter>(host.address, "demo.counter");
      await remote.counter();
      await remote.discard();
      expect(await failureOf(remote.counter())).to.include({ code: "SESSION_EXPIRED", outcome: "not-executed" });
      expect(await remote.counter()).to.equal(1);
    });

    it("stay with the instance that holds them, whatever the balance", async () => {
      const { address } = await mesh.nameserver();
      for (const service of ["/a", "/b", "/c"]) await mesh.host([counter], { nameserver: address, service });
      const remote = mesh.client({ nameserver: address, balance: "round-robin" }).locate<Counter>("demo.counter");
      for (let expected = 1; expected <= 6; expected++) expect(await remote.counter()).to.equal(expected);
    });

    it("say so when the instance is gone, and begin anew elsewhere", async () => {
      const { address } = await mesh.nameserver();
      const first = await mesh.host([counter], { nameserver: address, service: "/a" });
      const remote = mesh.client({ nameserver: address }).locate<Counter>("demo.counter");
      await remote.counter();
      await first.close();
      await mesh.host([counter], { nameserver: address, service: "/b" });
      expect(await failureOf(remote.counter())).to.include({ code: "SESSION_EXPIRED", outcome: "not-sent" });
      expect(await remote.counter()).to.equal(1);
    });
  });

  describe("deadlines and cancellation", () => {
    it("fail a call that is not answered in time, as unknown", async () => {
      const hang = defineInterface("demo.hang", { methods: { hang: () => new Promise(() => undefined), ok: () => 1 } });
      const host = await mesh.host([hang], { drainTimeoutMs: 50 });
      const remote = mesh.client().connect<{ hang(): null; ok(): number }>(host.address, "demo.hang");
      const error = await failureOf(withOptions(remote, { timeoutMs: 50 }).hang());
      expect(error).to.include({ code: "TIMEOUT", outcome: "unknown", interface: "demo.hang", method: "hang" });
      expect(await remote.ok()).to.equal(1);
    });

    it("tell of a method that its deadline ended", async () => {
      const host = await mesh.host([echo]);
      const remote = mesh.client().connect<Echo>(host.address, "demo.echo");
      const error = await failureOf(withOptions(remote, { timeoutMs: 50 }).slow(2_000));
      expect(error.code).to.equal("TIMEOUT");
      expect(error.outcome).to.be.oneOf(["unknown", "executed"]);
    });

    it("fail as not sent while nothing could be reached", async () => {
      const remote = mesh.client({ timeoutMs: 150 }).connect<Echo>("tcp://127.0.0.1:1", "demo.echo");
      expect(await failureOf(remote.echo(1))).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
    });

    it("refuse a signal that fired before, and end a call in flight", async () => {
      const host = await mesh.host([echo]);
      const remote = mesh.client().connect<Echo>(host.address, "demo.echo");
      await remote.echo(1);
      const before = withOptions(remote, { signal: AbortSignal.abort("no") });
      expect(await failureOf(before.echo(1))).to.include({ code: "CANCELLED", outcome: "not-sent" });
      const controller = new AbortController();
      const flying = failureOf(withOptions(remote, { signal: controller.signal }).slow(2_000));
      controller.abort();
      expect(await flying).to.include({ code: "CANCELLED", outcome: "unknown" });
    });

    it("end a call that still looks for a provider, as not sent", async () => {
      const client = mesh.client({ nameserver: "tcp://127.0.0.1:1" });
      const controller = new AbortController();
      const looking = failureOf(withOptions(client.locate<Echo>("demo.echo"), { signal: controller.signal }).echo(1));
      setImmediate(() => {
        controller.abort();
      });
      expect(await looking).to.include({ code: "CANCELLED", outcome: "not-sent" });
    });

    it("pass to the calls that a method makes, with the caller's token", async () => {
      const inner = await mesh.host([echo]);
      const client = mesh.client();
      const back = client.connect<Echo & { ext(): Record<string, unknown> }>(inner.address, "demo.echo");
      let nested: Promise<RpcError> | undefined;
      const outer = await mesh.host([
        defineInterface("demo.outer", {
          methods: {
            relay: () => {
              nested = failureOf(back.slow(5_000));
              return nested;
            },
            token: () => back.ext(),
          },
        }),
      ]);
      const remote = client.connect<{ relay(): unknown; token(): unknown }>(outer.address, "demo.outer");
      await back.echo(1);
      await failureOf(withOptions(remote, { timeoutMs: 200 }).relay());
      // Nobody has cancelled anything.
      expect(await nested).to.include({ code: "TIMEOUT", outcome: "unknown" });
      const withToken = withOptions(remote, { extensions: { "org.pycom.auth": "mine" } });
      expect(await withToken.token()).to.deep.equal({ "org.pycom.auth": "mine" });
    });

    it("do not keep the next calls from the only provider there is", async () => {
      const { address } = await mesh.nameserver();
      const slow = defineInterface("demo.slow", {
        methods: { slow: () => new Promise(() => undefined), fast: () => 1 },
      });
      const host = await mesh.host([slow], { nameserver: address, drainTimeoutMs: 1 });
      const retries: string[] = [];
      const client = mesh.client({
        nameserver: address,
        onEvent: (event) => {
          if (event.type === "retry") retries.push(event.reason);
        },
      });
      for (const remote of [
        client.locate<{ slow(): null; fast(): number }>("demo.slow"),
        client.connect<{ slow(): null; fast(): number }>(host.address, "demo.slow"),
      ]) {
        for (let count = 0; count < 6; count++) await failureOf(withOptions(remote, { timeoutMs: 20 }).slow());
        expect(await withOptions(remote, { timeoutMs: 900 }).fast()).to.equal(1);
      }
      expect(retries).to.deep.equal([]);
    });

    it("refuse a deadline that is none", async () => {
      const remote = mesh.client().connect<Echo>("tcp://127.0.0.1:1", "demo.echo");
      expect(await failureOf(withOptions(remote, { timeoutMs: NaN }).echo(1))).to.include({ code: "CONFIGURATION" });
    });
  });

  describe("several providers", () => {
    const startThree = async (): Promise<string> => {
      const { address } = await mesh.nameserver();
      for (const service of ["/a", "/b", "/c"]) {
        const tell: MethodFunction = () => service;
        await mesh.host([defineInterface("demo.who", { methods: { who: tell } })], { nameserver: address, service });
      }
      return address;
    };
    const askTwelve = async (address: string, balance?: "random" | "round-robin" | "least-pending") => {
      const remote = mesh.client({ nameserver: address, balance }).locate<{ who(): string }>("demo.who");
      const seen: string[] = [];
      for (let count = 0; count < 12; count++) seen.push(await remote.who());
      return new Set(seen).size;
    };

    it("are taken in turn by round-robin", async () => {
      expect(await askTwelve(await startThree(), "round-robin")).to.equal(3);
    });

    it("are all considered by least-pending", async () => {
      const address = await startThree();
      const remote = mesh
        .client({ nameserver: address, balance: "least-pending" })
        .locate<{ who(): string }>("demo.who");
      await remote.who();
      const seen = await Promise.all(Array.from({ length: 60 }, () => remote.who()));
      expect(new Set(seen).size).to.be.greaterThan(1);
    });

    it("are kept to one per proxy otherwise", async () => {
      expect(await askTwelve(await startThree())).to.equal(1);
    });
  });

  it("waits for a service that is not up yet when asked to, and fails at once when not", async () => {
    const { address } = await mesh.nameserver();
    const remote = mesh.client({ nameserver: address }).locate<Echo>("demo.echo");
    expect(await failureOf(remote.echo(1))).to.include({ code: "SERVICE_NOT_FOUND", outcome: "not-sent" });
    const waiting = withOptions(remote, { waitForMs: 15_000 }).echo("found");
    await mesh.host([echo], { nameserver: address });
    expect(await waiting).to.equal("found");
  });

  it("uses the next nameserver of a list when the first is not there", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([echo], { nameserver: ["tcp://127.0.0.1:1", address] });
    const client = mesh.client({ nameserver: ["tcp://127.0.0.1:1", address] });
    expect(await client.locate<Echo>("demo.echo").echo(1)).to.equal(1);
  });

  it("tells of another try only when there is one", async () => {
    const retries: ClientEvent[] = [];
    const client = mesh.client({
      timeoutMs: 100,
      random: () => 1,
      onEvent: (event) => {
        if (event.type === "retry") retries.push(event);
      },
    });
    const error = await failureOf(client.connect<Echo>("tcp://127.0.0.1:1", "demo.echo").echo(1));
    const tries = Number(/\((\d+) tries/.exec(error.message)?.[1]);
    expect(retries).to.have.length(tries - 1);
    expect(retries[0]).to.include({ attempt: 1, interface: "demo.echo", method: "echo" });
  });

  it("runs middleware, prehooks and posthooks around every call", async () => {
    const host = await mesh.host([echo]);
    const seen: string[] = [];
    const client = mesh.client({
      middleware: [
        async (call, next): Promise<Answer> => {
          seen.push(`before ${call.method}`);
          const answer = await next(call);
          seen.push("after");
          return answer;
        },
      ],
    });
    client.prehooks.push((component, call) => {
      seen.push(`pre ${component.name}`);
      call.extensions = { ...call.extensions, "my.own": 1 };
      return call;
    });
    client.posthooks.push((_component, answer) => {
      seen.push("post");
      return { ...answer, result: [answer.result] };
    });
    const remote = client.connect<{ ext(): unknown }>(host.address, "demo.echo");
    expect(await remote.ext()).to.deep.equal([{ "my.own": 1 }]);
    expect(seen).to.deep.equal(["before ext", "pre demo.echo", "post", "after"]);
  });

  it("authenticates, knows who it is, and is known to services", async () => {
    const { address } = await mesh.nameserver();
    await mesh.host([authenticator], { nameserver: address });
    await mesh.host([locked], { nameserver: address });
    const client = mesh.client({ nameserver: address });
    const remote = client.locate<{ whoami(): string }>("demo.locked");
    expect(await client.userInfo()).to.equal(null);
    expect(await failureOf(remote.whoami())).to.include({ code: "ACCESS_DENIED", outcome: "not-executed" });
    expect(await failureOf(client.authenticate("ann", { password: "wrong" }))).to.include({ code: "ACCESS_DENIED" });
    await client.authenticate("ann", { password: "secret" });
    expect(await remote.whoami()).to.equal("ann");
    expect(await client.userInfo()).to.deep.equal({ name: "ann", roles: ["admin"] });
    const second = mesh.client({ nameserver: address });
    await second.authenticate({ token: "token-of-ann" });
    expect(await second.locate<{ whoami(): string }>("demo.locked").whoami()).to.equal("ann");
  });

  it("gives components by interface, or by address and interface", async () => {
    const { address } = await mesh.nameserver();
    const host = await mesh.host([echo], { nameserver: address });
    const client = mesh.client({ nameserver: address });
    expect(await client.component("demo.echo").invoke("echo", 1)).to.equal(1);
    expect(await client.component(host.address, "demo.echo").invoke("echo", 2)).to.equal(2);
    expect(() => client.component(host.address)).to.throw(/needs the interface/);
  });

  it("carries 10,000 calls at once over one connection", async () => {
    const host = await mesh.host([echo]);
    const remote = mesh.client().connect<Echo>(host.address, "demo.echo");
    const answers = await Promise.all(Array.from({ length: 10_000 }, (_, index) => remote.echo(index)));
    expect(answers).to.deep.equal(Array.from({ length: 10_000 }, (_, index) => index));
  });

  it("fails further calls after it is closed, and those in flight with their outcome", async () => {
    const host = await mesh.host([echo]);
    const client = new Client();
    const remote = client.connect<Echo>(host.address, "demo.echo");
    await remote.echo(1);
    const flying = failureOf(remote.slow(2_000));
    await client.close();
    expect(await flying).to.include({ code: "CLOSED", outcome: "unknown" });
    expect(await failureOf(remote.echo(1))).to.include({ code: "CLOSED", outcome: "not-sent" });
    await client.close();
  });

  it("speaks a wire from another package", async () => {
    const toy: Wire = {
      name: "toy",
      recognises: (frames) => text(frames[0]) === "toy",
      open: (): Codec => ({
        encode: (message) => {
          const { id, ...rest } = message as CallMessage | ResultMessage;
          const key = typeof id === "number" ? String(id) : text(id[0]);
          return [Buffer.from("toy"), Buffer.from(key), Buffer.from(JSON.stringify(rest))];
        },
        decode: (frames) => {
          const message = JSON.parse(text(frames[2])) as ReturnType<Codec["decode"]>;
          const key = frames[1] ?? new Uint8Array();
          return { ...message, id: message.kind === "call" ? [key] : Number(text(key)) };
        },
      }),
    };
    registerWire(toy);
    try {
      const host = await mesh.host([echo]);
      const remote = mesh.client().connect<Echo>(host.address, "demo.echo", { wire: "toy" });
      expect(await remote.add(2, 3)).to.equal(5);
      expect(await mesh.client().connect<Echo>(host.address, "demo.echo").add(2, 3)).to.equal(5);
    } finally {
      unregisterWire("toy");
    }
    expect(() => mesh.client().connect("tcp://127.0.0.1:1", "a.b", { wire: "toi" })).to.throw(/no wire named "toi"/);
  });

  describe("against a PyCOM service written by hand", () => {
    const answerWith = (body: string, ...more: string[]) =>
      raw.router((frames) => {
        const start = frames.findIndex((frame) => frame.byteLength === 0) + 1;
        const request = JSON.parse(text(frames[start + 1])) as { method: string };
        const envelope = frames.slice(0, start);
        if (request.method === "introspect") {
          return [...envelope, "OK", '{"code": 2, "error": "Method \'introspect\' not found"}'];
        }
        return [...envelope, body === "FAIL" ? "FAIL" : "OK", body === "FAIL" ? "" : body, ...more];
      });
    const callOnce = async (body: string, ...more: string[]) =>
      mesh
        .client()
        .connectComponent(await answerWith(body, ...more), "demo.echo")
        .invokeFull("echo", 1);

    it("always sends args, and neither session nor extensions when there are none", async () => {
      const requests: Record<string, unknown>[] = [];
      const address = await raw.router((frames) => {
        requests.push(json(frames.slice(-2)));
        return [...frames.slice(0, 3), "OK", '{"code": 0, "result": null}'];
      });
      await mesh.client().connectComponent(address, "demo.echo").invoke("echo");
      expect(requests.at(-1)).to.deep.equal({ version: "1.0", interface: "demo.echo", method: "echo", args: null });
    });

    it("remembers the session of successful answers, and sends it", async () => {
      const sessions: unknown[] = [];
      const address = await raw.router((frames) => {
        const request = json(frames.slice(-2));
        if (request.method === "introspect") return [...frames.slice(0, 3), "OK", '{"code":2,"error":null}'];
        sessions.push(request.session_id);
        const failed = request.method === "fail";
        const body = failed ? { code: 1, error: "x", session_id: "bad" } : { code: 0, result: 1, session_id: "good" };
        return [...frames.slice(0, 3), "OK", JSON.stringify(body)];
      });
      const component = mesh.client().connectComponent(address, "demo.echo");
      await failureOf(component.invoke("fail"));
      await component.invoke("echo");
      await component.invoke("echo");
      expect(sessions).to.deep.equal([undefined, undefined, "good"]);
    });

    it("maps every code to its class, others and a null error as well", async () => {
      const codes: [number, string, string][] = [
        [1, "UNKNOWN", "executed"],
        [2, "METHOD_NOT_FOUND", "not-executed"],
        [3, "SERVICE_NOT_FOUND", "not-executed"],
        [4, "BAD_REQUEST", "not-executed"],
        [5, "ACCESS_DENIED", "not-executed"],
        [6, "SESSION_EXPIRED", "not-executed"],
        [100500, "UNKNOWN", "executed"],
      ];
      for (const [number, code, outcome] of codes) {
        const error = await failureOf(callOnce(`{"code": ${number}, "error": null}`));
        expect(error).to.include({ code, outcome, number });
        expect(error.remote?.message).to.equal(`Remote error #${number}`);
      }
    });

    it("understands spaced JSON, escapes, NaN, a null session and further frames", async () => {
      const body = '{"code": 0, "result": {"text": "\\u00e9", "x": NaN}, "session_id": null}';
      const answer = await callOnce(body, "attachment", "more", "and more");
      expect(answer.result).to.deep.equal({ text: "é", x: NaN });
      expect(answer.sessionId).to.equal(undefined);
      expect(text(answer.attachment)).to.equal("attachment");
    });

    it("reports FAIL as unavailable, and an unreadable answer as a protocol error, both unknown", async () => {
      expect(await failureOf(callOnce("FAIL"))).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      for (const garbage of ["{", "[]", "5", '{"result": 1}', '{"code": "0"}']) {
        expect(await failureOf(callOnce(garbage)), garbage).to.include({ code: "PROTOCOL", outcome: "unknown" });
      }
    });

    it("is found through PyCOM's own nameserver, by list_services", async () => {
      const service = await answerWith('{"code": 0, "result": 42}');
      const nameserver = await raw.router((frames) => {
        const request = json(frames.slice(-2));
        const listed = [{ address: service, service: "/a", interfaces: ["demo.echo", "other"] }];
        const body =
          request.method === "list_services"
            ? { code: 0, result: listed }
            : { code: 2, error: `Method '${String(request.method)}' not found` };
        return [...frames.slice(0, 3), "OK", JSON.stringify(body)];
      });
      const client = mesh.client({ nameserver });
      expect(await client.component("demo.echo").invoke("echo")).to.equal(42);
      expect(await failureOf(client.component("demo.ech").invoke("echo"))).to.include({ code: "SERVICE_NOT_FOUND" });
    });
  });

  it("knows the methods of a proxy once it was introspected, by whatever way", async () => {
    const { address } = await mesh.host([echo]);
    const ways: ((remote: object) => Promise<unknown>)[] = [
      (remote) => introspect(remote),
      (remote) => componentOf(remote).introspect(),
      (remote) => componentOf(remote).invoke("introspect"),
      (remote) => call(remote, "introspect"),
    ];
    for (const way of ways) {
      const remote = mesh.client().connect<Echo>(address, "demo.echo");
      expect(Object.keys(remote)).to.deep.equal([]);
      await way(remote);
      expect(Object.keys(remote)).to.include.members(["echo", "add", "introspect"]);
      expect(componentOf(remote).methods).to.include("divmod");
    }
  });

  describe("names the service in its errors", () => {
    it("by its path, whatever happened to the call, once it was found", async () => {
      const { address } = await mesh.nameserver();
      const host = await mesh.host([echo, counter], { nameserver: address, service: "/named", drainTimeoutMs: 0 });
      const client = mesh.client({ nameserver: address });
      const remote = client.locate<Echo & { nope(): null; hang(): null }>("demo.echo");
      const session = client.locate<Counter>("demo.counter");
      await session.counter();
      const boom = client.locate<{ boom(): never }>("demo.counter").boom();
      const failures = [
        await failureOf(boom),
        await failureOf(remote.nope()),
        await failureOf((remote.add as unknown as (a: number) => Promise<number>)(1)),
        await failureOf(remote.echo(Symbol("no value"))),
        await failureOf(withOptions(remote, { timeoutMs: 50 }).hang()),
        await failureOf(withOptions(remote, { timeoutMs: -1 }).echo(1)),
        await failureOf(withOptions(remote, { signal: AbortSignal.abort() }).echo(1)),
      ];
      const flying = failureOf(remote.slow(60_000));
      await remote.echo(1);
      await host.close();
      failures.push(await flying, await failureOf(session.counter()));
      for (const { code, service, interface: name, method } of failures) {
        expect(service, code).to.equal("/named");
        expect([name, method], code).not.to.include(undefined);
      }
      expect(new Set(failures.map(({ code }) => code)).size).to.be.greaterThan(6);
    });

    it("by its address, when it is called by that", async () => {
      const { address } = await mesh.host([echo], { service: "/named" });
      const error = await failureOf(mesh.client().connect<Echo>(address, "demo.echo").crash());
      expect(error.service).to.equal(address);
    });
  });

  it("shows what an interface says of itself", async () => {
    const host = await mesh.host([echo]);
    const said = await introspect(mesh.client().connect<Echo>(host.address, "demo.echo"));
    expect(said.contract).to.include({ incarnation: host.incarnation, stateful: false });
    expect(said.contract?.methods.add).to.deep.equal({
      idempotent: true,
      types: { a: "number", b: "number", c: "number" },
    });
  });
});
