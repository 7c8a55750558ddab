import { expect } from "chai";
import { useMesh } from "../support/mesh.js";
import { useProcesses } from "../support/processes.js";
import { killPublishers } from "../support/pubsub-kills.js";

describe("Publishers that are killed under load", () => {
  const mesh = useMesh();
  const start = useProcesses();

  it("leave no subscription behind, nothing missing untold, and nothing twice", async () => {
    const { address } = await mesh.nameserver();
    expect(await killPublishers(start, address, 4)).to.deep.equal([]);
  });
});
