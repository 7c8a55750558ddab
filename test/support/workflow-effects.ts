import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { HistoryEntry, HistoryEvent, RunInfo } from "../../src/workflow/run.js";

/** What a method of test/fixtures/killed-steps.js, or a function of test/fixtures/killed-workflow.js, has done. */
export interface Effect {
  readonly method: string;
  /** Name of the call; of functions there is none. */
  readonly call?: string;
  /** Which try of the step; only of functions. */
  readonly attempt?: number;
  readonly service?: string;
  readonly run: string;
  readonly step: string;
  /** It is answered with this. */
  readonly token: string;
}

/** What has been done that is not to be found in the journals of the services. */
export function readEffects(folder: string): Effect[] {
  const file = join(folder, "effects");
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const keyed = readdirSync(join(folder, "keyed")).map((name) => readFileSync(join(folder, "keyed", name), "utf8"));
  return [...lines, ...keyed].filter((line) => line !== "").map((line) => JSON.parse(line) as Effect);
}

/** May a step be executed twice, or ask? */
interface StepRules {
  /** Any number of effects from 1 on, instead of exactly one. */
  readonly mayRepeat?: boolean;
  readonly mayAsk?: boolean;
}

const PLAIN: StepRules = { mayAsk: true };

/** What a run has to look like when it has ended. */
interface TaskRules {
  /** The steps that have effects, by path. */
  readonly steps: ReadonlyMap<string, StepRules>;
  readonly wait?: string;
  /** The step that fails, and has no effect. */
  readonly failing?: string;
  /** @param at - gives the result of a step */
  result(at: (path: string) => unknown): unknown;
}

const UNDOABLE: readonly (readonly [string, StepRules])[] = [
  ["append", PLAIN],
  ["once", PLAIN],
  ["book", {}],
  ["keyed", {}],
];
const TASKS: ReadonlyMap<string, TaskRules> = new Map<string, TaskRules>([
  [
    "ten",
    {
      steps: new Map<string, StepRules>([
        ["append", PLAIN],
        ["look", { mayRepeat: true }],
        ["once", PLAIN],
        ["book", {}],
        ["keyed", {}],
        ["both/left/left", PLAIN],
        ["both/right/right", PLAIN],
        ["each/0/mark", PLAIN],
        ["each/1/mark", PLAIN],
        ["each/2/mark", PLAIN],
        ["tally", { mayRepeat: true }],
        ["stamp", PLAIN],
      ]),
      wait: "both/right/moment",
      result: (at) => ({
        ...Object.fromEntries(
          ["append", "look", "once", "book", "keyed", "tally", "stamp"].map((name) => [name, at(name)]),
        ),
        both: { left: at("both/left/left"), right: at("both/right/right") },
        each: [0, 1, 2].map((index) => at(`each/${index}/mark`)),
      }),
    },
  ],
  [
    "undone",
    {
      steps: new Map<string, StepRules>(
        UNDOABLE.flatMap(([path, rules]) => [path, `${path}/~undo`].map((one) => [one, rules] as const)),
      ),
      failing: "refuse",
      result: () => undefined,
    },
  ],
]);

type Started = Extract<HistoryEvent, { kind: "started" }>;

/** What the history of a run tells of one of its steps. */
interface StepLines {
  readonly started: Started[];
  readonly results: unknown[];
  readonly asked: number;
  readonly wrong: string[];
}

/**
 * Holds a run that has ended against what the services have written down.
 *
 * @param effects - those of this run
 * @returns what is wrong
 */
export function checkRun(info: RunInfo, history: readonly HistoryEntry[], effects: readonly Effect[]): string[] {
  const rules = TASKS.get(info.task);
  if (!rules) return [`is one of ${info.task}`];
  const { steps, failing, result } = rules;
  const wrong = checkOrder(history, rules);
  const state = failing === undefined ? "completed" : "failed";
  const error = info.error && `: ${info.error.step}: ${info.error.message} ${info.error.further?.join("; ") ?? ""}`;
  const isRight = info.state === state && info.error?.step === failing && !info.error?.further;
  if (!isRight) wrong.push(`is ${info.state}${error ?? ""}`);
  const results = new Map<string, unknown>();
  for (const [path, stepRules] of steps) {
    const lines = linesOf(path, history);
    const own = effects.filter(({ step }) => step === path);
    results.set(path, lines.results[0]);
    wrong.push(...checkStep(lines, own, stepRules).map((text) => `${path}: ${text}`));
  }
  for (const { step } of effects) if (!steps.has(step)) wrong.push(`an effect of ${step}, which there is not`);
  const expected = result((path) => results.get(path));
  if (!isDeepStrictEqual(info.result, expected)) wrong.push(`results in ${JSON.stringify(info.result)}`);
  return wrong;
}

