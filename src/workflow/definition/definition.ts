/**
 * What a workflow does, as data: JSON, YAML, or made in TypeScript (docs/workflow.md).
 *
 * Texts of {@link Mapping}s refer to values: `${input.order.id}` alone is that value, as it is and no copy. Between other text it is
 * written into it: texts as they are, numbers and booleans as JavaScript writes them, `null` as nothing, all else as JSON. `$${` stands for
 * `${`.
 *
 * A reference begins with one of
 *
 * - `input`, of the task;
 * - `result`, of the step before. At the beginning of a task it is the input, of a `map` the item, of a branch what it was before the
 *   branches, of `compensate` the `output`, of `finally` what the steps resulted in, or `null`;
 * - `steps.NAME`, of a step that is done: one of the same list, of the lists around it, or one that stands in such a step, but not in a
 *   `map`, a `compensate` or a `finally`. Steps of other branches are out of reach, those of a way that was not taken are missing;
 * - `item` and `index`, in a `map`;
 * - `output` and `given`, in `compensate`: the result and the input of the step that is undone;
 * - `error`, in `finally`: `null`, or `code`, `message`, `step`;
 * - `run.id`, `run.task`, `run.startedAt` (milliseconds since 1970).
 *
 * Members go on with `.name`, `["any name"]`, `['any name']` and `[0]`. They are own members of objects and lists, `length` of lists and
 * texts, and what a `Map` has under the name. What is missing fails the step with `BAD_REQUEST`. With `?` at the end it is `null`, in a
 * text nothing, and as a member of an object no member at all.
 */
export interface WorkflowDefinition {
  /** Tasks by name; each is a method that callers may call. */
  readonly tasks: Readonly<Record<string, TaskDefinition>>;
  /** What is begun by the clock, by name. */
  readonly schedules?: Readonly<Record<string, ScheduleDefinition>> | undefined;
  /** For all calls and code that say nothing else. */
  readonly defaults?: StepDefaults | undefined;
}

/** The steps of a task, one after the other, or these and more. */
export type TaskDefinition = readonly StepDefinition[] | TaskOptions;

/** A task with more than steps. */
export interface TaskOptions {
  /** What it does, for introspection. */
  readonly doc?: string | undefined;
  /** Names of what callers give, for introspection; callers that give it in order have it put under these names. */
  readonly params?: readonly string[] | undefined;
  /** Those of `params` that may be left out; they stand at the end of them. */
  readonly optional?: readonly string[] | undefined;
  /** What it does. */
  readonly steps: readonly StepDefinition[];
  /** What is done at the end in any case, also after a failure, its compensation, and after it was cancelled. */
  readonly finally?: readonly StepDefinition[] | undefined;
  /** What it results in; default: what its last step did. */
  readonly result?: Mapping | undefined;
  /** A run that takes longer fails with `TIMEOUT`, in milliseconds; default none. */
  readonly timeoutMs?: number | undefined;
  /** For all its calls and code that say nothing else; default: those of the definition. */
  readonly defaults?: StepDefaults | undefined;
}

/** Any JSON, with references in texts. */
export type Mapping = string | number | boolean | null | readonly Mapping[] | { readonly [name: string]: Mapping };

/**
 * Something that is true or false: references alone in a text, whose value counts as true in JavaScript, or a comparison.
 *
 * - `equals`: two values with the same in them, numbers by their value;
 * - `less`, `greater`: two numbers, two texts (by the codes of their characters) or two dates;
 * - `in`: a value among those of a list, a text in a text, a name in an object;
 * - `exists`: a reference that leads to something that is not `null`;
 * - `not`, `all`, `any`: of others; `all` and `any` look at no more than they need.
 *
 * What cannot be compared fails the step with `BAD_REQUEST`.
 */
export type Condition =
  | string
  | number
  | boolean
  | null
  | EqualsCondition
  | LessCondition
  | GreaterCondition
  | InCondition
  | ExistsCondition
  | NotCondition
  | AllCondition
  | AnyCondition;

/** Do two values have the same in them? */
export interface EqualsCondition {
  /** The values. */
  readonly equals: readonly [Mapping, Mapping];
}

