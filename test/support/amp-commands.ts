import {
  boxMethods,
  type CommandLike,
  defineCommand,
  type ReceivedArguments,
  type Responders,
  respond,
} from "../../src/compat/amp/index.js";
import {
  ampList,
  boolean,
  bytes,
  dateTime,
  decimal,
  float,
  integer,
  listOf,
  optional,
  path,
  unicode,
} from "../../src/wire/amp/index.js";

/** What the vectors' commands fail with. */
export class ZeroDivision extends Error {}
/** A parent that is declared. */
export class BaseProblem extends Error {}
/** A child that is not. */
export class DerivedProblem extends BaseProblem {}
/** Closes the connection. */
export class FatalProblem extends Error {}

/** The sum of two numbers. */
export const Sum = defineCommand({
  name: "Sum",
  arguments: { a: integer(), b: integer() },
  response: { total: integer() },
});

/** A text, several times. */
export const Repeat = defineCommand({
  name: "Repeat",
  arguments: { text: unicode(), times: integer() },
  response: { text: unicode() },
});

/** A quotient. */
export const Divide = defineCommand({
  name: "Divide",
  arguments: { numerator: integer(), denominator: integer() },
  response: { result: float() },
  errors: { ZERO_DIVISION: ZeroDivision },
});

const everyType = {
  integer: optional(integer()),
  string: optional(bytes()),
  unicode: optional(unicode()),
  boolean: optional(boolean()),
  float: optional(float()),
  decimal: optional(decimal()),
  datetime: optional(dateTime()),
  integers: optional(listOf(integer())),
  unicodes: optional(listOf(unicode())),
  nested: optional(listOf(listOf(integer()))),
  rows: optional(ampList({ x: integer(), label: optional(unicode()) })),
  path: optional(path()),
};

/** Gives back what it gets. */
export const Types = defineCommand({ name: "Types", arguments: everyType, response: everyType });

/** Names that Python spells otherwise. */
export const Mapped = defineCommand({
  name: "mapped-command",
  arguments: { "dash-arg": unicode(), from: unicode(), print: optional(unicode()), mixedCase: unicode() },
  response: { class: unicode() },
});

/** Wants no answer. */
export const Notify = defineCommand({ name: "Notify", arguments: { text: unicode() }, requiresAnswer: false });

/** Fails as it is told. */
export const Fail = defineCommand({
  name: "Fail",
  arguments: { kind: unicode() },
  response: { text: unicode() },
  errors: { BASE_PROBLEM: BaseProblem },
  fatalErrors: { FATAL_PROBLEM: FatalProblem },
});

/** The last one. */
export const Bye = defineCommand({ name: "Bye", response: { text: unicode() }, quits: true });

/** Makes of the connection one that gives everything back in capitals. */
export const Switch = defineCommand({
  name: "Switch",
  arguments: { to: unicode() },
  errors: { BASE_PROBLEM: BaseProblem },
  switches: true,
});

/** The one of a name. */
export function commandNamed(name: string): CommandLike {
  const found = [Sum, Repeat, Divide, Types, Mapped, Notify, Fail, Bye, Switch].find(
    (command) => command.name === name,
  );
  if (!found) throw new Error(`There is no command ${name}`);
  return found;
}

/** What answers them as the vectors have it. */
export function vectorResponders(told: (text: string) => void = () => undefined): readonly Responders[] {
  return [
    [
      respond(Sum, ({ a, b }) => ({ total: BigInt(a) + BigInt(b) })),
      respond(Repeat, ({ text, times }) => ({ text: text.repeat(Number(times)) })),
      respond(Divide, ({ numerator, denominator }) => {
        if (Number(denominator) === 0) throw new ZeroDivision("division by zero");
        return { result: Number(numerator) / Number(denominator) };
      }),
      respond(Types, (values) => values),
      respond(Mapped, (args) => ({
        class: [args["dash-arg"], args.from, args.print ?? "-", args.mixedCase].join("|"),
      })),
      respond(Notify, ({ text }) => {
        told(text);
      }),
      respond(Fail, fail),
      respond(Bye, () => ({ text: "bye" })),
      respond(Switch, ({ to }) => {
        if (to !== "upper-echo") throw new BaseProblem(`no protocol ${to}`);
        return (socket) => {
          socket.on("data", (chunk: Buffer) => socket.write(chunk.toString("latin1").toUpperCase()));
        };
      }),
    ],
    boxMethods({
      amp_LOWLEVEL: (box: ReadonlyMap<string, Uint8Array>) => new Map([["echo", box.get("data") ?? new Uint8Array(0)]]),
    }),
  ];
}

function fail({ kind }: ReceivedArguments<typeof Fail>): { text: string } {
  switch (kind) {
    case "known":
      throw new BaseProblem("declared");
    case "derived":
      throw new DerivedProblem("child of a declared class");
    case "fatal":
      throw new FatalProblem("declared and fatal");
    case "badreturn":
      return { text: 5 as never };
    case "toolong":
      return { text: "x".repeat(70_000) };
    default:
      throw new RangeError("nobody declares this");
  }
}