/** Are the lines of a history whole? */
function checkOrder(history: readonly HistoryEntry[], { steps, wait, failing }: TaskRules): string[] {
  const wrong: string[] = [];
  const kinds = history.map(({ event }) => event.kind);
  if (kinds[0] !== "begun" || kinds.at(-1) !== "ended") wrong.push(`goes from ${kinds[0]} to ${kinds.at(-1)}`);
  for (const kind of ["begun", "ended"]) {
    if (kinds.filter((one) => one === kind).length !== 1) wrong.push(`${kind} several times`);
  }
  for (const [index, { number, event }] of history.entries()) {
    if (number !== index + 1) wrong.push(`line ${index + 1} has the number ${number}`);
    const path = "step" in event ? event.step : event.kind === "asked" ? event.question.step : undefined;
    if (path !== undefined && !steps.has(path) && path !== wait && path !== failing) {
      wrong.push(`${event.kind} at ${path}`);
    }
  }
  const at = (path: string): string[] =>
    history.filter(({ event }) => "step" in event && event.step === path).map(({ event }) => event.kind);
  if (wait !== undefined && at(wait).join() !== "waiting,done") wrong.push(`${wait}: ${at(wait).join()}`);
  if (failing !== undefined) {
    const isFailed = at(failing).at(-1) === "failed" && !at(failing).includes("done");
    if (!isFailed) wrong.push(`${failing}: ${at(failing).join()}`);
    if (kinds.filter((kind) => kind === "undoing").length !== 1) wrong.push("is not undone, or several times");
    wrong.push(...checkUndone(history));
  }
  return wrong;
}

/** The last that was done is undone first. */
function checkUndone(history: readonly HistoryEntry[]): string[] {
  const done = history.flatMap(({ event }) => (event.kind === "done" ? [event.step] : []));
  const undone = done.filter((step) => step.endsWith("/~undo")).map((step) => step.slice(0, -"/~undo".length));
  const right = done.filter((step) => !step.endsWith("/~undo")).reverse();
  return isDeepStrictEqual(undone, right) ? [] : [`${done.join()} is not undone in the opposite order`];
}

function linesOf(path: string, history: readonly HistoryEntry[]): StepLines {
  const started: Started[] = [];
  const results: unknown[] = [];
  const wrong: string[] = [];
  let asked = 0;
  let isAsking = false;
  for (const { event } of history) {
    if (event.kind === "asked" && event.question.step === path) {
      asked++;
      isAsking = true;
    }
    if (!("step" in event) || event.step !== path) continue;
    if (results.length > 0) wrong.push(`${event.kind} after it was done`);
    if (event.kind === "started") {
      if (isAsking) wrong.push("started while it was asked what became of it");
      started.push(event);
      if (event.attempt !== started.length) wrong.push(`try ${started.length} is called ${event.attempt}`);
    } else if (event.kind === "done") {
      if (started.length === 0) wrong.push("done, and never started");
      results.push(event.result);
    } else if (event.kind === "answered") {
      if (!isAsking) wrong.push("answered, and not asked");
      isAsking = false;
    } else wrong.push(`${event.kind} ${"error" in event ? event.error.message : ""}`);
  }
  return { started, results, asked, wrong };
}

function checkStep(
  { started, results, asked, wrong }: StepLines,
  effects: readonly Effect[],
  rules: StepRules,
): string[] {
  const found = [...wrong];
  if (results.length !== 1) found.push(`done ${results.length} times`);
  const isRight = rules.mayRepeat ? effects.length > 0 : effects.length === 1;
  if (!isRight) found.push(`has ${effects.length} effects`);
  if (asked > 0 && !rules.mayAsk) found.push(`was asked for ${asked} times`);
  for (const { call, attempt, token } of effects) {
    const isKnown = started.some((one) => (call === undefined ? one.attempt === attempt : one.call === call));
    if (!isKnown) found.push(`${token} belongs to ${call ?? attempt}, which was never started`);
  }
  if (results.length > 0 && !effects.some(({ token }) => token === results[0])) {
    found.push(`results in ${JSON.stringify(results[0])}, which is no effect`);
  }
  return found;
}
