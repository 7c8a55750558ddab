import { expect } from "chai";
import { call, defineInterface, type RpcError } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";

/** JavaScript throws anything, and anything can be returned: also what throws when it is looked at. */
describe("Methods that throw, or return, what cannot be read", () => {
  const mesh = useMesh();
  const pseud = usePseud();

  function revoked(): object {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }

  function throwing(name: string): Error {
    return Object.defineProperty(new Error("odd"), name, {
      get() {
        throw new TypeError("no look");
      },
    });
  }

  const thrown: Record<string, () => unknown> = {
    nothing: () => undefined,
    nil: () => null,
    symbol: () => Symbol("odd"),
    bare: () => Object.create(null) as unknown,
    revoked,
    textless: () => ({
      toString() {
        throw new TypeError("no text");
      },
    }),
    nameless: () => throwing("name"),
    wordless: () => throwing("message"),
    stackless: () => throwing("stack"),
    numbered: () => Object.assign(new Error("odd"), { name: 42, message: [1] }),
  };
  const returned: Record<string, () => unknown> = {
    getter: () => ({
      get member() {
        throw null as unknown as Error;
      },
    }),
    keyless: () =>
      new Proxy(
        {},
        {
          ownKeys() {
            throw null as unknown as Error;
          },
        },
      ),
  };

  /** What is thrown, or returned, once the method has waited, and before. */
  const methods: Record<string, () => unknown> = {};
  for (const [name, make] of Object.entries(thrown)) {
    methods[`throws_${name}`] = () => {
      throw make();
    };
    methods[`throws_${name}_later`] = async () => {
      await Promise.resolve();
      throw make();
    };
  }
  for (const [name, make] of Object.entries(returned)) {
    methods[`returns_${name}`] = make;
    methods[`returns_${name}_later`] = async () => {
      await Promise.resolve();
      return make();
    };
  }

  /** Each call is answered with an error, and the connection goes on. */
  async function answersAll(remote: object): Promise<void> {
    for (const name of Object.keys(methods)) {
      const failure: RpcError = await failureOf(call(remote, name));
      expect(`${name}: ${failure.code} ${failure.outcome}`).to.equal(`${name}: UNKNOWN executed`);
    }
  }

  for (const errors of ["hidden", "message", "stack"] as const) {
    it(`are answered for by a host that tells errors as ${errors}`, async () => {
      const host = await mesh.host([defineInterface("demo.odd", { methods })], { errors });
      await answersAll(mesh.client().connect(host.address, "demo.odd"));
    });
  }

  it("are answered for by a server of pseud", async () => {
    const server = pseud.server({ id: "service" });
    for (const [name, run] of Object.entries(methods)) server.register(run, { name });
    const client = pseud.client({ serverId: "service" });
    await client.connect(await server.bind("tcp://127.0.0.1:0"));
    await answersAll(client);
  });
});
