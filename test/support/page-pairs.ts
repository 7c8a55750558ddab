import { readFileSync } from "node:fs";
import { expect } from "chai";
import ts from "typescript";
import { type PageSection, readSections, usePageModules, withAssertions } from "./pages.js";

/** A page for those who come from another library, and the section of the README about it. */
export interface PairedPage {
  /** Its file. */
  readonly page: string;
  /** A short name for what tests make of it. */
  readonly name: string;
  /** Names that its table "Names" has to have a counterpart for: the public API of that library. */
  readonly inventory: readonly string[];
  /** The section whose first two blocks all others stand behind: what they import, and what is there already. */
  readonly around: string;
  /** Sections whose blocks are programs by themselves. Default none. */
  readonly alone?: readonly string[];
  /** The section of the README whose first block is a program by itself. */
  readonly readme: string;
  /** Makes of a program one that finds what it needs, such as files. Default as it is. */
  readonly prepare?: (code: string) => string;
}

/** Checks that such a page has all names, that its TypeScript compiles, and that it gives what it says. */
export function describePairs({
  page,
  name,
  inventory,
  around,
  alone = [],
  readme,
  prepare = asItIs,
}: PairedPage): void {
  const all = readSections(page);
  const [imports = "", before = "", ...more] = all.find(({ heading }) => heading === around)?.blocks ?? [];
  const sections: readonly PageSection[] = all
    .map((section) => (section.heading === around ? { heading: around, blocks: more } : section))
    .filter(({ heading, blocks }) => heading === around || blocks.length > 0);
  const readmeBlock = readSections("README.md").find(({ heading }) => heading === readme)?.blocks[0] ?? "";
  const toModule = ({ heading, blocks }: PageSection): string =>
    alone.includes(heading) ? program(blocks) : behind(imports, before, blocks);

  describe(page, () => {
    const modules = usePageModules(name);

    it("has a counterpart for every name of the public API", () => {
      const [, table = ""] = /^## Names$(.*?)^## /ms.exec(readFileSync(page, "utf8")) ?? [];
      const rows = Array.from(table.matchAll(/^\| (`.*?) \| (.+) \|$/gm), ([, left = "", right = ""]) => ({
        left,
        right,
      }));
      const names = rows.flatMap(({ left }) => Array.from(left.matchAll(/`([^`(]+)/g), ([, found = ""]) => found));
      expect(names).to.include.members(inventory);
      for (const { left, right } of rows) expect(right, left).to.match(/\S/);
    });

    it("shows what compiles", function () {
      this.timeout(60_000);
      const files = sections.map((section, index) => modules.write(`section-${index}`, toModule(section)));
      expect(complaintsAbout([...files, modules.write("readme", program([readmeBlock]))])).to.deep.equal([]);
    });

    it("gives what the README says", async () => {
      expect(program([readmeBlock])).to.contain("expect(await (");
      await modules.run("readme", prepare(program([readmeBlock])));
    });

    for (const [index, section] of sections.entries()) {
      it(`gives what it says under ${section.heading}`, async () => {
        const module = (await modules.run(`section-${index}`, prepare(toModule(section)))) as {
          run?: () => Promise<void>;
        };
        await module.run?.();
      });
    }
  });
}

function asItIs(code: string): string {
  return code;
}

/** Blocks that are a module by themselves. */
function program(blocks: readonly string[]): string {
  return `import { expect } from "chai";\n${withAssertions(blocks.join("\n"))}`;
}

/** Blocks one after the other, as a reader has them who begins with what stands before them. */
export function behind(imports: string, before: string, blocks: readonly string[]): string {
  return `import { expect } from "chai";
${imports}
export async function run(): Promise<void> {
${withAssertions(before)}
{
${withAssertions(blocks.join("\n"))}
}
}
`;
}

/** What the compiler has to say of modules, as strict as this package itself. */
export function complaintsAbout(files: readonly string[]): string[] {
  const { config } = ts.readConfigFile("tsconfig.json", (file) => ts.sys.readFile(file)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ".");
  const program = ts.createProgram(files, {
    ...options,
    // Imports stand for all blocks together, and names of blocks for whoever reads them.
    noUnusedLocals: false,
    noUnusedParameters: false,
    skipLibCheck: true,
  });
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file?.text.slice(0, start).split("\n").length ?? 0;
    return `${file?.fileName ?? ""}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}
