import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import ts from "typescript";
import { Publisher, subscriber } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";

describe("@Publisher", () => {
  const mesh = useMesh();
  const file = "test/fixtures/legacy/publisher.ts";

  it("works with legacy decorators", async () => {
    const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, experimentalDecorators: true },
    });
    const folder = resolve("build/legacy-publisher-test");
    mkdirSync(folder, { recursive: true });
    try {
      const module = `${folder}/publisher.mjs`;
      writeFileSync(module, outputText);
      const { LegacyNumbers } = (await import(pathToFileURL(module).href)) as { LegacyNumbers: new () => object };
      const host = await mesh.host([new LegacyNumbers()]);
      const numbers = mesh.own(
        subscriber<number>("demo.legacy", { client: mesh.client(), address: host.address, policy: "block" }),
      );
      expect(await numbers.take(3)).to.deep.equal([1, 2, 3]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is accepted by the compiler with legacy decorators", () => {
    const { config } = ts.readConfigFile("tsconfig.json", (path) => ts.sys.readFile(path)) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
    const program = ts.createProgram([file], { ...options, experimentalDecorators: true });
    const complaints = program.getSemanticDiagnostics(program.getSourceFile(file));
    expect(complaints.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).to.deep.equal([]);
  });

  it("says where it makes no sense", () => {
    expect(() => Publisher("")).to.throw("needs the interface's name");
    expect(() => Publisher("demo", { replay: -1 })).to.throw("The option replay");
    const decorate = Publisher("demo") as unknown as (
      target: object,
      key: string,
      descriptor?: PropertyDescriptor,
    ) => void;
    expect(() => {
      decorate({}, "field");
    }).to.throw("@Publisher stands on field, which is no method");
  });

  it("is inherited, and hidden by a method that overrides it", async () => {
    class Base {
      @Publisher("demo.base") async *values(): AsyncGenerator<string> {
        yield "base";
      }
      @Publisher("demo.hidden") async *hidden(): AsyncGenerator<string> {
        yield "never";
      }
    }
    class Derived extends Base {
      override async *hidden(): AsyncGenerator<string> {
        yield "never either";
      }
    }
    const host = await mesh.host([new Derived()]);
    expect(host.interfaces).to.deep.equal(["demo.base"]);
    const values = mesh.own(subscriber("demo.base", { client: mesh.client(), address: host.address }));
    expect(await values.take(1)).to.deep.equal(["base"]);
  });
});
