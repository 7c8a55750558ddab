import { EventEmitter, once } from "node:events";
import { expect } from "chai";
import {
  type Client,
  type ClientOptions,
  type Component,
  currentCall,
  defineInterface,
  type Host,
  type HostOptions,
  rpcError,
  type ServiceMiddleware,
} from "../../src/index.js";
import type { CallOptions } from "../../src/peer/invoker.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { Naming } from "../support/naming.js";
import { until } from "../support/until.js";
import { WeakLink } from "../support/weak-link.js";

describe("A call that its caller has named", () => {
  const mesh = useMesh();
  let seen = new EventEmitter();
  let executed: string[] = [];

  beforeEach(() => {
    seen = new EventEmitter();
    executed = [];
  });

  const work = (): ReturnType<typeof defineInterface> =>
    defineInterface("demo.named", {
      methods: {
        add: (key: string) => {
          executed.push(key);
          seen.emit("begun");
          return `${key} done as ${currentCall().callId}`;
        },
        read: {
          params: ["key"],
          idempotent: true,
          run: (key: string) => {
            executed.push(key);
            seen.emit("begun");
            return `${key} read`;
          },
        },
        wait: async (key: string) => {
          const { signal } = currentCall();
          executed.push(key);
          signal.addEventListener("abort", () => seen.emit("cancelled", key));
          const opened = once(seen, "open", { signal });
          seen.emit("begun");
          await opened;
          return `${key} waited`;
        },
        items: async function* (key: string) {
          executed.push(key);
          seen.emit("begun");
          yield key;
        },
        fail: (key: string) => {
          executed.push(key);
          throw new RangeError(`no ${key}`);
        },
      },
    });

  interface Scene {
    readonly host: Host;
    readonly link: WeakLink;
    readonly client: Client;
    readonly component: Component;
  }

  /** A host behind a link that can break, and a client that has called it before. */
  async function scene(options: HostOptions = {}, clientOptions: ClientOptions = {}): Promise<Scene> {
    const host = await mesh.host([work()], { errors: "message", ...options });
    const link = mesh.own(await WeakLink.to(host.address));
    const client = mesh.client({ timeoutMs: 10_000, ...clientOptions });
    const component = client.connectComponent(link.address, "demo.named", { wire: "lamp" });
    await component.invoke("read", { key: "warm" });
    executed = [];
    return { host, link, client, component };
  }

  const call = (component: Component, method: string, naming: Naming, options: CallOptions = {}): Promise<unknown> => {
    const answer = component.callNamed(method, ["tea"], options, naming);
    answer.catch(() => undefined);
    return answer;
  };

  /** Another process, as far as the host can tell. */
  const ask = (host: Host, method: string, naming: Naming, options: CallOptions = {}): Promise<unknown> =>
    call(
      mesh.client({ timeoutMs: 10_000 }).connectComponent(host.address, "demo.named", { wire: "lamp" }),
      method,
      naming,
      options,
    );

  it("is known to the method by that name, and told where it goes before it is sent", async () => {
    const { host, component } = await scene();
    const naming = new Naming();
    expect(await call(component, "add", naming)).to.equal(`tea done as ${naming.call(1)}`);
    expect(naming.targets).to.have.length(1);
    expect(naming.targets[0]).to.include({ incarnation: host.incarnation, journal: undefined, idempotent: false });
    expect(naming.targets[0]?.record.address).to.equal(component.status.address);
  });

  it("is told whether it may be executed twice, by the contract or by its caller", async () => {
    const { component } = await scene();
    const naming = new Naming();
    await call(component, "read", naming);
    await call(component, "read", naming, { idempotent: false });
    await call(component, "add", naming, { idempotent: true });
    expect(naming.targets.map(({ idempotent }) => idempotent)).to.deep.equal([true, false, true]);
  });

  it("is named before the first connection is made to serve it", async () => {
    const host = await mesh.host([work()]);
    const naming = new Naming();
    expect(await ask(host, "add", naming)).to.equal(`tea done as ${naming.call(1)}`);
  });

  it("keeps its name through hooks and middleware", async () => {
    const { client, component } = await scene();
    client.prehooks.push((_component, outgoing) => ({ ...outgoing, named: undefined }));
    client.use((outgoing, next) => next(outgoing));
    const naming = new Naming();
    expect(await call(component, "add", naming)).to.equal(`tea done as ${naming.call(1)}`);
  });

  it("is answered to whoever asks for it later, and executed once", async () => {
    const { host, component } = await scene();
    const naming = new Naming();
    const answer = await call(component, "add", naming);
    for (let time = 0; time < 2; time++) {
      const heir = naming.heir();
      expect(await ask(host, "add", heir)).to.equal(answer);
      expect(heir.count).to.equal(0);
    }
    expect(executed).to.deep.equal(["tea"]);
  });

  it("is told the error that it met", async () => {
    const { host, component } = await scene();
    const naming = new Naming();
    await failureOf(call(component, "fail", naming));
    const error = await failureOf(ask(host, "fail", naming.heir()));
    expect(error).to.include({ code: "UNKNOWN", outcome: "executed", message: "no tea" });
    expect(executed).to.deep.equal(["tea"]);
  });

  it("is executed under its name when it never arrived, however old it is", async () => {
    const { host, link, component } = await scene({ answerWindow: { maxAgeMs: 1 } });
    link.block("requests");
    const naming = new Naming();
    void call(component, "add", naming, { retry: false });
    await until(() => naming.count === 1);
    const answer = `tea done as ${naming.call(1)}`;
    expect(await ask(host, "add", naming.heir(1_000_000))).to.equal(answer);
    expect(await ask(host, "add", naming.heir(1_000_000))).to.equal(answer);
    expect(executed).to.deep.equal(["tea"]);
  });

  it("runs on when its caller goes, and is answered to the one who asks", async () => {
    // A ROUTER of libzmq sees no connection break.
    for (const leave of process.env.LAMPLIGHTER_TRANSPORT === "zeromq" ? ["goodbye"] : ["break", "goodbye"]) {
      const { host, link, client, component } = await scene({ answerWindow: { graceMs: 1 } });
      const cancelled: unknown[] = [];
      seen.on("cancelled", (key) => cancelled.push(key));
      const naming = new Naming();
      const begun = once(seen, "begun");
      void call(component, "wait", naming, { retry: false });
      await begun;
      if (leave === "break") link.break();
      await client.close();
      await until(() => host.peers.length === 0);
      // A call of no name is given up by then.
      const other = mesh.client();
      const plain = once(seen, "begun");
      const given = once(seen, "cancelled");
      void failureOf(other.connectComponent(host.address, "demo.named", { wire: "lamp" }).invoke("wait", "plain"));
      await plain;
      await other.close();
      expect(await given).to.deep.equal(["plain"]);
      const answer = ask(host, "wait", naming.heir());
      await until(() => host.peers.length === 1);
      await ask(host, "read", new Naming());
      seen.emit("open");
      expect(await answer).to.equal("tea waited");
      expect(cancelled).to.deep.equal(["plain"]);
      executed = [];
      seen.removeAllListeners();
    }
  });

  it("is answered when the method ends while nobody is there", async () => {
    const { host, client, component } = await scene();
    const naming = new Naming();
    const begun = once(seen, "begun");
    void call(component, "wait", naming);
    await begun;
    await client.close();
    await until(() => host.peers.length === 0);
    seen.emit("open");
    expect(await ask(host, "wait", naming.heir())).to.equal("tea waited");
    expect(executed).to.deep.equal(["tea"]);
  });

  it("ends at its own deadline when nobody comes back", async () => {
    const { client, component } = await scene();
    const begun = once(seen, "begun");
    const cancelled = once(seen, "cancelled");
    void call(component, "wait", new Naming(), { timeoutMs: 500 });
    await begun;
    await client.close();
    expect(await cancelled).to.deep.equal(["tea"]);
  });

  it("is cancelled by its caller, and by whoever waits for it in his place", async () => {
    const { host, component } = await scene();
    const other = mesh.client().connectComponent(host.address, "demo.named", { wire: "lamp" });
    for (const isAsked of [false, true]) {
      const naming = new Naming();
      const cancelled = once(seen, "cancelled");
      const begun = once(seen, "begun");
      const { signal, abort } = controller();
      const first = call(component, "wait", naming, isAsked ? {} : { signal });
      await begun;
      const last = isAsked ? call(other, "wait", naming.heir(), { signal }) : first;
      // Behind it on the same connection, so that it is waited for by then.
      await call(other, "read", new Naming());
      abort();
      expect(await failureOf(last)).to.include({ code: "CANCELLED" });
      await cancelled;
    }
  });

  it("is asked for under its name when the connection is cut while it is waited for", async () => {
    const { link, component } = await scene();
    const naming = new Naming();
    const begun = once(seen, "begun");
    const answer = call(component, "wait", naming);
    await begun;
    link.break();
    await component.invoke("read", { key: "behind" });
    seen.emit("open");
    expect(await answer).to.equal("tea waited");
    expect(naming.count).to.equal(1);
    expect(executed).to.deep.equal(["tea", "behind"]);
  });

  it("is executed once when the connection is cut before it has arrived, or before its answer has", async () => {
    for (const way of ["requests", "answers"] as const) {
      const { link, component } = await scene();
      const naming = new Naming();
      link.block(way);
      const begun = way === "answers" ? once(seen, "begun") : until(() => naming.count === 1);
      const answer = call(component, "add", naming);
      await begun;
      link.break();
      expect(await answer).to.equal(`tea done as ${naming.call(1)}`);
      expect(naming.count).to.equal(1);
      expect(executed).to.deep.equal(["tea"]);
    }
  });

  it("gets another name for a try that could not be sent, for its connection was gone by then", async () => {
    const { link, client, component } = await scene();
    let cuts = 0;
    const naming = new Naming({
      before: async () => {
        if (cuts++ > 0) return;
        link.break();
        await until(() => component.status.state !== "connected");
      },
    });
    expect(await call(component, "add", naming)).to.equal(`tea done as ${naming.call(2)}`);
    expect(naming.count).to.equal(2);
    expect(executed).to.deep.equal(["tea"]);
    await client.close();
  });

  it("is sent anew, under the same name, where it may be executed twice and its host was started anew", async () => {
    const { host, link, component } = await scene();
    const naming = new Naming();
    link.block("answers");
    const begun = once(seen, "begun");
    const answer = call(component, "read", naming);
    await begun;
    const next = await mesh.host([work()]);
    await host.close();
    link.break(next.address);
    expect(await answer).to.equal("tea read");
    expect(naming.targets.map(({ incarnation }) => incarnation)).to.deep.equal([host.incarnation]);
    expect(executed).to.deep.equal(["tea", "tea"]);
  });

  it("is unknown when its host was started anew, and sent anew where it may be executed twice", async () => {
    const { host, component } = await scene();
    for (const [method, idempotent] of [
      ["add", undefined],
      ["read", undefined],
      ["add", true],
    ] as const) {
      const naming = new Naming();
      await call(component, method, naming, { idempotent });
      executed = [];
      const next = await mesh.host([work()]);
      const heir = naming.heir();
      const answer = ask(next, method, heir, { idempotent });
      if (method === "add" && !idempotent) {
        expect(await failureOf(answer)).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
        expect(executed).to.deep.equal([]);
        expect(heir.count).to.equal(0);
      } else {
        await answer;
        expect(executed).to.deep.equal(["tea"]);
        // By its name the method may know it.
        expect(heir.count).to.equal(0);
      }
    }
    await host.close();
  });

  it("is unknown when nobody is there who could be asked, soon and not at the deadline", async () => {
    const { host, component } = await scene();
    const naming = new Naming();
    await call(component, "add", naming);
    await host.close();
    const heir = naming.heir();
    expect(await failureOf(ask(host, "add", heir, { timeoutMs: 600_000 }))).to.include({ outcome: "unknown" });
    expect(heir.count).to.equal(0);
  });

  it("is looked for at the run that got it, among all that provide the same", async () => {
    const { address } = await mesh.nameserver();
    const hosts: Host[] = [];
    for (let index = 0; index < 8; index++) {
      const host = mesh.own(await mesh.host([work()], { nameserver: address, service: `/named/${index}` }));
      hosts.push(host);
    }
    const client = mesh.client({ nameserver: address });
    const naming = new Naming();
    const answer = await call(client.component("demo.named"), "add", naming);
    const heir = naming.heir();
    const other = mesh.client({ nameserver: address });
    expect(await call(other.component("demo.named"), "add", heir)).to.equal(answer);
    expect(executed).to.deep.equal(["tea"]);
  });

  it("is another try, with another name, when it was refused to the one who asked", async () => {
    let refusals = 0;
    const busy: ServiceMiddleware = ({ method }, next) => {
      if (method === "add" && refusals-- > 0) throw rpcError("OVERLOADED", "busy");
      return next();
    };
    const { host, link, component } = await scene({ middleware: [busy] });
    link.block("requests");
    const naming = new Naming();
    void call(component, "add", naming, { retry: false });
    await until(() => naming.count === 1);
    refusals = 1;
    const heir = naming.heir();
    expect(await ask(host, "add", heir)).to.equal(`tea done as ${heir.call(1)}`);
    expect(executed).to.deep.equal(["tea"]);
  });

  it("is not executed under a name that was used before", async () => {
    const { component } = await scene();
    const naming = new Naming();
    await call(component, "add", naming);
    naming.targets.length = 0;
    const error = await failureOf(call(component, "add", naming, { retry: false }));
    expect(error).to.include({ code: "UNAVAILABLE", outcome: "not-executed" });
    expect(error.message).to.include("name of the call was used before");
    expect(executed).to.deep.equal(["tea"]);
  });

  it("cannot be given again when its answer held a stream", async () => {
    const { host, component } = await scene();
    const naming = new Naming();
    const items: string[] = [];
    for await (const item of (await call(component, "items", naming)) as AsyncIterable<string>) items.push(item);
    expect(items).to.deep.equal(["tea"]);
    const error = await failureOf(ask(host, "items", naming.heir()));
    expect(error).to.include({ code: "REFERENCE_LOST", outcome: "executed" });
    expect(executed).to.deep.equal(["tea"]);
  });

  it("fails with what its caller says instead of a name, and is tried no more", async () => {
    for (const isReady of [true, false]) {
      const { host, component } = await scene();
      const refusal = rpcError("UNAVAILABLE", "the journal cannot be written", { outcome: "not-executed" });
      const naming = new Naming({ before: () => Promise.reject(refusal) });
      const error = await failureOf(isReady ? call(component, "add", naming) : ask(host, "add", naming));
      expect(error).to.include({ code: "UNAVAILABLE", outcome: "not-sent", message: refusal.message });
      expect(naming.count).to.equal(1);
      expect(executed).to.deep.equal([]);
    }
  });

  it("waits for its name until its deadline or signal, and is not sent then", async () => {
    const { host, component } = await scene();
    for (const isReady of [true, false]) {
      const never = new Naming({ before: () => new Promise(() => undefined) });
      const late = isReady
        ? call(component, "add", never, { timeoutMs: 120 })
        : ask(host, "add", never, { timeoutMs: 120 });
      expect(await failureOf(late)).to.include({ code: "TIMEOUT", outcome: "not-sent" });
      const { signal, abort } = controller();
      const asked = new Naming({ before: () => new Promise(() => undefined) });
      const cancelled = isReady ? call(component, "add", asked, { signal }) : ask(host, "add", asked, { signal });
      await until(() => asked.count === 1);
      abort();
      expect(await failureOf(cancelled)).to.include({ code: "CANCELLED", outcome: "not-sent" });
    }
    expect(executed).to.deep.equal([]);
  });

  it("goes without its name on PyCOM's wire, and within a process", async () => {
    const { address } = await mesh.host([work()]);
    for (const remote of [
      mesh.client().connectComponent(address, "demo.named", { wire: "pycom" }),
      mesh.client().connectComponent("local", "demo.named"),
    ]) {
      const naming = new Naming();
      expect(await call(remote, "add", naming)).to.match(/^tea done as /);
      expect(await call(remote, "add", naming)).to.not.include(naming.name);
      expect(naming.targets[0]).to.include({ incarnation: undefined });
    }
  });

  it("is let go when its caller says so", async () => {
    const { host, component } = await scene();
    const naming = new Naming();
    await call(component, "add", naming);
    const first = naming.heir();
    naming.taken = 1;
    await call(component, "add", naming);
    executed = [];
    expect(await failureOf(ask(host, "add", first))).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(await ask(host, "add", naming.heir())).to.equal(`tea done as ${naming.call(2)}`);
    expect(executed).to.deep.equal([]);
  });
});

function controller(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const aborter = new AbortController();
  return {
    signal: aborter.signal,
    abort: () => {
      aborter.abort(new Error("enough"));
    },
  };
}
