import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as amp from "../../src/compat/amp/index.js";
import * as nodeset from "../../src/compat/nodeset/index.js";
import * as pseud from "../../src/compat/pseud/index.js";
import * as lamplighter from "../../src/index.js";

/** A section of a page of `docs/`, with the TypeScript in it. */
export interface PageSection {
  /** What stands behind its `## `. */
  readonly heading: string;
  /** Its TypeScript, block by block. */
  readonly blocks: readonly string[];
}

/** The sections of a page, without what stands before the first. */
export function readSections(page: string): PageSection[] {
  return readFileSync(page, "utf8")
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      heading: section.slice(0, section.indexOf("\n")),
      blocks: Array.from(section.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ""]) => code),
    }));
}

/** `EXPRESSION; // => VALUE` becomes an assertion by chai's `expect`; everything else stays. */
export function withAssertions(code: string): string {
  return code.replace(
    /^(\s*)(.*?); \/\/ => (.*)$/gm,
    (_line, indent: string, expression: string, value: string) =>
      `${indent}expect(await (${expression})).to.deep.equal(${value.trim()});`,
  );
}

/** This package by its entry points, as tests have it. */
const ENTRIES: Readonly<Record<string, object>> = {
  lamplighter,
  "lamplighter/amp": amp,
  "lamplighter/nodeset": nodeset,
  "lamplighter/pseud": pseud,
};
const KEY = "lamplighter.pages";
Object.assign(globalThis, { [Symbol.for(KEY)]: ENTRIES });

/** Takes this package from the tests: imported once more, it would be there twice. */
function withImportsOfTests(source: string): string {
  return source.replace(
    /^import (?:\* as (\w+)|\{([^}]*)\}) from "(lamplighter[^"]*)";$/gm,
    (_import, all: string | undefined, some: string | undefined, entry: string) => {
      const names = (some ?? "").split(",").map((name) => name.trim());
      const values = names.filter((name) => name !== "" && !name.startsWith("type "));
      const target = all ?? `{ ${values.map((name) => name.replace(" as ", ": ")).join(", ")} }`;
      return `const ${target} = globalThis[Symbol.for("${KEY}")]["${entry}"];`;
    },
  );
}

/** Modules that tests make of what pages show. They import this package by its own name. */
export interface PageModules {
  /** Writes one as it stands, for the compiler. Returns its file. */
  write(name: string, source: string): string;
  /** Runs one. Returns what it exports. */
  run(name: string, source: string): Promise<unknown>;
}

/** A folder for modules in this package, removed after all tests. */
export function usePageModules(name: string): PageModules {
  const folder = resolve("build/docs-test", `${name}-${process.pid}`);
  const write = (module: string, source: string): string => {
    const file = join(folder, `${module}.ts`);
    writeFileSync(file, source);
    return file;
  };
  before(() => {
    mkdirSync(folder, { recursive: true });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  return {
    write,
    run: (module, source) => import(pathToFileURL(write(`${module}-run`, withImportsOfTests(source))).href),
  };
}
