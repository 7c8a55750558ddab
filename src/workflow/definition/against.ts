import { INTROSPECT, type MethodContract } from "../../peer/contract.js";
import { didYouMean } from "../../util/did-you-mean.js";
import type { CompiledCall, CompiledWorkflow } from "./compiled.js";
import { quote } from "./problems.js";
import { stepsOf } from "./walk.js";

/** Something in a definition that is probably wrong, seen from what is running. */
export interface DefinitionWarning {
  /** The task; `undefined`: nothing could be looked at. */
  readonly task: string | undefined;
  /** Path of the step, such as `pay/left/0`. */
  readonly step: string | undefined;
  /** For people: what is wrong, and what is known. */
  readonly message: string;
}

/** What is known of the methods of an interface; a contract fits. */
export interface KnownInterface {
  /** By name. */
  readonly methods: ReadonlyMap<string, Pick<MethodContract, "required" | "optional">>;
}

/**
 * Asks what an interface has.
 *
 * @param service - only this one; `undefined`: any
 * @param tags - only services that have all of these
 * @returns `unknown` if somebody provides it but does not tell, `undefined` if nobody does
 * @throws whatever there is to say when nobody can be asked at all: no nameserver can be reached
 */
export type InterfaceLookup = (
  interfaceName: string,
  service: string | undefined,
  tags: readonly string[] | undefined,
) => Promise<KnownInterface | "unknown" | undefined>;

/**
 * Holds a definition against what is running: interfaces that nobody provides, methods that they do not have, and more arguments than a method takes.
 * None of it is wrong for certain, since services come and go.
 *
 * @param interfaces - names of all that is provided, for suggestions
 */
export async function checkAgainst(
  workflow: CompiledWorkflow,
  lookup: InterfaceLookup,
  interfaces?: () => Promise<Iterable<string>>,
): Promise<DefinitionWarning[]> {
  const warnings: DefinitionWarning[] = [];
  const calls = callsOf(workflow);
  try {
    const known = await askAll(calls, lookup);
    const isMissing = [...known.values()].includes(undefined);
    const names = isMissing ? [...((await interfaces?.()) ?? [])] : [];
    for (const { task, path, step } of calls) {
      const found = known.get(keyOf(step));
      const wrong = found === undefined ? missing(step, names) : found === "unknown" ? undefined : unfit(step, found);
      if (wrong !== undefined) warnings.push({ task, step: path, message: `${task}, step ${path}: ${wrong}` });
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Nobody could be asked which interfaces and methods there are: ${reason}`;
    warnings.push({ task: undefined, step: undefined, message });
  }
  return warnings;
}

interface PlacedCall {
  readonly task: string;
  readonly path: string;
  readonly step: CompiledCall;
}

function callsOf({ tasks }: CompiledWorkflow): PlacedCall[] {
  const calls: PlacedCall[] = [];
  for (const task of tasks.values()) {
    for (const { step, path } of stepsOf(task)) {
      if (step.kind === "call") calls.push({ task: task.name, path, step });
    }
  }
  return calls;
}

/** Asks once for each interface, service and tags, a few at a time: some take long to answer. */
async function askAll(
  calls: readonly PlacedCall[],
  lookup: InterfaceLookup,
): Promise<Map<string, KnownInterface | "unknown" | undefined>> {
  const known = new Map<string, KnownInterface | "unknown" | undefined>();
  const questions = [...new Map(calls.map(({ step }) => [keyOf(step), step]))];
  for (let first = 0; first < questions.length; first += MAX_AT_ONCE) {
    const some = questions.slice(first, first + MAX_AT_ONCE);
    await Promise.all(
      some.map(async ([key, { interface: name, service, tags }]) => {
        known.set(key, await lookup(name, service, tags));
      }),
    );
  }
  return known;
}

const MAX_AT_ONCE = 16;

function keyOf({ interface: name, service, tags }: CompiledCall): string {
  return JSON.stringify([name, service, tags]);
}

function missing(step: CompiledCall, names: readonly string[]): string {
  const where = step.service === undefined ? "" : ` as ${step.service}`;
  const tags = step.tags === undefined || step.tags.length === 0 ? "" : ` with the tags ${step.tags.join(", ")}`;
  const others = names.filter((name) => name !== step.interface);
  return `nobody provides the interface ${step.interface}${where}${tags}${didYouMean(step.interface, others)}`;
}

function unfit({ interface: name, method, args }: CompiledCall, { methods }: KnownInterface): string | undefined {
  const contract = methods.get(method);
  if (!contract) {
    const known = [...methods.keys()].filter((one) => one !== INTROSPECT);
    const has =
      known.length === 0
        ? "it has none"
        : `it has ${known.slice(0, MAX_TOLD).join(", ")}${known.length > MAX_TOLD ? ", …" : ""}`;
    return `the interface ${name} has no method ${quote(method)}${didYouMean(method, known) || `; ${has}`}`;
  }
  const declared = [...contract.required, ...contract.optional];
  // A method that declares nothing may take anything.
  if (args === undefined || declared.length === 0 || args.length <= declared.length) return undefined;
  return `the method ${method} of ${name} takes ${declared.join(", ")}, and is given ${args.length} values`;
}

const MAX_TOLD = 10;
