import { expect } from "chai";
import {
  type Client,
  type ClientEvent,
  type ClientOptions,
  currentCall,
  defineInterface,
  Host,
  type HostOptions,
  withOptions,
} from "../../src/index.js";
import { collectGarbage } from "../support/garbage.js";
import { failureOf, useMesh } from "../support/mesh.js";

const kept = { list: [1, 2, 3], bytes: new Uint8Array(40_000), few: new Uint8Array(8) };
const store = defineInterface("demo.store", {
  methods: {
    get: () => kept,
    put: (value: { list: number[] }) => value.list.push(4),
    size: (bytes: Uint8Array) => bytes.byteLength,
    count: async function* (to: number) {
      for (let n = 0; n < to; n++) yield await Promise.resolve(n);
    },
    callBack: (run: (n: number) => Promise<number>) => run(20),
    sum: async (numbers: AsyncIterable<number>) => {
      let sum = 0;
      for await (const n of numbers) sum += n;
      return sum;
    },
    whoAsks: () => currentCall().peerId,
    hang: () => new Promise(() => undefined),
  },
});

interface Store {
  get(): typeof kept;
  put(value: object): number;
  size(bytes: Uint8Array): number;
  count(to: number): AsyncIterable<number>;
  callBack(run: (n: number) => number): number;
  sum(numbers: AsyncIterable<number>): number;
  whoAsks(): string;
  hang(): null;
}

