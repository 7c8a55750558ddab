import { inspect } from "node:util";
import { expect } from "chai";
import { callsTo, defineWorkflow, ref } from "../../../../src/workflow/definition/build.js";
import { compileWorkflow } from "../../../../src/workflow/definition/compile.js";

interface Shop {
  reserve(order: { id: string }): Promise<{ 'a b\\"': string[] }>;
  draw: { sheep(): void };
}

describe("A definition that is made in TypeScript", () => {
  const shop = callsTo<Shop>("demo.shop", { service: "/shop/1", tags: ["eu"] });

  it("is made of steps that call methods", () => {
    const reserved = shop.reserve({ name: "reserved", input: { id: "${input.id}" } });
    const definition = { tasks: { order: [reserved, shop.draw.sheep(), { value: ref(reserved, 'a b\\"', 0) }] } };
    expect(defineWorkflow(definition)).to.equal(definition);
    expect(definition.tasks.order).to.deep.equal([
      {
        interface: "demo.shop",
        service: "/shop/1",
        tags: ["eu"],
        method: "reserve",
        name: "reserved",
        input: { id: "${input.id}" },
      },
      { interface: "demo.shop", service: "/shop/1", tags: ["eu"], method: "draw.sheep" },
      { value: '${steps.reserved["a b\\\\\\""][0]}' },
    ]);
    const [, , value] = compileWorkflow(definition).tasks.get("order")?.steps ?? [];
    const scope = { get: () => undefined, step: () => ({ 'a b\\"': ["found"] }) };
    expect(value?.kind === "value" && value.value(scope)).to.equal("found");
  });

  it("refers to steps by their name", () => {
    expect(ref("input.a?")).to.equal("${input.a?}");
    expect(() => ref(shop.reserve())).to.throw(TypeError, "The step that calls demo.shop has no name to refer to it");
  });

  it("is not taken for a promise, and can be printed", async () => {
    expect(await Promise.resolve(shop)).to.equal(shop);
    expect(inspect(shop)).to.be.a("string");
  });
});
