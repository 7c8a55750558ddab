import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { findJsonFault } from "../../../../src/workflow/definition/json-fault.js";
import { DefinitionError } from "../../../../src/workflow/definition/problems.js";
import { readWorkflowFile } from "../../../../src/workflow/definition/read-file.js";

describe("The file of a workflow", () => {
  let folder = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "lamplighter-workflow-"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function read(name: string, content: string | Uint8Array): Promise<unknown> {
    const file = join(folder, name);
    await writeFile(file, content);
    return await readWorkflowFile(file);
  }

  async function failureOf(reading: Promise<unknown>): Promise<DefinitionError> {
    const error: unknown = await reading.then(
      () => new Error("It was read"),
      (reason: unknown) => reason,
    );
    if (error instanceof DefinitionError) return error;
    throw error;
  }

  it("is JSON", async () => {
    expect(await read("a.json", '\uFEFF{ "tasks": { "t": [ { "interface": "ä" } ] } }')).to.deep.equal({
      tasks: { t: [{ interface: "ä" }] },
    });
  });

  it("is YAML 1.2 by its name, with anchors", async () => {
    const text = [
      "defaults: { retry: &again { attempts: 3 } }",
      "tasks:",
      "  t:",
      "    - interface: demo # the first",
      "      input: ${input.a}",
      "      retry: { <<: *again, on: [TIMEOUT] }",
      "    - { wait: { until: 2030-01-01 }, name: on }",
    ].join("\n");
    const expected = {
      defaults: { retry: { attempts: 3 } },
      tasks: {
        t: [
          { interface: "demo", input: "${input.a}", retry: { attempts: 3, on: ["TIMEOUT"] } },
          { wait: { until: "2030-01-01" }, name: "on" },
        ],
      },
    };
    expect(await read("a.yaml", text)).to.deep.equal(expected);
    expect(await read("a.YML", text)).to.deep.equal(expected);
  });

  const faults: [name: string, content: string | Uint8Array, path: string, message: RegExp, cure: RegExp][] = [
    [
      "a.json",
      '{\n  "tasks": {\n    "t": [ { "interface": "a" ] }\n}',
      "line 3, column 31",
      /"," or "\}" is expected, not "\]"/,
      /before it/,
    ],
    ["a.json", '{\r\n"tasks": {},\r\n}', "line 3, column 1", /a name is expected, not "\}"/, /double quotes/],
    ["a.json", "{ tasks: {} }", "line 1, column 3", /a name is expected, not "t"/, /double quotes/],
    ["a.json", '{ "tasks" {} }', "line 1, column 11", /":" is expected, not "\{"/, /between/],
    ["a.json", '{ "tasks": {}, "tasks": {} }', "line 1, column 16", /the object has "tasks" twice/, /another name/],
    ["a.json", "{ \"tasks\": 'a' }", "line 1, column 12", /a value is expected, not "'"/, /double quotes/],
    ["a.json", '{ "a": "x\n" }', "line 1, column 8", /the text does not end/, /\\n/],
    ["a.json", '{ "a": 01 }', "line 1, column 9", /"," or "\}" is expected, not "1"/, /correct/],
    ["a.json", "{} {}", "line 1, column 4", /something follows/, /remove/],
    ["a.json", "", "line 1, column 1", /a value is expected, not the end/, /write a value/],
    ["a.json", "[".repeat(100_000), "line 1, column 502", /nested more than 500 deep/, /less deep/],
    ["a.json", Uint8Array.of(0x22, 0xff, 0x22), "", /no text in UTF-8/, /UTF-8/],
    ["a.json", " ".repeat(10 * 1024 * 1024 + 1), "", /larger than 10485760 bytes/, /several definitions/],
    ["a.yaml", "tasks:\n  t: []\n  t: []\n", "line 3, column 3", /must be unique/, /another name/],
    ["a.yaml", "a: [1,\n  2\nb: 1", "line 3, column 1", /./, /correct it/],
    ["a.yaml", "a: { b: ${input.c} }", "line 1, column 10", /./, /stands in quotes/],
    ["a.yaml", "a: 1\n---\nb: 1\n", "line 2, column 1", /multiple documents/, /a file of each/],
    ["a.yaml", "a: !func 1", "line 1, column 4", /tag/, /remove the tag/],
    ["a.yaml", "a: *none", "", /none/, /in its place/],
    [
      "a.yaml",
      `a: &a [1]\n${Array.from({ length: 9 }, (_, i) => `b${i}: &b${i} [${`*${i === 0 ? "a" : `b${i - 1}`}, `.repeat(9)}1]\n`).join("")}`,
      "",
      /alias/,
      /in its place/,
    ],
    ["a.yaml", `a: ${"[".repeat(100_000)}`, "", /nested more than 1000 deep/, /less deep/],
    ["a.toml", "", "", /neither JSON nor YAML/, /\.json, \.yaml or \.yml/],
  ];
  for (const [name, content, path, message, cure] of faults) {
    const title = typeof content === "string" ? JSON.stringify(content.slice(0, 40)) : "other bytes";
    it(`tells what is wrong with ${title} in ${name}`, async () => {
      const error = await failureOf(read(name, content));
      const [problem] = error.problems;
      expect(problem?.path).to.match(new RegExp(`^${path}`));
      expect(problem?.message).to.match(message);
      expect(problem?.cure).to.match(cure);
      expect(error.message).to.contain(join(folder, name));
      expect(error.code).to.equal("CONFIGURATION");
    });
  }

  it("is told to be missing, or no file", async () => {
    const missing = await failureOf(readWorkflowFile(join(folder, "none.json")));
    expect(missing.message).to.contain("none.json: there is no such file; correct its name");
    const directory = join(folder, "dir.json");
    await mkdir(directory);
    expect((await failureOf(readWorkflowFile(directory))).message).to.contain("dir.json: is no file");
  });

  it("may hold a text of megabytes", async () => {
    const text = "x\\n".repeat(3_000_000);
    expect(await read("long.json", `{ "a": "${text}" }`)).to.deep.equal({ a: "x\n".repeat(3_000_000) });
  });

  it("is right as JSON exactly when JSON.parse says so, but for names that are there twice", () => {
    const parses = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom("", ",", '"', "\\", "]", "}", "1", "\u0001", "e", "-"),
        (json, at, cut) => {
          const place = at % (json.length + 1);
          const changed = json.slice(0, place) + cut + json.slice(place + 1);
          const fault = findJsonFault(changed);
          if (fault?.message.includes("twice") !== true) expect(fault === undefined).to.equal(parses(changed));
        },
      ),
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(findJsonFault(json)).to.equal(undefined);
      }),
    );
  });
});
