import { expect } from "chai";
import { call, defineInterface } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";

describe("A caller of pseud that names an interface in front of a method", () => {
  const mesh = useMesh();
  const pseud = usePseud();

  async function start() {
    const host = await mesh.host(
      ["demo.open", "demo.secret"].map((name) => defineInterface(name, { methods: { get: () => name } })),
      { policy: { rules: [{ interface: "demo.secret", then: "deny" }], otherwise: "allow" } },
    );
    const client = pseud.client();
    await client.connect(host.address);
    return client;
  }

  it("does not learn which methods there are of one that it may not call", async () => {
    const client = await start();
    for (const name of ["demo.secret.get", "demo.secret.nothing", "demo.secret.", "demo.secret.get.more"]) {
      expect(await failureOf(call(client, name)), name).to.include({ code: "ACCESS_DENIED" });
    }
  });

  it("calls what it may, and is told what is not there", async () => {
    const client = await start();
    expect(await call(client, "demo.open.get")).to.equal("demo.open");
    for (const name of ["demo.open.nothing", "demo.nothing.get", "demo.open"]) {
      expect(await failureOf(call(client, name)), name).to.include({
        code: "METHOD_NOT_FOUND",
        outcome: "not-executed",
      });
    }
  });
});
