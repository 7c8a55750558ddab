import { readFileSync } from "node:fs";
import { expect } from "chai";
import { useCommand } from "../support/command.js";

/** Flags that every command has, or the nameserver they ask; the page tells of them once. */
const COMMON = ["--help", "--version", "--verbose", "--log", "--nameserver", "--keys"];

/** Flags of a help, each by its short form where it has one: by that it is told of. */
function flagsIn(help: string, except: readonly string[]): (string | undefined)[] {
  return Array.from(help.matchAll(/^ {2}(?:(-\w), )?(--[a-z]+)/gm))
    .filter(([, , long = ""]) => !except.includes(long))
    .map(([, short, long]) => short ?? long);
}

/** Flags that a row of a table tells of. */
function toldIn(row: string): (string | undefined)[] {
  return Array.from(row.matchAll(/`(--?[a-z]+)/g), ([, flag]) => flag);
}

describe("README.md", () => {
  const command = useCommand();
  const [, page = ""] = /^## On the command line$(.*?)^## /ms.exec(readFileSync("README.md", "utf8")) ?? [];
  const rows = new Map(
    Array.from(page.matchAll(/^\| `([a-z]+)[^`]*`.*$/gm), ([row, name = ""]) => [name, row] as const),
  );
  const helpOf = async (...words: string[]): Promise<string> => (await command.run(["help", ...words])).out;

  it("tells of every command and of every flag that it has, and of no others", async () => {
    const commands = Array.from((await helpOf()).matchAll(/^ {2}([a-z]+) .*\[options\]/gm), ([, name = ""]) => name);
    expect([...rows.keys()]).to.have.members(commands);
    for (const name of commands) {
      const row = rows.get(name) ?? "";
      const help = await helpOf(name);
      const told = toldIn(row);
      const expected = flagsIn(help, COMMON);
      expect(told, name).to.have.members(expected);
    }
  });

  it("tells every exit status", async () => {
    const { 0: line = "" } = /^Exit status: .*$/m.exec(await helpOf()) ?? [];
    const statuses = Array.from(line.matchAll(/\b(\d) /g), ([, status = ""]) => status);
    expect(statuses).to.deep.equal(["0", "1", "2", "3", "4"]);
    const [sentence = ""] = /exit status is[^.]*\./.exec(page) ?? [];
    for (const status of statuses) expect(sentence).to.match(new RegExp(`\\b${status}\\s(?:for|when)`));
  });
});

describe("docs/workflow-commands.md", () => {
  const command = useCommand();
  const page = readFileSync("docs/workflow-commands.md", "utf8");
  const rows = new Map(Array.from(page.matchAll(/^\| `([a-z]+)[^`]*` \|.*$/gm), ([row, name = ""]) => [name, row]));
  const helpOf = async (...words: string[]): Promise<string> => (await command.run(["workflow", "help", ...words])).out;

  it("tells of every command and of every flag that it has, and of no others", async () => {
    const commands = Array.from((await helpOf()).matchAll(/^ {2}([a-z]+) .*\[options\]/gm), ([, name = ""]) => name);
    expect([...rows.keys()]).to.have.members(commands);
    const readme = /^\| `workflow .*$/m.exec(readFileSync("README.md", "utf8"))?.[0] ?? "";
    for (const name of commands) {
      expect(readme).to.match(new RegExp(`\`(workflow )?${name}\\b`));
      const row = rows.get(name) ?? "";
      // What a row says of a flag may name others.
      const told = new Set(toldIn(row.split(" | ").at(-1) ?? ""));
      expect([...told], name).to.have.members(flagsIn(await helpOf(name), [...COMMON, "--timeout"]));
    }
  });
});