describe("Calls within one process", () => {
  const mesh = useMesh();
  // Who names a transport wants that one.
  if (process.env.LAMPLIGHTER_TRANSPORT !== undefined) return;

  async function start(options: { host?: HostOptions; client?: ClientOptions } = {}) {
    const { address } = await mesh.nameserver();
    const host = await mesh.host([store], { nameserver: address, service: "/store", ...options.host });
    const schemes: string[] = [];
    const onEvent = (event: ClientEvent): void => {
      if (event.type === "connected" && event.address !== address) schemes.push(event.address.split(":")[0] ?? "");
    };
    const client: Client = mesh.client({ nameserver: address, onEvent, ...options.client });
    return { host, client, schemes, remote: client.locate<Store>("demo.store"), nameserver: address };
  }

  it("need no socket, and tell the service's own address", async () => {
    const { host, client, schemes } = await start();
    const remote = client.component("demo.store");
    expect(await remote.invoke("size", new Uint8Array(3))).to.equal(3);
    expect(schemes).to.deep.equal(["memory"]);
    expect(remote.status.address).to.equal(host.address);
    expect(host.addresses).to.have.length(1);
  });

  it("copy what they carry, either way", async () => {
    const { remote } = await start();
    const got = await remote.get();
    got.list.push(99);
    got.bytes.fill(1);
    got.few.fill(1);
    const again = await remote.get();
    expect(again.list).to.deep.equal([1, 2, 3]);
    expect([...again.bytes, ...again.few].every((octet) => octet === 0)).to.equal(true);
    const given = { list: [1] };
    expect(await remote.put(given)).to.equal(2);
    expect(given.list).to.deep.equal([1]);
  });

  it("stream, and call back", async () => {
    const { remote } = await start();
    const items: number[] = [];
    for await (const item of remote.count(200)) items.push(item);
    expect(items).to.have.length(200);
    expect(await remote.callBack((n) => n + 1)).to.equal(21);
  });

  it("are each part of their own call only, also where one waits for what another sends", async () => {
    const tokens: unknown[] = [];
    const third = await mesh.host([
      defineInterface("demo.third", {
        methods: { note: () => tokens.push(currentCall().extensions["org.pycom.auth"] ?? "nobody") },
      }),
    ]);
    const note = mesh.client().connect<{ note(): number }>(third.address, "demo.third", { wire: "lamp" });
    const { remote } = await start();
    const numbers = async function* () {
      for (let n = 0; n < 300; n++) {
        if (n === 150 || n === 299) await note.note();
        yield n;
      }
    };
    const as = (token: string) => withOptions(remote, { extensions: { "org.pycom.auth": token } });
    await Promise.all([as("ann").sum(numbers()), as("bob").sum(numbers())]);
    expect(tokens).to.deep.equal(["nobody", "nobody", "nobody", "nobody"]);
  });

  it("show the host who is connected, and when that is gone", async () => {
    const { host, client, remote } = await start();
    const id = await remote.whoAsks();
    expect(host.peers.map((peer) => peer.id)).to.deep.equal([id]);
    await client.close();
    await new Promise(setImmediate);
    expect(host.peers).to.deep.equal([]);
  });

  it("leave room for everything else that the process has to do", async () => {
    const { remote } = await start();
    await remote.size(new Uint8Array(1));
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    for (let call = 0; call < 100; call++) await remote.size(new Uint8Array(1));
    isOver = true;
    expect(turns).to.be.at.least(100);
  });

  it("end with the host, and go on with the next one", async () => {
    const { host, remote, nameserver, schemes } = await start({ host: { drainTimeoutMs: 1 } });
    const hanging = failureOf(remote.hang());
    expect(await remote.size(new Uint8Array(1))).to.equal(1);
    await host.close();
    const error = await hanging;
    expect([error.code, error.outcome]).to.deep.equal(["UNAVAILABLE", "unknown"]);
    expect(error.message).to.match(/connection was lost/);
    await mesh.host([store], { nameserver, service: "/store" });
    expect(await remote.size(new Uint8Array(2))).to.equal(2);
    expect(schemes).to.deep.equal(["memory", "memory"]);
  });

  it("that come after the host was closed were not sent", async () => {
    const { host, remote } = await start();
    await remote.size(new Uint8Array(1));
    await host.close();
    const error = await failureOf(withOptions(remote, { retry: false }).size(new Uint8Array(1)));
    expect([error.code, error.outcome]).to.deep.equal(["UNAVAILABLE", "not-sent"]);
  });

  it("keep nothing of a host that was closed", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const remote = mesh.client({ nameserver }).locate<Store>("demo.store");
    /** Apart, so that nothing here refers to what it makes. */
    const useOnce = async (): Promise<WeakRef<object>> => {
      const data = { bytes: new Uint8Array(1_000_000) };
      const methods = { ...store.methods, size: () => data.bytes.byteLength };
      const host = new Host({ nameserver, service: "/store" }).provide(defineInterface("demo.store", { methods }));
      await host.start();
      expect(await remote.size(new Uint8Array(1))).to.equal(1_000_000);
      await host.close();
      return new WeakRef(data);
    };
    const data = await useOnce();
    for (let turn = 0; turn < 50 && data.deref(); turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      collectGarbage();
    }
    expect(data.deref()).to.equal(undefined);
  });

  it("refuse what is larger than the host takes, and carry the others", async () => {
    const { remote } = await start({ host: { maxMessageBytes: 64 * 1024 } });
    const other = remote.size(new Uint8Array(5));
    const error = await failureOf(remote.size(new Uint8Array(70_000)));
    expect([error.code, error.outcome]).to.deep.equal(["TOO_LARGE", "not-sent"]);
    expect(await other).to.equal(5);
  });

  it("believe no address inside of a process that a nameserver tells", async () => {
    const { client, host, schemes, nameserver } = await start();
    await host.close();
    const hidden = await mesh.host([store], { address: "memory://hidden" });
    const register = client.nameserverComponent();
    await register.invoke("register", {
      address: hidden.address,
      interfaces: ["demo.store"],
      service: "/elsewhere",
      endpoints: [{ address: hidden.address, wires: ["lamp"] }],
    });
    const error = await failureOf(client.locate<Store>("demo.store").get());
    expect([error.code, error.outcome]).to.deep.equal(["CONFIGURATION", "not-sent"]);
    expect(schemes).to.deep.equal([]);
    const registering = mesh.own(new Host({ address: "memory://here", nameserver }).provide(store));
    expect((await failureOf(registering.start())).message).to.match(/exists in this process only/);
  });

  for (const [what, options] of [
    ["the client names a transport", { client: { transport: "zmtp" } }],
    ["the host names one", { host: { transport: "zmtp" } }],
    ["the host wants no shorter ways", { host: { withinMachine: false } }],
  ] as const) {
    it(`take a socket when ${what}`, async () => {
      const { remote, schemes } = await start(options);
      expect(await remote.size(new Uint8Array(1))).to.equal(1);
      expect(schemes).to.have.length(1);
      expect(schemes[0]).to.be.oneOf(["ipc", "tcp"]);
    });
  }
});
