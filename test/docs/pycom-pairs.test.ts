import { expect } from "chai";
import { useMesh } from "../support/mesh.js";
import { readSections, usePageModules, withAssertions } from "../support/pages.js";
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

function toModule(code: string): string {
  return `import * as lamplighter from "lamplighter";
import { expect } from "chai";
const { ${EXPORTS.join(", ")} } = lamplighter;
export async function run({ client, nameserver, address }) {\n${withAssertions(code)}\n}\n`;
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
  const modules = usePageModules("pycom");
  const pairs = readSections("docs/pycom.md").map(({ heading, blocks: [code = ""] }) => ({
    name: /^`([^`(]*)/.exec(heading)?.[1] ?? "",
    code,
  }));

  it("has a counterpart for every name of PyCOM's public API", () => {
    expect(pairs.map((pair) => pair.name)).to.have.members(INVENTORY);
    for (const { name, code } of pairs) expect(code, name).to.match(/\S/);
  });

  for (const [index, { name, code }] of pairs.entries()) {
    it(`gives what it says for ${name}`, async () => {
      const nameserver = await mesh.nameserver();
      const host = await mesh.host([echo, counter, locked, authenticator], { nameserver: nameserver.address });
      const client = mesh.client({ nameserver: nameserver.address });
      const { run } = (await modules.run(`pair-${index}`, toModule(code))) as { run: (scope: object) => Promise<void> };
      await run({ client, nameserver: nameserver.address, address: host.address });
    });
  }
});
