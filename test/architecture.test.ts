import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect } from "chai";
import ts from "typescript";

/** Who may import whom; what is not listed may import nothing but itself. The table of CONTRIBUTING.md. */
const LAYERS = [
  "errors.ts",
  "util",
  "wire",
  "transport",
  "security",
  "peer",
  "client",
  "service",
  "nameserver",
  "pubsub",
  "workflow",
  "compat",
  "gateway",
  "cli",
];
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = { service: ["client"] };
const RESERVED: Readonly<Record<string, string>> = {
  zeromq: "transport",
  "node:net": "transport",
  "node:tls": "transport",
  "node:http": "gateway",
  commander: "cli",
  libsql: "service",
};

const files = (readdirSync("src", { recursive: true }) as string[]).filter((file) => file.endsWith(".ts"));

function importsOf(file: string): string[] {
  return ts.preProcessFile(readFileSync(join("src", file), "utf8")).importedFiles.map((found) => found.fileName);
}

function targetOf(file: string, specifier: string): string {
  return relative("src", resolve("src", dirname(file), specifier));
}

const layerOf = (path: string): string => path.split("/")[0]?.replace(/\.js$/, ".ts") ?? "";

describe("The house", () => {
  for (const file of files.filter((name) => name !== "index.ts")) {
    it(`${file} imports only what lies below it`, () => {
      const layer = layerOf(file);
      expect(LAYERS, "an unknown folder").to.include(layer);
      const allowed = LAYERS.slice(0, LAYERS.indexOf(layer) + 1).filter((one) => !FORBIDDEN[layer]?.includes(one));
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith(".")) expect(allowed, specifier).to.include(layerOf(targetOf(file, specifier)));
        else if (RESERVED[specifier] !== undefined) expect(layer, specifier).to.equal(RESERVED[specifier]);
      }
    });
  }

  it("keeps the wires apart", () => {
    const wires = files.filter((file) => file.split("/").length > 2 && file.startsWith("wire/"));
    for (const file of wires) {
      for (const specifier of importsOf(file).filter((name) => name.startsWith("."))) {
        const target = targetOf(file, specifier);
        const isProtocol = target.split("/").length > 2 && !target.startsWith("wire/messagepack/");
        const foreign = target.startsWith("wire/") && isProtocol;
        if (foreign) expect(target.split("/")[1], `${file} imports ${target}`).to.equal(file.split("/")[1]);
      }
    }
  });

  it("prints, reads arguments and ends the process in cli/ alone", () => {
    for (const file of files.filter((name) => !name.startsWith("cli/"))) {
      expect(readFileSync(join("src", file), "utf8"), file).to.not.match(
        /console\.|process\.(argv|exit|stdout|stderr)/,
      );
    }
  });
});
