/** Compiled by `npm run typecheck`, never run. */
import type { Duplex } from "node:stream";
import type { MethodsOfCommands } from "../../src/compat/amp/calls.js";
import { AmpCommand, type Command, commandOf, defineCommand } from "../../src/compat/amp/command.js";
import { CommandLocator, respond } from "../../src/compat/amp/command-locator.js";
import type {
  CommandArguments,
  CommandErrors,
  CommandResponse,
  NoValues,
  ReceivedArguments,
  SentResponse,
} from "../../src/compat/amp/command-types.js";
import type { CallsOf } from "../../src/compat/amp/remote.js";
import { Responder } from "../../src/compat/amp/responder-marks.js";
import { locatorsOf } from "../../src/compat/amp/responders.js";
import type { Remote } from "../../src/peer/remote.js";
import {
  type AmpDateTime,
  type AmpDecimal,
  ampList,
  dateTime,
  decimal,
  float,
  integer,
  optional,
  unicode,
} from "../../src/wire/amp/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(_proof?: T): void {
  // Only the type parameter matters.
}

class ZeroDivisionError extends Error {
  readonly kind = "zero";
}
class BankruptError extends Error {
  readonly kind = "bankrupt";
  readonly more = 1;
}

// What caller and responder give and get.
const divide = defineCommand({
  name: "Divide",
  arguments: { numerator: integer({ as: "number" }), denominator: optional(integer({ as: "number" })) },
  response: { result: float(), note: optional(unicode()) },
  errors: { ZERO_DIVISION: ZeroDivisionError },
  fatalErrors: { BANKRUPT: BankruptError },
});
type Divide = typeof divide;
expectType<
  Equal<
    CommandArguments<Divide>,
    { readonly numerator: number | bigint; readonly denominator?: number | bigint | null | undefined }
  >
>();
expectType<Equal<ReceivedArguments<Divide>, { numerator: number; denominator: number | null }>>();
expectType<Equal<CommandResponse<Divide>, { result: number; note: string | null }>>();
expectType<Equal<SentResponse<Divide>, { readonly result: number; readonly note?: string | null | undefined }>>();
expectType<Equal<CommandErrors<Divide>, ZeroDivisionError | BankruptError>>();
commandOf(divide) satisfies Command;
divide satisfies Command;

// A command with nothing at all.
const ping = defineCommand({ name: "Ping" });
expectType<Equal<CommandArguments<typeof ping>, NoValues>>();
expectType<Equal<Exclude<SentResponse<typeof ping>, NoValues>, ReturnType<() => void>>>();
expectType<Equal<CommandErrors<typeof ping>, never>>();

// Without an answer; one that switches.
const notify = defineCommand({ name: "Notify", arguments: { text: unicode() }, requiresAnswer: false });
expectType<Equal<CommandResponse<typeof notify>, undefined>>();
const change = defineCommand({ name: "Switch", arguments: { to: unicode() }, switches: true });
expectType<Equal<SentResponse<typeof change>, (socket: Duplex) => void>>();

// What a command has from another.
const precise = defineCommand({ name: "Precise", extends: divide, errors: { MORE: RangeError } });
expectType<Equal<CommandErrors<typeof precise>, RangeError | ZeroDivisionError | BankruptError>>();
expectType<Equal<CommandArguments<typeof precise>, CommandArguments<Divide>>>();
expectType<Equal<CommandResponse<typeof precise>, CommandResponse<Divide>>>();
const quiet = defineCommand({ name: "Quiet", extends: notify, arguments: { a: float() } });
expectType<Equal<CommandResponse<typeof quiet>, undefined>>();
expectType<Equal<ReceivedArguments<typeof quiet>, { a: number }>>();

// Classes.
class Sum extends AmpCommand {
  static override arguments = { a: integer({ as: "number" }), b: integer({ as: "bigint" }) };
  static override response = { total: integer({ as: "number" }) };
  static override errors = { ZERO_DIVISION: ZeroDivisionError };
}
expectType<Equal<ReceivedArguments<typeof Sum>, { a: number; b: bigint }>>();
expectType<Equal<CommandResponse<typeof Sum>, { total: number }>>();
expectType<Equal<CommandErrors<typeof Sum>, ZeroDivisionError>>();
class SumToo extends Sum {
  static override errors = { ...Sum.errors, MORE: RangeError };
}
expectType<Equal<CommandErrors<typeof SumToo>, ZeroDivisionError | RangeError>>();
class Tell extends AmpCommand {
  static override arguments = { text: unicode() };
  static override readonly requiresAnswer = false;
}
expectType<Equal<CommandResponse<typeof Tell>, undefined>>();
expectType<Equal<CommandErrors<typeof Tell>, never>>();
class Become extends AmpCommand {
  static override readonly switches = true;
}
expectType<Equal<CommandArguments<typeof Become>, NoValues>>();
expectType<Equal<SentResponse<typeof Become>, (socket: Duplex) => void>>();
class Empty extends AmpCommand {}
expectType<Equal<CommandArguments<typeof Empty>, NoValues>>();
const extending = defineCommand({ name: "Extending", extends: Sum, requiresAnswer: true });
expectType<Equal<CommandResponse<typeof extending>, { total: number }>>();

