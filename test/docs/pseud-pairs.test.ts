import { readFileSync } from "node:fs";
import { expect } from "chai";
import ts from "typescript";
import { type PageSection, readSections, usePageModules, withAssertions } from "../support/pages.js";

/** Names that the page has to have a counterpart for: the public API of pseud. */
const INVENTORY = [
  "Server",
  "Client",
  "SyncClient",
  "user_id",
  "password",
  "peer_routing_id",
  "security_plugin",
  "heartbeat_plugin",
  "public_key",
  "secret_key",
  "peer_public_key",
  "timeout",
  "proxy_to",
  "registry",
  "translation_table",
  "context",
  "loop",
  "bind",
  "connect",
  "disconnect",
  "start",
  "stop",
  "async with",
  "send_to",
  "send_work",
  "endpoint.register_rpc",
  "pseud.utils.register_rpc",
  "pseud.utils.create_local_registry",
  "pseud.utils.register_predicate",
  "pseud.utils.register_auth_backend",
  "pseud.utils.register_heartbeat_backend",
  "noop_auth_backend",
  "noop_heartbeat_backend",
  "testing_heartbeat_backend",
  "ServiceNotFoundError",
  "UnauthorizedError",
  "asyncio.TimeoutError",
  "KeyError",
  "RuntimeError",
  "TypeError",
  "pseud.interfaces.OK",
];

const [first, ...others] = readSections("docs/pseud.md");
/** What all blocks stand behind. */
const [imports = "", around = ""] = first?.blocks ?? [];
const sections: readonly PageSection[] = [
  { heading: first?.heading ?? "", blocks: [] },
  ...others.filter(({ blocks }) => blocks.length > 0),
];

/** The blocks of a section, one after the other, as a reader has them who begins with the first section. */
function toModule(blocks: readonly string[]): string {
  return `import { expect } from "chai";
${imports}
export async function run(): Promise<void> {
${withAssertions(around)}
{
${withAssertions(blocks.join("\n"))}
}
}
`;
}

/** The block of the README, which is a module by itself. */
function readmeModule(): string {
  const section = readSections("README.md").find(({ heading }) => heading === "With peers of pseud");
  return `import { expect } from "chai";\n${withAssertions(section?.blocks[0] ?? "")}`;
}

/** What the compiler has to say of modules, as strict as this package itself. */
function complaintsAbout(files: readonly string[]): string[] {
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

describe("docs/pseud.md", () => {
  const modules = usePageModules("pseud");
  it("has a counterpart for every name of pseud's public API", () => {
    const [, table = ""] = /^## Names$(.*?)^## /ms.exec(readFileSync("docs/pseud.md", "utf8")) ?? [];
    const rows = Array.from(table.matchAll(/^\| (`.*?) \| (.+) \|$/gm), ([, left = "", right = ""]) => ({
      left,
      right,
    }));
    const names = rows.flatMap(({ left }) => Array.from(left.matchAll(/`([^`(]+)/g), ([, name = ""]) => name));
    expect(names).to.include.members(INVENTORY);
    for (const { left, right } of rows) expect(right, left).to.match(/\S/);
  });

  it("shows what compiles", function () {
    this.timeout(60_000);
    const files = sections.map(({ blocks }, index) => modules.write(`section-${index}`, toModule(blocks)));
    expect(complaintsAbout([...files, modules.write("readme", readmeModule())])).to.deep.equal([]);
  });

  it("gives what the README says", async () => {
    expect(readmeModule()).to.contain("expect(await (");
    await modules.run("readme", readmeModule());
  });

  for (const [index, { heading, blocks }] of sections.entries()) {
    it(`gives what it says under ${heading}`, async () => {
      const { run } = (await modules.run(`section-${index}`, toModule(blocks))) as { run: () => Promise<void> };
      await run();
    });
  }
});
