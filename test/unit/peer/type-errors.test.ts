import { resolve } from "node:path";
import { expect } from "chai";
import ts from "typescript";

const FILE = resolve("test/types/virtual.ts");
const PRELUDE = `import type { Remote } from "../../src/index.js";
declare const remote: Remote<{ create(value: number): string; add(a: number, b: number, c?: number): number }>;
`;

/** What the compiler says of a file that does not exist, line by line. */
function complaints(code: string): string[] {
  const { config } = ts.readConfigFile("tsconfig.json", (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
  const host = ts.createCompilerHost({ ...options, noEmit: true });
  const readFile = host.readFile.bind(host);
  host.readFile = (path) => (resolve(path) === FILE ? PRELUDE + code : readFile(path));
  const fileExists = host.fileExists.bind(host);
  host.fileExists = (path) => resolve(path) === FILE || fileExists(path);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    resolve(path) === FILE
      ? ts.createSourceFile(path, PRELUDE + code, ts.ScriptTarget.ES2022)
      : getSourceFile(path, ...rest);
  const program = ts.createProgram([FILE], options, host);
  return program
    .getSemanticDiagnostics(program.getSourceFile(FILE))
    .flatMap(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n").split("\n"));
}

describe("What the compiler says of a wrong call on a proxy", () => {
  const cases: [string, RegExp][] = [
    ['void remote.create("x");', /'string' is not assignable to parameter of type 'number'/],
    ['void remote.add(1, "x");', /'string' is not assignable to parameter of type 'number'/],
    ["void remote.create();", /\[value: number\]/],
    ["void remote.add(1);", /\[a: number, b: number, c\?: number/],
    ["void remote.add(1, 2, 3, 4);", /\[a: number, b: number, c\?: number/],
  ];
  for (const [code, expected] of cases) {
    it(`names the method's own parameters before anything else: ${code}`, () => {
      const lines = complaints(code);
      const named = lines.findIndex((line) => line.includes("NamedMarker"));
      const own = lines.findIndex((line) => expected.test(line));
      expect(own, lines.join("\n")).to.be.greaterThan(-1);
      if (named >= 0) expect(own, lines.join("\n")).to.be.lessThan(named);
    });
  }
});
