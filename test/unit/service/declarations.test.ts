import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import ts from "typescript";
import { checkArgument, defineInterface, expose, Host, Interface, Method } from "../../../src/index.js";
import { keepLog } from "../../support/log.js";
import { failureOf, useMesh } from "../../support/mesh.js";

@Interface("demo.base", { doc: "A base." })
class Base {
  @Method() marked(): string {
    return "base";
  }
  @Method() hiddenBelow(): string {
    return "base";
  }
  unmarked(): string {
    return "never";
  }
  get trap(): never {
    throw new Error("a getter was run");
  }
}

@Interface("demo.derived")
class Derived extends Base {
  override hiddenBelow(): string {
    return "never";
  }
  @Method({ name: "dotted.name", doc: "Says so." }) other(): string {
    return this.unmarked();
  }
}

describe("Declarations", () => {
  const mesh = useMesh();
  const serve = async (provided: object, name: string) => {
    const host = await mesh.host([provided]);
    return mesh.client({ retry: false }).connectComponent(host.address, name);
  };

  it("make marked methods callable, inherited ones too, and nothing else", async () => {
    const component = await serve(Derived, "demo.derived");
    const { methods } = await component.introspect();
    expect(Object.keys(methods)).to.have.members(["marked", "dotted.name", "introspect"]);
    expect(await component.invoke("marked")).to.equal("base");
    expect(await component.invoke("dotted.name")).to.equal("never");
    for (const name of ["hiddenBelow", "unmarked", "trap", "constructor"]) {
      expect((await failureOf(component.invoke(name))).code, name).to.equal("METHOD_NOT_FOUND");
    }
  });

  it("work with legacy decorators, and take types that the compiler emits", async () => {
    const source = readFileSync("test/fixtures/legacy/service.ts", "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
    });
    expect(outputText).to.contain("design:paramtypes");
    const folder = resolve("build/legacy-test");
    mkdirSync(folder, { recursive: true });
    try {
      const file = `${folder}/service.mjs`;
      writeFileSync(file, outputText);
      const { Legacy } = (await import(pathToFileURL(file).href)) as { Legacy: object };
      const component = await serve(Legacy, "demo.legacy");
      expect(await component.invoke("join", { a: "x", b: 1 })).to.equal("x1");
      expect(await component.invoke("twice", 4)).to.equal(8);
      const wrong = await failureOf(component.invoke("join", { a: "x", b: "1" }));
      expect(wrong.message).to.match(/args\.b[^]*number/);
      expect((await failureOf(component.invoke("twice", "4"))).code).to.equal("BAD_REQUEST");
      expect((await failureOf(component.invoke("hidden"))).code).to.equal("METHOD_NOT_FOUND");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are accepted by the compiler with legacy decorators", () => {
    const { config } = ts.readConfigFile("tsconfig.json", (path) => ts.sys.readFile(path)) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
    const file = "test/fixtures/legacy/service.ts";
    const program = ts.createProgram([file], { ...options, experimentalDecorators: true });
    const complaints = program.getSemanticDiagnostics(program.getSourceFile(file));
    expect(complaints.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).to.deep.equal([]);
  });

  it("work without decorators", async () => {
    class Plain {
      factor = 3;
      times(value: number): number {
        return this.factor * value;
      }
    }
    expose(Plain.prototype, { times: { params: ["value"], idempotent: true } }, { name: "demo.plain" });
    const component = await serve(new Plain(), "demo.plain");
    expect(await component.invoke("times", { value: 2 })).to.equal(6);
    expect(() => {
      expose(Plain.prototype, ["nope"]);
    }).to.throw(/nope is no method/);
  });

  it("are warned of when a method has several parameters and declares none, once each", async () => {
    const { log, lines } = keepLog();
    const methods = {
      lost: (a: number, b?: number) => [a, b ?? "none"],
      declared: { params: ["a", "b"], run: (a: number, b: number) => a + b },
      single: (a: number) => a,
      defaulted: (a: number, b = 1) => a + b,
    };
    const host = await mesh.host([defineInterface("demo.sums", { methods })], { log });
    const remote = mesh.client().connectComponent(host.address, "demo.sums");
    for (const value of [1, 2]) await remote.invoke("lost", value);
    expect(lines("warn")).to.deep.equal([
      "demo.sums.lost has 2 parameters and declares none, so that callers can give it one value only: declare them with params",
    ]);
    const peer = mesh.client({ log }).provide(defineInterface("demo.peer", { methods: { sum: methods.lost } }));
    expect(peer.references).to.deep.equal([]);
    expect(lines("warn")).to.have.length(1);
  });

  it("refuse two methods of one name, and classes that cannot be made", () => {
    @Interface("demo.twice")
    class Twice {
      @Method("same") one(): number {
        return 1;
      }
      @Method("same") two(): number {
        return 2;
      }
    }
    @Interface("demo.needy")
    class Needy {
      constructor(needed: { value: number }) {
        if (needed.value > 0) throw new Error("never");
      }
      @Method() run(): number {
        return 1;
      }
    }
    const host = mesh.own(new Host({ nameserver: false }));
    expect(() => host.provide(Twice)).to.throw(/two methods named same/);
    expect(() => host.provide(Needy)).to.throw(/cannot be made without arguments/);
  });

  it("validate arguments and results by a Standard Schema, at once or later, and use what it makes of them", async () => {
    const schema = (check: (value: unknown) => object | Promise<object>) => ({
      "~standard": { version: 1 as const, vendor: "test", validate: check as never },
    });
    const trimmed = schema((value) =>
      typeof value === "string" ? { value: value.trim() } : { issues: [{ message: "no text" }] },
    );
    const positive = schema((value) =>
      Promise.resolve(Number(value) > 0 ? { value } : { issues: [{ message: "not positive", path: ["deep", 0] }] }),
    );
    const component = await serve(
      defineInterface("demo.schema", {
        methods: {
          trim: { params: { text: trimmed }, run: (text: string) => `<${text}>` },
          whole: { input: positive, run: (value: unknown) => value },
          broken: { output: positive, run: () => -1 },
        },
      }),
      "demo.schema",
    );
    expect(await component.invoke("trim", { text: " a " })).to.equal("<a>");
    const wrong = await failureOf(component.invoke("trim", { text: 5 }));
    expect(wrong).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
    expect(wrong.message).to.contain("args.text: no text");
    expect((await failureOf(component.invoke("whole", -1))).message).to.contain("args.deep[0]: not positive");
    expect(await failureOf(component.invoke("broken"))).to.include({ code: "UNKNOWN", outcome: "executed" });
  });

  it("check single arguments as PyCOM's check_argument does", async () => {
    const component = await serve(
      defineInterface("demo.checks", {
        methods: {
          root: {
            params: ["a", "b?"],
            prehooks: [
              checkArgument("a", { types: ["integer", "string"], message: "a is wrong" }),
              checkArgument("b", { validate: (_name, value) => Number(value) > 0 }),
            ],
            run: () => "ran",
          },
        },
      }),
      "demo.checks",
    );
    const run = (args: object): Promise<unknown> => component.invoke("root", args).catch((error: unknown) => error);
    expect(await run({ a: 1 })).to.equal("ran");
    expect(await run({ a: "x", b: 1 })).to.equal("ran");
    expect(await run({ a: 0.5 })).to.include({ code: "BAD_REQUEST", message: "a is wrong" });
    expect(await run({ a: 1, b: 0 })).to.include({ code: "BAD_REQUEST" });
  });

  it("shape results: one by name, several from a tuple or an object, and refuse what does not fit", async () => {
    const component = await serve(
      defineInterface("demo.results", {
        methods: {
          one: { results: "value", run: () => undefined },
          tuple: { results: ["a", "b"], run: () => [1, 2] },
          object: { results: ["a", "b"], run: () => ({ b: 2, a: 1, surplus: 3 }) },
          short: { results: ["a", "b"], run: () => [1] },
          stream: {
            run: async function* () {
              await Promise.resolve();
              yield 1;
            },
          },
        },
      }),
      "demo.results",
    );
    expect(await component.invoke("one")).to.deep.equal({ value: null });
    expect(await component.invoke("tuple")).to.deep.equal({ a: 1, b: 2 });
    expect(await component.invoke("object")).to.deep.equal({ a: 1, b: 2 });
    expect(await failureOf(component.invoke("short"))).to.include({ code: "UNKNOWN", outcome: "executed" });
    expect((await failureOf(component.invoke("stream"))).message).to.match(/streams/);
  });
});
