import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { selfSigned } from "../../src/transport/stream/self-signed.js";
import { describePairs } from "../support/page-pairs.js";

/** Names that the page has to have a counterpart for: the public API of AMP in Twisted. */
const INVENTORY = [
  "Command",
  "commandName",
  "arguments",
  "response",
  "errors",
  "fatalErrors",
  "requiresAnswer",
  "responseType = QuitBox",
  "ProtocolSwitchCommand",
  "AMP",
  "@Sum.responder",
  "amp_SUM",
  "callRemote",
  "callRemoteString",
  "CommandLocator",
  "IResponderLocator",
  "BoxDispatcher",
  "BinaryBoxProtocol",
  "IBoxSender",
  "IBoxReceiver",
  "parse",
  "parseString",
  "Argument",
];

/** One that is its own authority. */
const { cert, key } = selfSigned("amp.example");
const PEMS: Readonly<Record<string, string>> = { "server.pem": cert, "server-key.pem": key, "ca.pem": cert };

describePairs({
  page: "docs/amp.md",
  name: "amp",
  inventory: INVENTORY,
  alone: ["In ten lines"],
  around: "A server and a client",
  readme: "With peers of AMP",
  prepare: (code, { folder }) =>
    code.replace(/readFile\("([^"]+)"\)/g, (_call, name: string) => {
      writeFileSync(join(folder, name), PEMS[name] ?? "");
      return `readFile(${JSON.stringify(join(folder, name))})`;
    }),
});
