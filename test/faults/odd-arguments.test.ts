import { expect } from "chai";
import { call } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { usePseud } from "../support/pseud-endpoints.js";
import { echo } from "../support/services.js";

describe("Arguments that cannot be read", () => {
  const mesh = useMesh();
  const pseud = usePseud();

  const thrown: Record<string, unknown> = { "an error": new Error("no look"), nothing: null };
  for (const [what, error] of Object.entries(thrown)) {
    const argument = {
      get member() {
        throw error as Error;
      },
    };

    it(`and throw ${what} fail their call, which was not sent, to a host`, async () => {
      const host = await mesh.host([echo]);
      const remote = mesh.client().connect(host.address, "demo.echo");
      expect(await failureOf(call(remote, "echo", argument))).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(await call(remote, "echo", 1)).to.equal(1);
    });

    it(`and throw ${what} fail their call, which was not sent, to a server of pseud`, async () => {
      const server = pseud.server({ id: "service" });
      server.register((value: unknown) => value, { name: "echo" });
      const client = pseud.client({ serverId: "service" });
      await client.connect(await server.bind("tcp://127.0.0.1:0"));
      expect(await failureOf(call(client, "echo", argument))).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(await call(client, "echo", 1)).to.equal(1);
    });
  }
});