/** Is the first value less than the second? */
export interface LessCondition {
  /** The values. */
  readonly less: readonly [Mapping, Mapping];
}

/** Is the first value greater than the second? */
export interface GreaterCondition {
  /** The values. */
  readonly greater: readonly [Mapping, Mapping];
}

/** Is the first value in the second? */
export interface InCondition {
  /** The values. */
  readonly in: readonly [Mapping, Mapping];
}

/** Is there something? */
export interface ExistsCondition {
  /** A reference, with or without `${` and `}` around it. */
  readonly exists: string;
}

/** Does another condition not hold? */
export interface NotCondition {
  /** The other. */
  readonly not: Condition;
}

/** Do all hold? */
export interface AllCondition {
  /** They, at least one. */
  readonly all: readonly Condition[];
}

/** Does one of them hold? */
export interface AnyCondition {
  /** They, at least one. */
  readonly any: readonly Condition[];
}

/** What calls and code have that say nothing else. Other kinds of steps have what they say themselves. */
export interface StepDefaults {
  /** See {@link StepCommon.timeoutMs}. */
  readonly timeoutMs?: number | undefined;
  /** See {@link StepCommon.retry}. */
  readonly retry?: RetryDefinition | undefined;
}

/** What every step may have. */
export interface StepCommon extends StepDefaults {
  /** Unique in its task: letters, digits, `_` and `-`, not digits alone. Others refer to its result by it; default: its place. */
  readonly name?: string | undefined;
  /** What it is for, for people. */
  readonly doc?: string | undefined;
  /**
   * How long one try may take, in milliseconds; default 30,000 for calls and code, none for others. Of `wait`: how long to wait for an event,
   * what is published or an approval.
   */
  readonly timeoutMs?: number | undefined;
  /** Whether and when it is tried again after it failed; default: not at all. */
  readonly retry?: RetryDefinition | undefined;
  /** What undoes it when a later step of the task fails or the run is cancelled. Not in `compensate` and `finally`. */
  readonly compensate?: StepDefinition | undefined;
}

/** When a step that has failed is tried again. */
export interface RetryDefinition {
  /** All tries together. */
  readonly attempts: number;
  /** Pause before the second one, in milliseconds; default 1,000. Each is `factor` times as long as the one before, and a random part of it. */
  readonly delayMs?: number | undefined;
  /** Default 2. */
  readonly factor?: number | undefined;
  /** Longest pause, in milliseconds; default 60,000. */
  readonly maxDelayMs?: number | undefined;
  /** Codes of the errors after which it is; default all but `BAD_REQUEST`, `METHOD_NOT_FOUND`, `ACCESS_DENIED` and `CONFIGURATION`. */
  readonly on?: readonly string[] | undefined;
}

/** One step. Which kind it is tells the one of its members that only that kind has. */
export type StepDefinition =
  | CallDefinition
  | CodeDefinition
  | TaskCallDefinition
  | ValueDefinition
  | SequenceDefinition
  | ParallelDefinition
  | MapDefinition
  | WhenDefinition
  | SwitchDefinition
  | WaitDefinition;

/** What a step that calls something gives it. */
export interface StepInput {
  /** One value: a plain object is by name where the method is declared; default: what the step before resulted in. `null` is nothing. */
  readonly input?: Mapping | undefined;
}

/** Calls a method of a service. */
export interface CallDefinition extends StepCommon, StepInput {
  /** Dotted name. */
  readonly interface: string;
  /** Only this service; default any that provides the interface. */
  readonly service?: string | undefined;
  /** Only services that have all of these. */
  readonly tags?: readonly string[] | undefined;
  /** Default: the name of the task. */
  readonly method?: string | undefined;
  /** Several values in order, instead of `input`. */
  readonly args?: readonly Mapping[] | undefined;
  /** May it be executed twice without harm? Default: what the service says of it. */
  readonly idempotent?: boolean | undefined;
}

