import { readFileSync } from "node:fs";
import { expect } from "chai";
import { readSections, usePageModules, withAssertions } from "../support/pages.js";

describe("docs/publish-subscribe.md", () => {
  const modules = usePageModules("publish-subscribe");
  const page = readFileSync("docs/publish-subscribe.md", "utf8");

  it("begins with a program that gives what it says", async () => {
    const [first] = readSections("docs/publish-subscribe.md");
    const program = withAssertions(first?.blocks.join("\n") ?? "");
    expect(program).to.contain("expect(await (");
    await modules.run("first", `import { expect } from "chai";\n${program}`);
  });

  it("names every option, policy and reason that there is", () => {
    const source = (file: string): string => readFileSync(`src/pubsub/${file}.ts`, "utf8");
    const [, policies = ""] = /type OverflowPolicy = ([^;]*);/.exec(source("subscription-request")) ?? [];
    const [, reasons = ""] = /type GapReason =([^;]*);/.exec(source("gap")) ?? [];
    const [, options = ""] = /interface SubscriberOptions \{([^]*?)\n\}/.exec(source("subscriber-options")) ?? [];
    const [, publishing = ""] = /interface PublicationOptions [^{]*\{([^]*?)\n\}/.exec(source("publication")) ?? [];
    const members = Array.from((options + publishing).matchAll(/readonly (\w+)\?/g), ([, name = ""]) => name);
    const names = [...Array.from((policies + reasons).matchAll(/"([a-z-]+)"/g), ([, name = ""]) => name), ...members];
    expect(names.length).to.be.greaterThan(20);
    const unnamed = new Set(["doc", "authentication", "signal", "serverKey", "maxHeld"]);
    for (const name of names) if (!unnamed.has(name)) expect(page, name).to.match(new RegExp(`\\b${name}\\b`));
  });
});
