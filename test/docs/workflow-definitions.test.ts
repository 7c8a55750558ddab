import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileWorkflow } from "../../src/workflow/definition/compile.js";
import { findJsonFault } from "../../src/workflow/definition/json-fault.js";
import { complaintsAbout } from "../support/page-pairs.js";
import { readSections, usePageModules } from "../support/pages.js";

describe("docs/workflow.md, Definitions", () => {
  const modules = usePageModules("workflow-definitions");
  const page = readFileSync("docs/workflow.md", "utf8");
  const [, part = ""] = /^## Definitions$(.*?)(?=^## |$(?![\s\S]))/ms.exec(page) ?? [];
  const definitions = part.split(/^### /m).flatMap((section) => {
    const heading = section.slice(0, section.indexOf("\n")) || "Definitions";
    return Array.from(section.matchAll(/^```json\n(.*?)^```$/gms), ([, json = ""]) => ({ heading, json }));
  });

  it("shows definitions of all kinds of steps", () => {
    expect(definitions).to.have.length.above(6);
    const all = definitions.map(({ json }) => json).join("");
    for (const kind of ["interface", "code", "task", "value", "parallel", "map", "when", "switch", "wait"]) {
      expect(all).to.contain(`"${kind}":`);
    }
  });

  for (const { heading, json } of definitions) {
    it(`shows a definition under ${heading} that is right`, () => {
      expect(findJsonFault(json)).to.equal(undefined);
      compileWorkflow(JSON.parse(json), { file: heading });
    });
  }

  it("shows TypeScript that compiles, and makes a definition that is right", async function () {
    this.timeout(60_000);
    const blocks = readSections("docs/workflow.md").find(({ heading }) => heading === "Definitions")?.blocks ?? [];
    expect(blocks).to.have.lengthOf(1);
    const [source = ""] = blocks;
    expect(complaintsAbout([modules.write("definition", source)])).to.deep.equal([]);
    const { orders } = (await modules.run("definition", source)) as { orders: unknown };
    const steps = compileWorkflow(orders).tasks.get("order")?.steps ?? [];
    expect(steps.map((step) => step.kind === "call" && step.method)).to.deep.equal(["reserve", "pay"]);
  });
});
