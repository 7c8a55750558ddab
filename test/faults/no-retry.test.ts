import { expect } from "chai";
import { defineInterface } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";

describe("A client that never tries again", () => {
  const mesh = useMesh();
  const which = (name: string) => defineInterface("demo.which", { methods: { which: () => name } });

  for (const balance of [undefined, "random", "round-robin", "least-pending"] as const) {
    it(`reaches the next run of a service with the call after the one that failed (balance: ${balance ?? "none"})`, async () => {
      const { address } = await mesh.nameserver();
      const first = await mesh.host([which("first")], { nameserver: address, service: "/which" });
      let tellLost: (() => void) | undefined;
      const lost = new Promise<void>((resolve) => {
        tellLost = resolve;
      });
      const client = mesh.client({
        nameserver: address,
        retry: false,
        balance,
        onEvent: (event) => {
          if (event.type === "disconnected" && event.address !== address) tellLost?.();
        },
      });
      const remote = client.locate<{ which(): string }>("demo.which");
      expect(await remote.which()).to.equal("first");
      await first.close();
      await lost;
      expect(await failureOf(remote.which())).to.include({ outcome: "not-sent" });
      await mesh.host([which("second")], { nameserver: address, service: "/which" });
      expect(await remote.which()).to.equal("second");
    });
  }
});
