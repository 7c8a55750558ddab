import { resolve } from "node:path";
import { expect } from "chai";
import { useCommand } from "../support/command.js";

const QUERY = resolve("test/fixtures/query.js");

describe("lamplighter nameserver --config", () => {
  const command = useCommand();

  it("says who may register what, and see what", async () => {
    const content = {
      address: "tcp://127.0.0.1:0",
      registration: [{ service: "/allowed/*" }],
      visibility: [{ service: "/allowed/1" }],
    };
    const config = command.file("nameserver.json", JSON.stringify(content));
    const address = await command.ready(command.start(["nameserver", "--config", config]));
    for (const name of ["/allowed/1", "/allowed/2"]) {
      await command.ready(command.start(["serve", QUERY, "-n", address, "-s", name]));
    }
    const refused = await command.run(["serve", QUERY, "-n", address, "-s", "/other"]);
    expect(refused.status).to.equal(1);
    expect(refused.err).to.match(/may not register \/other/);
    const { out } = await command.run(["list", "-n", address]);
    expect(out).to.contain("/allowed/1").and.not.contain("/allowed/2");
  });

  it("ends with 2 for what makes no sense", async () => {
    for (const [content, message] of [
      [{ registration: "all" }, /"registration" wants a list of rules/],
      [{ visibility: [{ services: "/a" }] }, /did you mean "service"/],
      [{ registration: [{ users: ["ann"] }] }, /names users, and nobody can prove who they are/],
    ] as const) {
      const config = command.file("wrong.json", JSON.stringify({ address: "tcp://127.0.0.1:0", ...content }));
      const result = await command.run(["nameserver", "--config", config]);
      expect(result, JSON.stringify(content)).to.include({ status: 2, out: "" });
      expect(result.err).to.match(message);
    }
  });
});
