import { expect } from "chai";
import { useMesh } from "../support/mesh.js";
import { text, useRawPeers } from "../support/raw.js";
import { echo } from "../support/services.js";

describe("A peer that does not read its answers", () => {
  const mesh = useMesh();
  const raw = useRawPeers();

  it("keeps nobody else waiting, and finds all of them when it reads again", async () => {
    const { address } = await mesh.host([echo]);
    const slow = raw.dealer(address);
    slow.receiveHighWaterMark = 1;
    const count = 20_000;
    const args = "x".repeat(1_024);
    const call = JSON.stringify({ interface: "demo.echo", method: "echo", args });
    const sent = (async () => {
      for (let id = 0; id < count; id++) await slow.send([String(id), "", "CALL", call]);
    })();
    const remote = mesh.client().connect<{ echo(value: number): number }>(address, "demo.echo");
    for (let index = 0; index < 100; index++) expect(await remote.echo(index)).to.equal(index);
    const seen = new Set<string>();
    while (seen.size < count) seen.add(text((await slow.receive())[0]));
    await sent;
    expect(seen.size).to.equal(count);
    expect(await remote.echo(1)).to.equal(1);
  });
});
