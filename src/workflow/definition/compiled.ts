import type { ScheduleDefinition, WorkflowDefinition } from "./definition.js";

/** What a mapping is evaluated against: the values that its references begin with. */
export interface Scope {
  /**
   * The value of a name: `input`, `result`, `item`, `index`, `run`, `output`, `given`, `error`.
   *
   * @returns `undefined` when there is none here
   */
  get(name: string): unknown;
  /**
   * The result of an earlier step: of one of the same list, of the lists around it, and of what stands in such steps, but not in a `map`, in a
   * `compensate` or in a `finally`. @returns `undefined` when it has none, for it was not needed
   */
  step(name: string): unknown;
}

/** A mapping that was read. @throws BadRequestError, `not-sent`, with the reference that leads nowhere */
export type Template = (scope: Scope) => unknown;

/** A condition that was read. @throws BadRequestError as a {@link Template} */
export type Test = (scope: Scope) => boolean;

/** What every step has, with all defaults. */
export interface CompiledCommon {
  /** Its name, or its place among its siblings: a segment of its path. That of what undoes a step is `compensate`. */
  readonly key: string;
  /** Under which others refer to it. */
  readonly name: string | undefined;
  /** For people. */
  readonly doc: string | undefined;
  /** In milliseconds; `undefined`: no limit. */
  readonly timeoutMs: number | undefined;
  /** `undefined`: one try. */
  readonly retry: CompiledRetry | undefined;
  /** What undoes it. */
  readonly compensate: CompiledStep | undefined;
}

/** When a step is tried again, with all defaults. Times are in milliseconds. */
export interface CompiledRetry {
  /** All tries together. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** `undefined`: the default codes. */
  readonly on: readonly string[] | undefined;
}

/** A step that was read. */
export type CompiledStep =
  | CompiledCall
  | CompiledCode
  | CompiledTaskCall
  | CompiledValue
  | CompiledSequence
  | CompiledParallel
  | CompiledMap
  | CompiledWhen
  | CompiledSwitch
  | CompiledWait;

/** Calls a method of a service. */
export interface CompiledCall extends CompiledCommon {
  readonly kind: "call";
  readonly interface: string;
  readonly service: string | undefined;
  readonly tags: readonly string[] | undefined;
  readonly method: string;
  /** Gives the values in order; `undefined`: the one value that `input` gives. */
  readonly args: readonly Template[] | undefined;
  /** `undefined`: what the step before resulted in. */
  readonly input: Template | undefined;
  readonly idempotent: boolean | undefined;
}

/** Runs a function. */
export interface CompiledCode extends CompiledCommon {
  readonly kind: "code";
  readonly code: string;
  readonly input: Template | undefined;
  readonly idempotent: boolean;
}

/** Another task. */
export interface CompiledTaskCall extends CompiledCommon {
  readonly kind: "task";
  readonly task: string;
  readonly input: Template | undefined;
}

/** A value. */
export interface CompiledValue extends CompiledCommon {
  readonly kind: "value";
  readonly value: Template;
}

/** Steps one after the other. */
export interface CompiledSequence extends CompiledCommon {
  readonly kind: "steps";
  readonly steps: readonly CompiledStep[];
  readonly finally: readonly CompiledStep[];
}

/** Branches side by side. */
export interface CompiledParallel extends CompiledCommon {
  readonly kind: "parallel";
  /** By key; in an array their places. */
  readonly branches: ReadonlyMap<string, readonly CompiledStep[]>;
  /** Does it result in an array? */
  readonly isList: boolean;
}

/** The same for each of a list. */
export interface CompiledMap extends CompiledCommon {
  readonly kind: "map";
  readonly list: Template;
  readonly steps: readonly CompiledStep[];
  readonly concurrency: number;
}

/** One way or the other. */
export interface CompiledWhen extends CompiledCommon {
  readonly kind: "when";
  readonly when: Test;
  readonly then: readonly CompiledStep[];
  /** `undefined`: nothing. */
  readonly else: readonly CompiledStep[] | undefined;
}

/** One of several ways. */
export interface CompiledSwitch extends CompiledCommon {
  readonly kind: "switch";
  readonly on: Template;
  /** By name, which may be any text, also one with `/`. */
  readonly cases: ReadonlyMap<string, readonly CompiledStep[]>;
  readonly default: readonly CompiledStep[] | undefined;
}

/** Waits. */
export interface CompiledWait extends CompiledCommon {
  readonly kind: "wait";
  readonly for: CompiledWaitFor;
  readonly onTimeout: "fail" | "continue";
}

/** What is waited for. */
export type CompiledWaitFor =
  | { readonly kind: "time"; readonly forMs: Template }
  | { readonly kind: "moment"; readonly until: Template }
  | { readonly kind: "event"; readonly event: string; readonly key: Template | undefined }
  | { readonly kind: "published"; readonly interface: string; readonly topic: Template | undefined }
  | { readonly kind: "approval"; readonly text: Template; readonly choices: readonly string[] | undefined };

/** A task that was read. */
export interface CompiledTask {
  readonly name: string;
  readonly doc: string | undefined;
  /** `undefined`: callers give one value, as it is. */
  readonly params: readonly string[] | undefined;
  readonly optional: readonly string[];
  readonly steps: readonly CompiledStep[];
  readonly finally: readonly CompiledStep[];
  readonly result: Template | undefined;
  readonly timeoutMs: number | undefined;
}

/** A definition that was read and found to make sense. */
export interface CompiledWorkflow {
  /** As it was given. */
  readonly source: WorkflowDefinition;
  /** Tasks by name. */
  readonly tasks: ReadonlyMap<string, CompiledTask>;
  /** Schedules by name. */
  readonly schedules: ReadonlyMap<string, ScheduleDefinition>;
}
