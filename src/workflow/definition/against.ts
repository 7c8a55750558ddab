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
  const asked = new Map<string, KnownInterface | "unknown" | undefined>();
  let names: readonly string[] | undefined;
  try {
    for (const task of workflow.tasks.values()) {
      const { name } = task;
      for (const { step, path } of stepsOf(task)) {
        if (step.kind !== "call") continue;
        const key = JSON.stringify([step.interface, step.service, step.tags]);
        if (!asked.has(key)) asked.set(key, await lookup(step.interface, step.service, step.tags));
        const known = asked.get(key);
        if (known === undefined) names ??= [...((await interfaces?.()) ?? [])];
        const message =
          known === undefined ? missing(step, names ?? []) : known === "unknown" ? undefined : unfit(step, known);
        if (message !== undefined)
          warnings.push({ task: name, step: path, message: `${name}, step ${path}: ${message}` });
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Nobody could be asked which interfaces and methods there are: ${reason}`;
    warnings.push({ task: undefined, step: undefined, message });
  }
  return warnings;
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
