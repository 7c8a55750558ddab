import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { defineInterface, Host, KeyFolder, NameserverHost, type NameserverHostOptions } from "../../src/index.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";

const orders = defineInterface("com.orders", { methods: { count: () => 3 } });
const secret = defineInterface("com.secret", { methods: { tell: () => "secret" } });

const names = ["nameserver", "orders", "secret", "ann"] as const;
type Name = (typeof names)[number];

interface Batch {
  readonly cursor: string;
  readonly reset: boolean;
  readonly changes: readonly { readonly type: string; readonly record: { readonly service: string } }[];
}

describe("A nameserver that says who may register and see what", () => {
  const mesh = useMesh();

  it("refuses rules for users where nobody can prove who they are", () => {
    const rules = [{ users: ["ann"] }];
    expect(() => new NameserverHost({ registration: rules })).to.throw(
      /registration names users, and nobody can prove/,
    );
    expect(() => new NameserverHost({ visibility: rules })).to.throw(/visibility names users, and nobody can prove/);
  });

  if (process.env.LAMPLIGHTER_TRANSPORT === "zeromq") return;

  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  /** A nameserver that knows three users by key. */
  async function scene(options: NameserverHostOptions) {
    const path = mkdtempSync(join(tmpdir(), "lamplighter-access-"));
    folders.push(path);
    const keys = Object.fromEntries(names.map((name) => [name, KeyFolder.generate(join(path, name))])) as Record<
      Name,
      KeyFolder
    >;
    for (const one of names) {
      for (const other of names) keys[one].trust(other, keys[other].keys.publicKey);
      keys[one].pinNameserver(keys.nameserver.keys.publicKey);
    }
    const nameserver = await mesh.nameserver({ security: keys.nameserver.path, ...options });
    const { address } = nameserver;
    const service = (name: Name, path: string, provided: object = orders) =>
      mesh.own(new Host({ nameserver: address, service: path, security: keys[name].path }).provide(provided));
    const client = (name: Name) => mesh.client({ nameserver: address, security: keys[name].path });
    const ask = (name: Name, method: string, args: object): Promise<unknown> =>
      client(name).nameserverComponent().invoke(method, args);
    return { nameserver, service, client, ask };
  }

  const registration = [
    { users: ["orders"], service: "/orders/*", interface: "com.orders" },
    { users: ["secret"], service: "/secret" },
  ];

  it("lets users register what is theirs, and nothing else", async () => {
    const { log, lines } = keepLog();
    const { nameserver, service } = await scene({ registration, log });
    expect(await service("orders", "/orders/1").start()).to.equal(true);
    for (const wrong of [
      service("ann", "/orders/2"),
      service("orders", "/other"),
      service("orders", "/orders/3", secret),
    ]) {
      const error = await failureOf(wrong.start());
      expect(error).to.include({ code: "ACCESS_DENIED", number: 5, outcome: "not-executed" });
      expect(error.message).to.match(/may not register .* with these interfaces here/);
    }
    expect(nameserver.records.map((record) => record.service)).to.have.members([nameserver.service, "/orders/1"]);
    expect(lines("warn")).to.include("ann was refused to register /orders/2: com.orders");
  });

  it("lets nobody take, renew or unregister what another user has registered, whatever they show", async () => {
    const { nameserver, ask } = await scene({
      registration: [{ users: ["orders", "ann"], service: "/orders/*" }],
    });
    const record = { address: "tcp://127.0.0.1:1", interfaces: ["com.orders"], service: "/orders/1" };
    const { lease } = (await ask("orders", "register", { ...record, lease_ms: 60_000 })) as { lease: string };
    const shown = { service: "/orders/1", lease };
    expect(await ask("ann", "renew", { leases: [shown] })).to.deep.equal({ unknown: ["/orders/1"] });
    expect(await ask("secret", "renew", { leases: [shown] })).to.deep.equal({ unknown: ["/orders/1"] });
    expect(await failureOf(ask("ann", "unregister", shown))).to.include({ code: "ACCESS_DENIED" });
    expect(await ask("orders", "renew", { leases: [shown] })).to.deep.equal({ unknown: [] });
    await ask("orders", "unregister", shown);
    expect(nameserver.records.map(({ service }) => service)).to.deep.equal([nameserver.service]);
  });

  it("lets nobody repeat the registration of another user, as PyCOM's services do without a lease", async () => {
    const { ask } = await scene({ registration: [{ users: ["orders", "ann"] }] });
    const host = await mesh.host([orders]);
    const record = { address: host.address, interfaces: ["com.orders"], service: "/orders/1" };
    await ask("orders", "register", record);
    await ask("orders", "register", { ...record, interfaces: ["com.orders", "com.more"] });
    const error = await failureOf(ask("ann", "register", { ...record, interfaces: ["com.evil"] }));
    expect(error.code).to.equal("ACCESS_DENIED");
  });

  it("shows records as if those that may not be seen were not there", async () => {
    const visibility = [{ interface: "com.orders" }, { users: ["secret"] }];
    const { nameserver, service, client, ask } = await scene({ visibility });
    await service("orders", "/orders/1").start();
    await service("secret", "/secret", secret).start();
    const listed = async (name: Name) =>
      ((await ask(name, "list_services", {})) as { service: string }[]).map((entry) => entry.service);
    expect(await listed("ann")).to.deep.equal(["/orders/1"]);
    expect(await listed("secret")).to.have.members([nameserver.service, "/orders/1", "/secret"]);
    const missing = await failureOf(ask("ann", "locate", { interface: "com.nowhere" }));
    const hidden = await failureOf(ask("ann", "locate", { interface: "com.secret" }));
    expect([hidden.code, hidden.message.replace("secret", "nowhere")]).to.deep.equal([missing.code, missing.message]);
    expect(await ask("ann", "find", { interface: "com.secret" })).to.deep.equal([]);
    expect(await failureOf(client("ann").component("com.secret").invoke("tell", null))).to.include({
      code: "SERVICE_NOT_FOUND",
    });
    expect(await client("secret").component("com.secret").invoke("tell", null)).to.equal("secret");
    expect(await client("ann").component("com.orders").invoke("count", null)).to.equal(3);
    expect(await ask("ann", "unregister", { service: "/secret", lease: "guessed" })).to.deep.equal({});
    const taken = await failureOf(service("ann", "/secret").start());
    expect(taken.message).to.equal("The service name /secret is taken");
  });

  it("tells those who watch of what they may see, and wakes them for nothing else", async () => {
    const { service, ask } = await scene({ visibility: [{ interface: "com.orders" }, { users: ["secret"] }] });
    const watch = async (name: Name, since?: string): Promise<Batch> =>
      (await ask(name, "watch", { since, wait_ms: 20_000 })) as Batch;
    const told = ({ changes }: Batch) => changes.map(({ type, record }) => [type, record.service]);
    const start = await watch("ann");
    expect([start.reset, told(start)]).to.deep.equal([true, []]);
    const next = watch("ann", start.cursor);
    const all = await watch("secret");
    await service("secret", "/secret", secret).start();
    expect(told(await watch("secret", all.cursor))).to.deep.equal([["added", "/secret"]]);
    await service("orders", "/orders/1").start();
    expect(told(await next)).to.deep.equal([["added", "/orders/1"]]);
    expect((await next).changes[0]).to.have.all.keys("type", "record");
  });

  it("wakes those who wait for a service when it comes, whoever may see it", async () => {
    const slowly = async () => {
      await new Promise(setImmediate);
      return true;
    };
    const { service, ask } = await scene({ visibility: slowly });
    const found = ask("ann", "find", { interface: "com.orders", wait_ms: 20_000 });
    await service("orders", "/orders/1").start();
    expect(await found).to.have.length(1);
  });

  it("ends what waits at it when it closes", async () => {
    const { nameserver, client } = await scene({ visibility: [{ interface: "com.orders" }] });
    const component = client("ann").nameserverComponent();
    const { cursor } = (await component.invoke("watch", {})) as Batch;
    const waiting = component.invoke("watch", { since: cursor, wait_ms: 60_000 });
    // What is asked after it is answered after it was begun.
    await component.invoke("stat", {});
    await nameserver.close();
    expect(await waiting).to.deep.include({ reset: false, changes: [] });
  });
});