/** Runs a function that was handed to the workflow service under this name. Its result is written down, and it never runs again then. */
export interface CodeDefinition extends StepCommon, StepInput {
  /** Name of the function. */
  readonly code: string;
  /** May it run twice when the process is killed in the middle of it? Default false: the run asks. */
  readonly idempotent?: boolean | undefined;
}

/** Another task, as a part of this run. */
export interface TaskCallDefinition extends StepCommon, StepInput {
  /** Its name. */
  readonly task: string;
}

/** Results in a value; calls nobody. */
export interface ValueDefinition extends StepCommon {
  /** The value. */
  readonly value: Mapping;
}

/** Steps one after the other, as one. */
export interface SequenceDefinition extends StepCommon {
  /** The steps. */
  readonly steps: readonly StepDefinition[];
  /** What is done afterwards in any case. */
  readonly finally?: readonly StepDefinition[] | undefined;
}

/** Branches side by side. Results in an object, or an array, of their results; the first that fails stops the others. */
export interface ParallelDefinition extends StepCommon {
  /** Each branch is a step or several. */
  readonly parallel: readonly Branch[] | Readonly<Record<string, Branch>>;
}

/** A step, or several, one after the other. */
export type Branch = StepDefinition | readonly StepDefinition[];

/** The same steps for each item of a list. Results in an array of their results, in its order. */
export interface MapDefinition extends StepCommon {
  /** Gives the list. */
  readonly map: Mapping;
  /** What is done with each; `item`, `index`, and at its beginning `result` is the item. */
  readonly steps: readonly StepDefinition[];
  /** So many at a time; default 10. */
  readonly concurrency?: number | undefined;
}

/** One way or the other. */
export interface WhenDefinition extends StepCommon {
  /** Which. */
  readonly when: Condition;
  /** If it is true. */
  readonly then: Branch;
  /** If not; default: nothing, which leaves the result as it is. */
  readonly else?: Branch | undefined;
}

/** One of several ways. */
export interface SwitchDefinition extends StepCommon {
  /** Gives the name of the way, as text. */
  readonly switch: Mapping;
  /** The ways by name. */
  readonly cases: Readonly<Record<string, Branch>>;
  /** If there is none of that name; default: the step fails. */
  readonly default?: Branch | undefined;
}

/** Waits. Survives that the workflow service is not there meanwhile. */
export interface WaitDefinition extends StepCommon {
  /** For what. */
  readonly wait: WaitFor;
  /** After `timeoutMs`: `fail` with `TIMEOUT` (default), or `continue` with `null`. */
  readonly onTimeout?: "fail" | "continue" | undefined;
}

/** What is waited for. */
export type WaitFor = TimeWait | MomentWait | EventWait | PublishedWait | ApprovalWait;

/** A time. */
export interface TimeWait {
  /** Gives milliseconds. */
  readonly forMs: Mapping;
}

/** A moment. */
export interface MomentWait {
  /** Gives a text as of ISO 8601, or milliseconds since 1970. */
  readonly until: Mapping;
}

/** An event that somebody delivers, to this run or under a key; results in what came with it. */
export interface EventWait {
  /** Its name. */
  readonly event: string;
  /** Gives the key. */
  readonly key?: Mapping | undefined;
}

/** The first value that a publisher publishes after the step has begun; results in it. */
export interface PublishedWait {
  /** The publisher's interface. */
  readonly published: string;
  /** Gives the topic; default: any. */
  readonly topic?: Mapping | undefined;
}

/** The answer of a person; results in what they answered. */
export interface ApprovalWait {
  /** Gives the question, as text. */
  readonly approval: Mapping;
  /** What can be answered; default: anything. */
  readonly choices?: readonly string[] | undefined;
}

/** What is begun by the clock. */
export interface ScheduleDefinition {
  /** The task. */
  readonly task: string;
  /** Five or six fields, as of cron; six begin with seconds. */
  readonly cron: string;
  /** As of the IANA; default `UTC`. */
  readonly timezone?: string | undefined;
  /** What it is given; default `null`. */
  readonly input?: unknown;
  /** What to do about times at which the workflow service was not there: `skip` them (default), or make up for the last one. */
  readonly missed?: "skip" | "last" | undefined;
}
