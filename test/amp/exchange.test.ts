import { expect } from "chai";
import { boxMethods } from "../../src/compat/amp/box-methods.js";
import { type Command, commandOf, defineCommand } from "../../src/compat/amp/command.js";
import { respond } from "../../src/compat/amp/command-locator.js";
import { errorOf } from "../../src/compat/amp/error-of.js";
import { RemoteAmpError } from "../../src/compat/amp/errors.js";
import { failureOf } from "../../src/compat/amp/failure-of.js";
import type { AmpPeer } from "../../src/compat/amp/locator.js";
import { locatorsOf } from "../../src/compat/amp/responders.js";
import { MethodNotFoundError } from "../../src/errors.js";
import {
  type AskMessage,
  decodeMessage,
  encodeMessage,
  type FailureMessage,
  float,
  integer,
  optional,
  parseBoxes,
  unicode,
} from "../../src/wire/amp/index.js";
import { ampVectors } from "../support/amp-vectors.js";

class ZeroDivisionError extends Error {}
class BaseProblem extends Error {}
class DerivedProblem extends BaseProblem {}
class FatalProblem extends Error {}

const number = integer({ as: "number" });
const divide = defineCommand({
  name: "Divide",
  arguments: { numerator: number, denominator: number },
  response: { result: float() },
  errors: { ZERO_DIVISION: ZeroDivisionError },
});
const fail = defineCommand({
  name: "Fail",
  arguments: { kind: unicode() },
  response: { text: unicode() },
  errors: { BASE_PROBLEM: BaseProblem },
  fatalErrors: { FATAL_PROBLEM: FatalProblem },
});
const FAILURES: Readonly<Record<string, () => unknown>> = {
  base: () => Promise.reject(new BaseProblem("declared")),
  derived: () => Promise.reject(new DerivedProblem("child of a declared class")),
  fatal: () => Promise.reject(new FatalProblem("declared and fatal")),
  badreturn: () => ({}),
  toolong: () => ({ text: "x".repeat(65_536) }),
};

/** What the server of the vectors answers. */
const responders = [
  respond(
    defineCommand({ name: "Sum", arguments: { a: number, b: number }, response: { total: number } }),
    ({ a, b }) => ({ total: a + b }),
  ),
  respond(divide, ({ numerator, denominator }) => {
    if (denominator === 0) throw new ZeroDivisionError("division by zero");
    return { result: numerator / denominator };
  }),
  respond(fail, ({ kind }) => {
    const run = FAILURES[kind];
    if (!run) throw new TypeError("secret");
    return run() as never;
  }),
  respond(defineCommand({ name: "Notify", arguments: { text: unicode() }, requiresAnswer: false }), () => ({})),
  respond(defineCommand({ name: "Bye", response: { text: unicode() }, quits: true }), () => ({ text: "bye" })),
  respond(
    defineCommand({
      name: "mapped-command",
      arguments: { "dash-arg": unicode(), from: unicode(), print: optional(unicode()), mixedCase: unicode() },
      response: { class: unicode() },
    }),
    (args) => ({ class: [args["dash-arg"], args.from, args.print ?? "-", args.mixedCase].join("|") }),
  ),
  boxMethods({ amp_LOWLEVEL: (box: ReadonlyMap<string, Uint8Array>) => new Map([["echo", box.get("data")]]) }),
];

/** As who has a connection does it: what is sent, and whether it is closed then. */
async function answer({
  command,
  tag,
  values,
}: AskMessage): Promise<{ readonly reply: string; readonly closes: boolean }> {
  const peer: AmpPeer = { callRemote: () => Promise.reject(new Error("nobody calls")) };
  const context = { peer, command, dialect: "twisted", signal: new AbortController().signal } as const;
  const responder = locatorsOf(responders)(peer).locateResponder(command);
  if (!responder) {
    const text = `Unhandled Command: b'${command}'`;
    return tag === undefined ? NOTHING : { reply: error(tag, { code: "UNHANDLED", description: text }), closes: false };
  }
  try {
    const box = await responder.respond(values, context);
    if (tag === undefined || typeof box === "function") return { reply: "", closes: false };
    const reply = encodeMessage({ kind: "answer", tag, values: box }).toString("hex");
    return { reply, closes: responder.command?.quits ?? false };
  } catch (thrown) {
    const failure = failureOf(responder.command, thrown);
    return tag === undefined ? NOTHING : { reply: error(tag, failure), closes: failure.isFatal };
  }
}

const NOTHING = { reply: "", closes: true };

function error(tag: string, { code, description }: Omit<FailureMessage, "kind" | "tag">): string {
  return encodeMessage({ kind: "error", tag, code, description }).toString("hex");
}

/** Commands that the errors of the vectors answer. */
const commands: Readonly<Record<string, Command>> = { Divide: commandOf(divide) };

describe("AMP: responders against a server of Twisted", () => {
  for (const vector of ampVectors("exchange")) {
    // What follows a switch is no box.
    if (vector.name === "exchange: Switch") continue;
    it(vector.name, async () => {
      let reply = "";
      let isClosed = false;
      for (const box of parseBoxes(Buffer.from(vector.hex, "hex"))) {
        const told = await answer(decodeMessage(box) as AskMessage);
        reply += told.reply;
        isClosed ||= told.closes;
      }
      expect(isClosed).to.equal((vector as { readonly closes?: boolean }).closes);
      // Where Twisted closes without a word, callers are told as of any other fault.
      const isTooLong = vector.name === "exchange: Fail toolong";
      expect(reply).to.equal(isTooLong ? error("1", { code: "UNKNOWN", description: "Unknown Error" }) : vector.reply);
    });
  }

  for (const { name, hex, call = "" } of ampVectors("reply").filter(({ decoded }) => decoded && "error" in decoded)) {
    const [message] = parseBoxes(Buffer.from(hex, "hex")).map((box) => decodeMessage(box));
    if (message?.kind !== "error") continue;
    it(name, () => {
      const made = errorOf(commands[call], message, { method: call });
      const Class =
        { ZERO_DIVISION: ZeroDivisionError, UNHANDLED: MethodNotFoundError }[message.code] ?? RemoteAmpError;
      expect(made.constructor).to.equal(Class);
      if (made instanceof RemoteAmpError) expect(made).to.include({ errorCode: message.code });
    });
  }
});
