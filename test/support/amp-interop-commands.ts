import { defineCommand, RemoteAmpError, type Responders, respond } from "../../src/compat/amp/index.js";
import { sleep } from "../../src/util/sleep.js";
import { integer, optional, unicode } from "../../src/wire/amp/index.js";
import { BaseProblem, DerivedProblem, Divide, Fail, FatalProblem, Switch, vectorResponders } from "./amp-commands.js";
import { typeOf } from "./amp-vectors.js";

/** Declared by a command that is derived from another. */
export class MoreProblem extends Error {}

/** Has the errors of `Fail` as well. */
export const FailMore = defineCommand({ name: "FailMore", extends: Fail, errors: { MORE_PROBLEM: MoreProblem } });

/** Has the caller divide, who is asked over the same connection. */
export const CallMe = defineCommand({ name: "CallMe", extends: Divide });

/** Answers after so many milliseconds. */
export const Slow = defineCommand({
  name: "Slow",
  arguments: { milliseconds: integer() },
  response: { milliseconds: integer() },
});

/** Nobody answers this one. */
export const Nope = defineCommand({ name: "Nope", response: { text: unicode() } });

/** Types of what `MoreTypes` gives back. */
export const MORE_TYPES: Readonly<Record<string, string>> = {
  strings: "ListOf(String)",
  booleans: "ListOf(Boolean)",
  floats: "ListOf(Float)",
  decimals: "ListOf(Decimal)",
  datetimes: "ListOf(DateTime)",
  paths: "ListOf(Path)",
  tree: "AmpList(name Unicode, kids AmpList(n Integer))",
};

const moreTypes = Object.fromEntries(Object.entries(MORE_TYPES).map(([name, type]) => [name, optional(typeOf(type))]));

/** Lists of every type, and rows in rows, there and back. */
export const MoreTypes = defineCommand({ name: "MoreTypes", arguments: moreTypes, response: moreTypes });

/** What answers the commands of the peers in Python, as Twisted's does; see `amp_commands.py`. */
export function interopResponders(told?: (text: string) => void): readonly Responders[] {
  return [
    respond(Fail, ({ kind }) => failAs(kind)),
    respond(FailMore, ({ kind }) => {
      if (kind === "more") throw new MoreProblem("declared by the derived command");
      return failAs(kind);
    }),
    respond(CallMe, (args, { peer }) => peer.callRemote(Divide, args)),
    respond(Slow, async ({ milliseconds }, { signal }) => {
      await sleep(Number(milliseconds), signal);
      return { milliseconds };
    }),
    respond(MoreTypes, (values) => values),
    respond(Switch, ({ to }) => {
      if (to !== "upper-echo" && to !== "prefix-echo") throw new BaseProblem(`there is no protocol ${to}`);
      return (socket) => {
        if (to === "prefix-echo") socket.write("echo:");
        socket.on("data", (chunk: Buffer) =>
          socket.write(to === "prefix-echo" ? chunk : chunk.toString("latin1").toUpperCase()),
        );
      };
    }),
    vectorResponders(told),
  ];
}

function failAs(kind: string): { text: string } {
  switch (kind) {
    case "badreturn":
      return { nothing: "of this is declared" } as never;
    case "toolong":
      return { text: "x".repeat(65_536) };
    case "known":
      throw new BaseProblem("declared");
    case "derived":
      throw new DerivedProblem("child of a declared class");
    case "fatal":
      throw new FatalProblem("declared and fatal");
    case "unknown":
      throw new RangeError("a secret");
    case "wordless":
      throw new RangeError();
    case "remote":
      throw new RemoteAmpError("OF_ITS_OWN", "not declared");
    case "remote-fatal":
      throw new RemoteAmpError("OF_ITS_OWN", "not declared, and fatal", { fatal: true });
    default:
      return { text: kind };
  }
}
