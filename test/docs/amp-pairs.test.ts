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

describePairs({
  page: "docs/amp.md",
  name: "amp",
  inventory: INVENTORY,
  alone: ["In ten lines", "Connecting again"],
  around: "A server and a client",
  readme: "With peers of AMP",
  // Its reader has certificates beside the program.
  prepare: (code) => code.replaceAll('readFile("', 'readFile("test/fixtures/tls/'),
});
