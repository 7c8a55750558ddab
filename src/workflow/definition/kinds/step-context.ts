import type { CompiledCommon, CompiledStep, Template, Test } from "../compiled.js";
import type { Fields } from "../fields.js";
import type { Problems } from "../problems.js";
import type { Reach } from "../reach.js";
import type { ReadMapping } from "../template.js";

/** Steps that were read, and the names under which later ones may refer to them and to what stands in them. */
export interface ReadSteps {
  readonly steps: readonly CompiledStep[];
  readonly names: readonly string[];
}

/** A step of a kind that was read, and the names that later steps may refer to besides its own. */
export interface ReadStep<Step extends CompiledStep = CompiledStep> {
  readonly step: Step;
  readonly names: readonly string[];
}

/** A step that is being read. */
export interface StepPlace {
  readonly fields: Fields;
  /** What its mappings can refer to. */
  readonly reach: Reach;
  /** How many steps stand around it. */
  readonly depth: number;
  /** What steps of all kinds have. */
  readonly common: CompiledCommon;
}

/** What the kinds of steps need of the task that they stand in. */
export interface StepContext {
  readonly problems: Problems;
  /** Name of the task. */
  readonly task: string;
  /** Names of all tasks. */
  readonly tasks: ReadonlySet<string>;
  /** Names of the functions that were handed in; `undefined`: not known. */
  readonly code: ReadonlySet<string> | undefined;
  /** The task calls another one. */
  calls(task: string, path: string): void;
  /** Reads a mapping; what is absent is `undefined`. */
  mapping(fields: Fields, name: string, reach: Reach): ReadMapping | undefined;
  /** Reads the items of a list of mappings. */
  mappings(fields: Fields, name: string, reach: Reach): Template[] | undefined;
  /** Reads a condition. */
  condition(fields: Fields, name: string, reach: Reach): Test;
  /** Reads a list of steps, which may not be empty. */
  list(value: unknown, path: string, reach: Reach, depth: number): ReadSteps;
  /** Reads a step or a list of steps. */
  branch(value: unknown, path: string, reach: Reach, depth: number): ReadSteps;
}

/** A kind of steps. */
export interface StepKind {
  /** What it is called in messages: `a step that calls`. */
  readonly what: string;
  /** The members that it has besides those of all steps. */
  readonly members: readonly string[];
  /** How long a try may take that says nothing else, in milliseconds; absent: it is no try, and has no defaults. */
  readonly timeoutMs?: number;
  /** Reads one. */
  read(place: StepPlace, context: StepContext): ReadStep;
}
