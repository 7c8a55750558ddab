import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { useMesh } from "../support/mesh.js";
import { authenticator, counter, echo, locked } from "../support/services.js";

/** Names that the page has to have a counterpart for: the public API of PyCOM 0.6. */
const INVENTORY = [
  "pycom.interface",
  "pycom.method",
  "pycom.Service",
  "pycom.main",
  "pycom.Context",
  "pycom.BaseComponent",
  "pycom.ProxyContext",
  "pycom.ProxyComponent",
  "pycom.configure",
  "pycom.configuration",
  "pycom.RemoteError",
  "pycom.ServiceNotAvailable",
  "pycom.ConfigurationError",
  "pycom.ioloop",
  "pycom.create_task",
  "pycom.logger",
  "pycom.interfaces.Interface",
  "pycom.interfaces.Method",
  "pycom.nsclient.detect_ns",
  "pycom.ext.checks.check_argument",
  "pycom.apps.nameserver",
  "zerojson.Request",
  "zerojson.Response",
  "zerojson.Session",
  "zerojson.Future",
  "zerojson.Server",
  "zerojson.Client",
];

interface Pair {
  readonly name: string;
  readonly code: string;
}

function readPairs(): Pair[] {
  const page = readFileSync("docs/pycom.md", "utf8");
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      name: /^`([^`(]*)/.exec(section)?.[1] ?? "",
      code: /```ts\n(.*?)```/s.exec(section)?.[1] ?? "",
    }));
}

/** `EXPRESSION; // => VALUE` becomes an assertion; everything else stays. */
function toModule(code: string): string {
  const asserted = code.replace(
    /^(.*?); \/\/ => (.*)$/gm,
    (_line, expression: string, value: string) => `expect(await (${expression})).to.deep.equal(${value.trim()});`,
  );
  const library = pathToFileURL(resolve("src/index.ts")).href;
  return `import * as lamplighter from ${JSON.stringify(library)};
import { expect } from "chai";
const { ${EXPORTS.join(", ")} } = lamplighter;
export async function run({ client, nameserver, address }) {\n${asserted}\n}\n`;
}

const EXPORTS = [
  "BadRequestError",
  "Client",
  "ConfigurationError",
  "Host",
  "Interface",
  "Method",
  "NameserverHost",
  "RemoteError",
  "RpcError",
  "UnavailableError",
  "batch",
  "checkArgument",
  "configuration",
  "configure",
  "currentCall",
  "defineInterface",
  "introspect",
  "main",
  "named",
  "proxy",
  "reply",
  "withOptions",
];

describe("docs/pycom.md", () => {
  const mesh = useMesh();
  const folder = resolve("build/docs-test");
  const pairs = readPairs();

  before(() => {
    mkdirSync(folder, { recursive: true });
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("has a counterpart for every name of PyCOM's public API", () => {
    expect(pairs.map((pair) => pair.name)).to.have.members(INVENTORY);
    for (const { name, code } of pairs) expect(code, name).to.match(/\S/);
  });

  for (const [index, { name, code }] of pairs.entries()) {
    it(`gives what it says for ${name}`, async () => {
      const nameserver = await mesh.nameserver();
      const host = await mesh.host([echo, counter, locked, authenticator], { nameserver: nameserver.address });
      const client = mesh.client({ nameserver: nameserver.address });
      const file = join(folder, `pair-${index}.ts`);
      writeFileSync(file, toModule(code));
      const { run } = (await import(pathToFileURL(file).href)) as { run: (scope: object) => Promise<void> };
      await run({ client, nameserver: nameserver.address, address: host.address });
    });
  }
});
