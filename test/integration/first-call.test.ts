import { expect } from "chai";
import { Interface, Method } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";

@Interface("com.foo.example")
class Query {
  @Method("create") create(value: number): { field1: number } {
    return { field1: value };
  }
}

describe("A call through nameserver and proxy", () => {
  const mesh = useMesh();

  it("reaches the method and brings its result back", async () => {
    const nameserver = await mesh.nameserver();
    await mesh.host([new Query()], { nameserver: nameserver.address });
    const client = mesh.client({ nameserver: nameserver.address });
    expect(await client.locate<Query>("com.foo.example").create(42)).to.deep.equal({ field1: 42 });
  });
});
