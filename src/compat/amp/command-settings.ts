import { ConfigurationError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import { Code } from "../../wire/amp/format.js";
import { type AmpFields, MAX_VALUE_BYTES, requireFields } from "../../wire/amp/index.js";
import type { AmpErrorClass, Command } from "./command.js";

/** What a command is made of, complete and checked. */
export interface CommandSettings {
  /** The name that travels. */
  readonly name: string;
  /** Types of the arguments, by name. */
  readonly arguments: AmpFields;
  /** See {@link Command.response}. */
  readonly response: AmpFields;
  /** See {@link Command.errors}. */
  readonly errors: ReadonlyMap<string, AmpErrorClass>;
  /** See {@link Command.fatalErrors}. */
  readonly fatalErrors: ReadonlyMap<string, AmpErrorClass>;
  /** See {@link Command.requiresAnswer}. */
  readonly requiresAnswer: boolean;
  /** See {@link Command.idempotent}. */
  readonly idempotent: boolean;
  /** See {@link Command.quits}. */
  readonly quits: boolean;
  /** See {@link Command.switches}. */
  readonly switches: boolean;
}

/** What is said of a command; programs in plain JavaScript may say anything. */
export type SettingsOf = { readonly [K in keyof CommandSettings]?: unknown };

const OPTIONS = {
  name: true,
  extends: true,
  arguments: true,
  response: true,
  errors: true,
  fatalErrors: true,
  requiresAnswer: true,
  idempotent: true,
  quits: true,
  switches: true,
};

/**
 * Nothing for a definition with known options only.
 *
 * @throws ConfigurationError for a misspelt one, which would be ignored
 */
export function requireOptions(definition: object): void {
  const names = Object.keys(OPTIONS);
  const unknown = Object.keys(definition).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new ConfigurationError(
      `defineCommand() has no option ${JSON.stringify(unknown)}${didYouMean(unknown, names)} (options are ${names.join(", ")})`,
    );
  }
}

/**
 * Everything that a command is, from what is said of it and what it extends.
 *
 * @throws ConfigurationError for everything that cannot be so
 */
export function settingsOf(said: SettingsOf, parent: Command | undefined): CommandSettings {
  const name = nameOf(said.name);
  const where = `The command ${JSON.stringify(name)}`;
  const settings: CommandSettings = {
    name,
    arguments: fieldsOf(said.arguments ?? parent?.arguments ?? {}, `${where}, arguments`),
    response: fieldsOf(said.response ?? parent?.response ?? {}, `${where}, response`),
    ...errorsOf(said, parent, where),
    requiresAnswer: flagOf("requiresAnswer", said.requiresAnswer ?? parent?.requiresAnswer ?? true, where),
    idempotent: flagOf("idempotent", said.idempotent ?? parent?.idempotent ?? false, where),
    quits: flagOf("quits", said.quits ?? parent?.quits ?? false, where),
    switches: flagOf("switches", said.switches ?? parent?.switches ?? false, where),
  };
  requireSense(settings, where);
  return settings;
}

function nameOf(name: unknown): string {
  if (typeof name !== "string" || name === "") {
    throw new ConfigurationError("A command needs a name, which is a text: the one that its peers know it by");
  }
  requireOctets(name, "The name of a command");
  return name;
}

function fieldsOf(fields: unknown, where: string): AmpFields {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new ConfigurationError(`${where}: they are an object with types by name, such as { text: unicode() }`);
  }
  try {
    requireFields(fields as AmpFields);
  } catch (error) {
    throw new ConfigurationError(`${where}: ${(error as Error).message}`, { cause: error });
  }
  // A copy, as what was checked is to stay so.
  return Object.freeze({ ...(fields as AmpFields) });
}

function flagOf(option: string, value: unknown, where: string): boolean {
  if (typeof value !== "boolean") throw new ConfigurationError(`${where}: ${option} is true or false`);
  return value;
}

/** Options that exclude each other. */
function requireSense({ requiresAnswer, quits, switches, response }: CommandSettings, where: string): void {
  if (quits && switches) throw new ConfigurationError(`${where} either quits or switches the connection`);
  if ((quits || switches) && !requiresAnswer) {
    const what = quits ? "quits" : "switches the connection";
    throw new ConfigurationError(
      `${where} ${what}, which it does with its answer: it cannot do without (requiresAnswer)`,
    );
  }
  if (switches && Object.keys(response).length > 0) {
    throw new ConfigurationError(`${where} switches the connection: its answer has no values, so it has no response`);
  }
}

type Errors = Pick<CommandSettings, "errors" | "fatalErrors">;

/** Those of a parent, and over them its own: a code means one class, and a class has one code. */
function errorsOf(said: SettingsOf, parent: Command | undefined, where: string): Errors {
  const errors = tableOf(said.errors ?? {}, `${where}, errors`);
  const fatalErrors = tableOf(said.fatalErrors ?? {}, `${where}, fatalErrors`);
  const codes = new Map<AmpErrorClass, string>();
  for (const [code, Class] of [...errors, ...fatalErrors]) {
    const other = codes.get(Class);
    if (other === code || (errors.has(code) && fatalErrors.has(code))) {
      throw new ConfigurationError(
        `${where}: the code ${JSON.stringify(code)} is either one of errors or of fatalErrors`,
      );
    }
    if (other !== undefined) {
      throw new ConfigurationError(
        `${where}: ${Class.name} has the codes ${JSON.stringify(other)} and ${JSON.stringify(code)}, and only one could be sent: ` +
          "extend the class for the other",
      );
    }
    codes.set(Class, code);
  }
  const isFree = ([code, Class]: readonly [string, AmpErrorClass]): boolean =>
    !errors.has(code) && !fatalErrors.has(code) && !codes.has(Class);
  return {
    errors: new Map([...[...(parent?.errors ?? [])].filter(isFree), ...errors]),
    fatalErrors: new Map([...[...(parent?.fatalErrors ?? [])].filter(isFree), ...fatalErrors]),
  };
}

function tableOf(table: unknown, where: string): ReadonlyMap<string, AmpErrorClass> {
  if (typeof table !== "object" || table === null) {
    throw new ConfigurationError(
      `${where}: they are an object with classes by code, such as { NOT_FOUND: NotFoundError }`,
    );
  }
  const classes = new Map<string, AmpErrorClass>();
  for (const [code, Class] of Object.entries(table)) {
    if (code === "") throw new ConfigurationError(`${where}: a code is empty`);
    requireOctets(code, `${where}: the code ${JSON.stringify(code.slice(0, 100))}`);
    if (code === Code.unhandled) {
      throw new ConfigurationError(
        `${where}: ${code} is what callers get where there is no such command, and nothing else`,
      );
    }
    if (!isErrorClass(Class)) {
      throw new ConfigurationError(`${where}: what ${JSON.stringify(code)} stands for is no class of errors`);
    }
    classes.set(code, Class);
  }
  return classes;
}

function isErrorClass(value: unknown): value is AmpErrorClass {
  if (typeof value !== "function") return false;
  return value === Error || value.prototype instanceof Error;
}

function requireOctets(text: string, what: string): void {
  if (/[^\0-\xff]/.test(text)) {
    throw new ConfigurationError(`${what} has characters beyond U+00FF, which are no octets: ${text.slice(0, 100)}`);
  }
  if (text.length > MAX_VALUE_BYTES) {
    throw new ConfigurationError(`${what} has ${text.length} octets, the limit is ${MAX_VALUE_BYTES}`);
  }
}
