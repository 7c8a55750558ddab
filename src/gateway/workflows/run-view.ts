import { toJson } from "../json-values.js";
import { listOf, membersOf, numberOf, textOf } from "../monitor/told-stats.js";

/** A question of a run, as the page shows it. */
export interface QuestionView {
  /** Path of the step. */
  readonly step: string;
  /** `approval` or `unknown`. */
  readonly kind: string;
  /** What is asked. */
  readonly text: string;
  /** What can be answered; empty: anything. */
  readonly choices: readonly string[];
  /** In milliseconds since 1970. */
  readonly since: number;
}

/** A run in a list, as the page shows it. Times are milliseconds since 1970. */
export interface RunView {
  readonly id: string;
  readonly task: string;
  readonly version: string;
  readonly state: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** What it failed with; `null`: it has not. */
  readonly error: FailureView | null;
  readonly questions: readonly QuestionView[];
  /** Why nothing goes on although it should. */
  readonly stalled: string | null;
}

/** Why a run failed, as the page shows it. */
export interface FailureView {
  readonly code: string;
  readonly message: string;
  readonly outcome: string;
  readonly step: string | null;
  /** What failed while what was done was undone. */
  readonly further: readonly string[];
}

/** A step of a run, as the page shows it. */
export interface StepView {
  /** Path. */
  readonly step: string;
  readonly kind: string;
  readonly label: string;
  readonly state: string;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly attempts: number;
  readonly error: string | null;
  /** What it consists of; of many those that are not merely done. */
  readonly steps: readonly StepView[];
  /** How many are left out, by state. */
  readonly omitted: Readonly<Record<string, number>>;
}

/** A run with its chain. */
export interface RunDetailsView extends RunView {
  readonly steps: readonly StepView[];
  /** JSON, cut where it is long. */
  readonly input: string;
  /** JSON, cut where it is long; `null` without a result. */
  readonly result: string | null;
}

/** Reads what a service tells of a run. Nothing of it is believed: what is of the wrong kind counts as absent, what is too much is left out. */
export function readRun(value: unknown): RunView {
  const told = membersOf(value);
  return {
    id: textOf(told.id),
    task: textOf(told.task),
    version: textOf(told.version),
    state: textOf(told.state),
    startedAt: numberOf(told.startedAt),
    endedAt: momentOf(told.endedAt),
    error: readFailure(told.error),
    questions: listOf(told.questions, MAX_QUESTIONS).map(readQuestion),
    stalled: optionalText(told.stalled),
  };
}

/** As {@link readRun}, with the chain. */
export function readDetails(value: unknown): RunDetailsView {
  const told = membersOf(value);
  return {
    ...readRun(value),
    steps: readSteps(told.steps, { left: MAX_STEPS }).shown,
    input: jsonOf(told.input),
    result: told.state === "completed" ? jsonOf(told.result) : null,
  };
}

/** How many runs there are in each state. */
export function readCounts(value: unknown): Readonly<Record<string, number>> {
  const counts = Object.entries(membersOf(value)).slice(0, MAX_STATES);
  return Object.fromEntries(counts.map(([state, count]) => [textOf(state), numberOf(count)]));
}

function readFailure(value: unknown): FailureView | null {
  if (value === undefined || value === null) return null;
  const { code, message, outcome, step, further } = membersOf(value);
  return {
    code: textOf(code),
    message: longTextOf(message),
    outcome: textOf(outcome),
    step: optionalText(step),
    further: listOf(further, MAX_QUESTIONS).map(longTextOf),
  };
}

function readQuestion(value: unknown): QuestionView {
  const { step, kind, text, choices, since } = membersOf(value);
  return {
    step: textOf(step),
    kind: textOf(kind),
    text: longTextOf(text),
    choices: listOf(choices, MAX_QUESTIONS).map(textOf),
    since: numberOf(since),
  };
}

/** Steps are counted over the whole tree, so that it ends however deep it is. */
function readSteps(
  value: unknown,
  budget: { left: number },
): { readonly shown: StepView[]; readonly omitted: Record<string, number> } {
  const all = listOf(value, Infinity);
  const states = all.map((one) => textOf(membersOf(one).state));
  const isMany = all.length > MAX_PARTS;
  let room = isMany ? MAX_PARTS : all.length;
  const shown: StepView[] = [];
  const omitted = new Map<string, number>();
  for (const [index, one] of all.entries()) {
    const state = states[index] ?? "";
    if (room <= 0 || budget.left <= 0 || (isMany && !NOTABLE.has(state))) {
      omitted.set(state, (omitted.get(state) ?? 0) + 1);
      continue;
    }
    room--;
    budget.left--;
    shown.push(readStep(one, state, budget));
  }
  return { shown, omitted: Object.fromEntries(omitted) };
}

function readStep(value: unknown, state: string, budget: { left: number }): StepView {
  const told = membersOf(value);
  const { shown, omitted } = readSteps(told.steps, budget);
  return {
    step: pathOf(told.step),
    kind: textOf(told.kind),
    label: textOf(told.label),
    state,
    startedAt: momentOf(told.startedAt),
    endedAt: momentOf(told.endedAt),
    attempts: numberOf(told.attempts),
    error: told.error === undefined || told.error === null ? null : longTextOf(told.error),
    steps: shown,
    omitted,
  };
}

function optionalText(value: unknown): string | null {
  return typeof value === "string" ? textOf(value) : null;
}

function pathOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_PATH_CHARS) : "";
}

function longTextOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT_CHARS) : "";
}

function momentOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function jsonOf(value: unknown): string {
  const text = toJson(value);
  if (text.length <= MAX_JSON_CHARS) return text;
  return `${text.slice(0, MAX_JSON_CHARS)}… (${text.length} characters)`;
}

/** Of many parts of a step those are shown that do not merely go well. */
const NOTABLE: ReadonlySet<string> = new Set(["running", "waiting", "asking", "failed"]);
const MAX_PARTS = 50;
const MAX_STEPS = 1_000;
const MAX_QUESTIONS = 100;
const MAX_STATES = 20;
const MAX_PATH_CHARS = 1_000;
const MAX_TEXT_CHARS = 2_000;
const MAX_JSON_CHARS = 20_000;
