import { expect } from "chai";
import { type AmpServer, amp, type ListenAmpOptions } from "../../src/compat/amp/index.js";
import { defineInterface, withOptions } from "../../src/index.js";
import { Sum, vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

const commands = { sum: Sum };
interface Math {
  sum(args: { readonly a: number; readonly b: number }): { readonly total: number };
}
const math = defineInterface("demo.math", {
  methods: { sum: { params: { a: "number", b: "number" }, run: (a: number, b: number) => ({ total: a + b }) } },
});

describe("A server of AMP at a nameserver", () => {
  const mesh = useMesh();
  const pairs = useAmpPairs();

  const serve = (
    nameserver: string,
    options: Partial<ListenAmpOptions["register"]> & { readonly address?: string } = {},
  ): Promise<AmpServer> => {
    const { address, ...register } = options;
    return pairs.listen(vectorResponders(), {
      ...(address !== undefined && { address }),
      register: { nameserver, interfaces: ["demo.math"], service: "/math", ...register },
    });
  };

  it("is located by those who want it, and by nobody else", async () => {
    const { address } = await mesh.nameserver();
    const server = await serve(address);
    const client = mesh.client({ nameserver: address });
    const [record, ...others] = await client.find("demo.math");
    expect(others).to.deep.equal([]);
    expect(record).to.deep.include({ service: "/math", interfaces: ["demo.math"] });
    expect(record?.endpoints).to.deep.equal([
      { address: server.address, wires: ["amp"] },
      { address: record?.address, wires: [] },
    ]);
    const remote = client.locate<Math>("demo.math", { wire: amp(commands) });
    expect(await remote.sum({ a: 1, b: 2 })).to.deep.equal({ total: 3 });
    const other = await failureOf(client.locate<Math>("demo.math").sum({ a: 1, b: 2 }));
    expect(other).to.include({ code: "CONFIGURATION", outcome: "not-sent" });
    const host = await mesh.host([math], { nameserver: address });
    expect(await mesh.client({ nameserver: address }).locate<Math>("demo.math").sum({ a: 2, b: 2 })).to.deep.equal({
      total: 4,
    });
    await host.close();
    await server.close();
    expect(await client.find("demo.math")).to.deep.equal([]);
  });

  it("is found on its new port when it is started anew", async () => {
    const { address } = await mesh.nameserver();
    const first = await serve(address);
    const remote = mesh.client({ nameserver: address }).locate<Math>("demo.math", { wire: amp(commands) });
    expect(await remote.sum({ a: 1, b: 2 })).to.deep.equal({ total: 3 });
    await first.close();
    const answer = remote.sum({ a: 1, b: 3 });
    const second = await serve(address);
    expect(second.address).not.to.equal(first.address);
    expect(await answer).to.deep.equal({ total: 4 });
  });

  it("is one of several, which take over from each other, hosts among them", async () => {
    const { address } = await mesh.nameserver();
    const servers = [await serve(address, { service: "/math/1" }), await serve(address, { service: "/math/2" })];
    await mesh.host([math], {
      nameserver: address,
      address: ["tcp://127.0.0.1:0", { address: "tcp://127.0.0.1:0", wire: amp(commands) }],
    });
    const remote = mesh.client({ nameserver: address }).locate<Math>("demo.math", { wire: amp(commands) });
    for (const server of servers) {
      expect(await remote.sum({ a: 1, b: 2 })).to.deep.equal({ total: 3 });
      await server.close();
    }
    expect(await remote.sum({ a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("keeps its name while it is alive", async () => {
    const { address } = await mesh.nameserver();
    await serve(address);
    expect(await failureOf(serve(address))).to.include({ code: "ACCESS_DENIED" });
  });

  it("is found by what it advertises, also on a unix socket", async () => {
    const { address } = await mesh.nameserver();
    await serve(address, { address: "tcp://0.0.0.0:0", advertise: "localhost:0" });
    const client = mesh.client({ nameserver: address });
    const [record] = await client.find("demo.math");
    expect(record?.address).to.match(/^tcp:\/\/localhost:[1-9]\d*$/);
    expect(record?.endpoints[0]?.address).to.match(/^tcp:\/\/localhost:[1-9]\d*$/);
    expect(await client.locate<Math>("demo.math", { wire: amp(commands) }).sum({ a: 1, b: 2 })).to.deep.equal({
      total: 3,
    });
    await serve(address, {
      address: `unix:///tmp/lamplighter-amp-${process.pid}`,
      service: "/unix",
      interfaces: ["demo.unix"],
    });
    expect(await client.locate<Math>("demo.unix", { wire: amp(commands) }).sum({ a: 1, b: 2 })).to.deep.equal({
      total: 3,
    });
  });

  it("comes back to a nameserver that was started anew", async () => {
    const first = await mesh.nameserver();
    const { address } = first;
    await serve(address);
    await first.close();
    const again = await mesh.nameserver({ address });
    await until(() => again.records.some(({ service }) => service === "/math"));
    const remote = mesh.client({ nameserver: address }).locate<Math>("demo.math", { wire: amp(commands) });
    expect(await withOptions(remote, { timeoutMs: 5_000 }).sum({ a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("says what is wrong with its options", async () => {
    expect((await failureOf(serve("tcp://127.0.0.1:1", { interfaces: [] }))).message).to.match(/register\.interfaces/);
    expect((await failureOf(serve("tcp://127.0.0.1:1", { lease: 1 } as never))).message).to.match(
      /"lease", which means nothing/,
    );
  });
});
