import { expect } from "chai";
import {
  checkAgainst,
  type InterfaceLookup,
  type KnownInterface,
} from "../../../../src/workflow/definition/against.js";
import { compileWorkflow } from "../../../../src/workflow/definition/compile.js";
import type { StepDefinition } from "../../../../src/workflow/definition/definition.js";

const SHOP: KnownInterface = {
  methods: new Map([
    ["introspect", { required: [], optional: [] }],
    ["reserve", { required: ["order"], optional: ["note"] }],
    ["free", { required: [], optional: [] }],
  ]),
};

describe("A definition that is held against what is running", () => {
  const asked: unknown[][] = [];
  const lookup: InterfaceLookup = (...question) => {
    asked.push(question);
    const [name, service] = question;
    if (name === "demo.silent") return Promise.resolve("unknown");
    return Promise.resolve(name === "demo.shop" && service !== "/none" ? SHOP : undefined);
  };
  const warningsOf = async (...steps: StepDefinition[]): Promise<string[]> => {
    const warnings = await checkAgainst(compileWorkflow({ tasks: { order: steps } }), lookup, () =>
      Promise.resolve(["demo.shop", "demo.silent"]),
    );
    return warnings.map(({ message }) => message);
  };

  beforeEach(() => {
    asked.length = 0;
  });

  it("is without warnings where all is there", async () => {
    const warnings = await warningsOf(
      { interface: "demo.shop", method: "reserve", args: [1, 2] },
      { interface: "demo.shop", method: "free", args: [1, 2, 3] },
      { interface: "demo.silent" },
      { code: "f" },
    );
    expect(warnings).to.deep.equal([]);
    expect(asked).to.deep.equal([
      ["demo.shop", undefined, undefined],
      ["demo.silent", undefined, undefined],
    ]);
  });

  it("is warned of interfaces, methods and arguments that are not there, wherever they stand", async () => {
    expect(
      await warningsOf(
        { parallel: { x: [{ name: "pay", interface: "demo.shp" }] } },
        { map: "${input}", steps: [{ interface: "demo.shop", method: "reserv" }] },
        { code: "f", compensate: { interface: "demo.shop", method: "completely" } },
        { interface: "demo.shop", method: "reserve", args: [1, 2, 3] },
        { interface: "demo.shop", service: "/none", tags: ["a"], method: "reserve" },
      ),
    ).to.deep.equal([
      'order, step 0/x/pay: nobody provides the interface demo.shp, did you mean "demo.shop"?',
      'order, step 1/0: the interface demo.shop has no method "reserv", did you mean "reserve"?',
      'order, step 2/compensate: the interface demo.shop has no method "completely"; it has reserve, free',
      "order, step 3: the method reserve of demo.shop takes order, note, and is given 3 values",
      "order, step 4: nobody provides the interface demo.shop as /none with the tags a",
    ]);
  });

  it("is warned once when nobody can be asked", async () => {
    const workflow = compileWorkflow({ tasks: { a: [{ interface: "x" }, { interface: "y" }] } });
    expect(await checkAgainst(workflow, () => Promise.reject(new Error("no nameserver")))).to.deep.equal([
      {
        task: undefined,
        step: undefined,
        message: "Nobody could be asked which interfaces and methods there are: no nameserver",
      },
    ]);
  });
});
