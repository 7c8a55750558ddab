import { expect } from "chai";
import { behind, complaintsAbout } from "../support/page-pairs.js";
import { readSections, usePageModules } from "../support/pages.js";

describe("docs/workflow-service.md", () => {
  const modules = usePageModules("workflow-service");
  const [
    {
      blocks: [imports = "", before = ""],
    } = { blocks: [] },
    ...sections
  ] = readSections("docs/workflow-service.md");
  const shown = sections.filter(({ blocks }) => blocks.length > 0);

  it("shows what compiles", function () {
    this.timeout(60_000);
    const files = shown.map(({ blocks }, index) => modules.write(`section-${index}`, behind(imports, before, blocks)));
    expect(files).to.have.length(5);
    expect(complaintsAbout(files)).to.deep.equal([]);
  });

  for (const [index, { heading, blocks }] of shown.entries()) {
    it(`gives what it says under ${heading}`, async () => {
      const source = behind(imports, before, blocks);
      const { run } = (await modules.run(`section-${index}`, source)) as { run: () => Promise<void> };
      await run();
    });
  }
});