// Commands as methods.
declare const calls: CallsOf<{ sum: typeof Sum; ping: typeof ping; notify: typeof notify; change: typeof change }>;
expectType<Equal<keyof typeof calls, "sum" | "ping" | "notify">>();
void calls.ping().then((pong) => {
  // @ts-expect-error -- there is nothing in it
  void pong.anything;
});
void calls.ping({}, { timeoutMs: 1 });
expectType<Equal<ReturnType<typeof calls.sum>, Promise<{ total: number }>>>();
void calls.sum({ a: 1, b: 2n });
expectType<Equal<ReturnType<typeof calls.notify>, Promise<undefined>>>();
// @ts-expect-error -- arguments are missing
void calls.sum();
// @ts-expect-error -- one is missing
void calls.sum({ a: 1 });
// @ts-expect-error -- it is none of its arguments
void calls.sum({ a: 1, b: 2, c: 3 });
// @ts-expect-error -- it has none
void calls.ping({ a: 1 });

// @ts-expect-error -- types are called
defineCommand({ name: "A", arguments: { a: unicode } });
// @ts-expect-error -- misspelt
defineCommand({ name: "A", argument: {} });
class WithNumber extends Error {
  constructor(left: number) {
    super(`${left} left`);
  }
}
// @ts-expect-error -- it cannot be made of a description
defineCommand({ name: "A", errors: { LEFT: WithNumber } });
// @ts-expect-error -- no class of errors
defineCommand({ name: "A", errors: { LEFT: Date } });
// @ts-expect-error -- types are called
export class Wrong extends AmpCommand {
  static override arguments = { a: unicode };
}

// Responders.
respond(divide, ({ numerator, denominator }) => ({ result: numerator / (denominator ?? 1) }));
respond(Sum, async ({ a, b }, { peer }) => ({ total: a + Number(b) + (await peer.callRemote(Sum, { a, b })).total }));
respond(ping, () => {
  // Nothing to say.
});
respond(ping, async () => {
  await Promise.resolve();
});
respond(notify, ({ text }) => {
  text satisfies string;
});
respond(change, () => (socket) => socket.end());
// @ts-expect-error -- a value is missing
respond(Sum, () => ({}));
// @ts-expect-error -- it is no text
respond(Sum, () => ({ total: "1" }));
// @ts-expect-error -- it switches, so that something takes over
respond(change, () => ({}));
// @ts-expect-error -- there is no such argument
respond(Sum, (args: { c: number }) => ({ total: args.c }));

class Answers {
  @Responder(Sum) sum({ a, b }: ReceivedArguments<typeof Sum>): SentResponse<typeof Sum> {
    return { total: a + Number(b) };
  }
  @Responder(ping) async ping(): Promise<void> {
    await Promise.resolve();
  }
  // @ts-expect-error -- it gives a text
  @Responder(Sum) wrong(): SentResponse<typeof notify> | string {
    return "";
  }
}
locatorsOf(Answers);
locatorsOf([respond(ping, () => ({})), new Answers(), [Answers]]);
new CommandLocator([respond(ping, () => ({}))]).respond(Sum, () => ({ total: 1 }));

// The commands of a table as a service: one object, a promise; those that switch are no methods.
const when = defineCommand({
  name: "When",
  response: { at: dateTime(), price: optional(decimal()), rows: ampList({ at: dateTime() }) },
});
type Service = MethodsOfCommands<{
  sum: typeof Sum;
  divide: Divide;
  ping: typeof ping;
  notify: typeof notify;
  change: typeof change;
  when: typeof when;
}>;
declare const service: Remote<Service>;
expectType<Equal<Exclude<keyof Service, "sum" | "divide" | "ping" | "notify" | "when">, never>>();
void (service.divide({ numerator: 1n }) satisfies Promise<{ result: number; note: string | null }>);
void (service.ping() satisfies Promise<object>);
void (service.notify({ text: "" }) satisfies Promise<undefined>);
// Times and decimal numbers arrive as what they are.
expectType<
  Equal<
    Awaited<ReturnType<typeof service.when>>,
    { at: AmpDateTime; price: AmpDecimal | null; rows: { at: AmpDateTime }[] }
  >
>();
// @ts-expect-error -- an argument is missing
void service.divide({});
// @ts-expect-error -- it has no such argument
void service.divide({ numerator: 1, nominator: 2 });
// @ts-expect-error -- it switches the connection
void service.change;
