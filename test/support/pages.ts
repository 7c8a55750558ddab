import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

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

/** Modules that tests make of what pages show. */
export interface PageModules {
  /** Where they are. */
  readonly folder: string;
  /** Writes one. Returns its file. */
  write(name: string, source: string): string;
  /** Loads one that was written. */
  load(file: string): Promise<unknown>;
}

/** A folder for modules in this package, so that they import it by its own name; removed after all tests. */
export function usePageModules(name: string): PageModules {
  const folder = resolve("build/docs-test", name);
  before(() => {
    mkdirSync(folder, { recursive: true });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  return {
    folder,
    write(module, source) {
      const file = join(folder, `${module}.ts`);
      writeFileSync(file, source);
      return file;
    },
    load: (file) => import(pathToFileURL(file).href),
  };
}
