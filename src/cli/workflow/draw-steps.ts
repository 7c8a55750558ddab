import type { StepStatus } from "../../workflow/control.js";
import { elapsedText, plainText } from "../figures.js";
import { MARKS, type Paint } from "./paint.js";

/**
 * Draws the chain of a run as a tree, a line for each step: its mark, its name and what it does, its state and time, and below why it
 * failed. A branch of one step is one line with it. Of many items the first that are not merely done are drawn, and the rest is counted.
 *
 * @param now - up to when what is not over has lasted, in milliseconds since 1970
 */
export function drawSteps(steps: readonly StepStatus[], now: number, paint: Paint): string[] {
  const rows: Row[] = [];
  for (const step of steps) addStep(rows, step, "", "", now);
  const width = Math.min(
    MAX_WIDTH,
    rows.reduce((most, { left, aside }) => (aside === "" ? most : Math.max(most, left.length)), 0),
  );
  return rows.map(({ state, left, aside }) => {
    if (aside === "") return paint(left, state);
    const mark = left.indexOf(MARKS[state]);
    const text = `${left.slice(0, mark)}${paint(MARKS[state], state)}${left.slice(mark + MARKS[state].length)}`;
    return `${text}${" ".repeat(Math.max(0, width - left.length))}  ${paint(aside, state)}`;
  });
}

/** `3 done, 1 failed`: how many there are in each state. */
export function countText(steps: readonly StepStatus[]): string {
  const counts = new Map<StepStatus["state"], number>();
  for (const { state } of steps) counts.set(state, (counts.get(state) ?? 0) + 1);
  return COUNTED.flatMap((state) => {
    const count = counts.get(state);
    return count === undefined ? [] : [`${count} ${state}`];
  }).join(", ");
}

/** A line before it is coloured; without `aside` it is one more of the step above. */
interface Row {
  readonly state: StepStatus["state"];
  readonly left: string;
  readonly aside: string;
}

function addStep(rows: Row[], given: StepStatus, before: string, below: string, now: number): void {
  const { step, name } = merged(given);
  const { state, error, kind } = step;
  const label = kind === "steps" && name !== "" ? "" : cut(plainText(step.label));
  const what = name === "" || label === "" || label === name ? name || label || kind : `${name}: ${label}`;
  rows.push({ state, left: `${before}${MARKS[state]} ${what}`, aside: asideOf(step, now) });
  const { shown, rest } = pick(step);
  const bar = shown.length > 0 || rest !== "" ? "│ " : "  ";
  if (error !== undefined && error !== "") {
    rows.push({ state, left: `${below}${bar}  ${cut(plainText(error), MAX_ERROR)}`, aside: "" });
  }
  for (const [index, child] of shown.entries()) {
    const isLast = index === shown.length - 1 && rest === "";
    addStep(rows, child, `${below}${isLast ? "└─ " : "├─ "}`, `${below}${isLast ? "   " : "│  "}`, now);
  }
  if (rest !== "") rows.push({ state: "skipped", left: `${below}└─ … ${rest}`, aside: "" });
}

/** A branch that is one step, and that step; its name is how others call it, places are nobody's names. */
function merged(given: StepStatus): { readonly step: StepStatus; readonly name: string } {
  const own = nameOf(given);
  const [only, ...others] = given.steps;
  const isBranch = given.kind === "steps" && only !== undefined && others.length === 0 && given.error === undefined;
  if (!isBranch || given.state !== only.state) return { step: given, name: own };
  const inner = merged(only);
  return { step: inner.step, name: [own, inner.name].filter((name) => name !== "").join("/") };
}

/** How it is called among its siblings. A branch is called what its label says; a step without a name of its own has none. */
function nameOf({ step, kind, label }: StepStatus): string {
  // What no user has named begins with a tilde.
  const last = (step.split("/").at(-1) ?? "").replace(/^~/, "");
  const key = kind === "steps" && label !== "" ? label : last;
  const isPlace = /^\d+$/.test(key);
  if (isPlace) return kind === "steps" ? `[${key}]` : "";
  return kind === "steps" && /^\d+$/.test(last) ? "" : cut(plainText(key));
}

function asideOf(step: StepStatus, now: number): string {
  const { state, startedAt, endedAt, attempts, kind, steps } = step;
  // Of what is not over some part may be.
  const lastedUntil = OVER.has(state) ? (endedAt ?? now) : now;
  const parts = [
    ...(state === "done" ? [] : [state]),
    ...(startedAt === undefined || state === "skipped" ? [] : [elapsedText(lastedUntil - startedAt)]),
    ...(attempts > 1 ? [`${attempts} tries`] : []),
    ...(kind === "map" && steps.length > 0 ? [`${steps.length} items: ${countText(steps)}`] : []),
  ];
  return parts.join(", ") || state;
}

/** Which of its parts are drawn, and what is said of the others. */
function pick({ steps, kind }: StepStatus): { readonly shown: readonly StepStatus[]; readonly rest: string } {
  if (steps.length <= MAX_PARTS) return { shown: steps, rest: "" };
  const notable = steps.filter(({ state }) => NOTABLE.has(state)).slice(0, MAX_PARTS);
  // Those of a map are counted beside it.
  if (notable.length === 0 && kind === "map") return { shown: notable, rest: "" };
  const shown = new Set(notable);
  const rest = steps.filter((step) => !shown.has(step));
  return { shown: notable, rest: `${rest.length} ${notable.length > 0 ? "more" : "of them"}: ${countText(rest)}` };
}

function cut(text: string, most = MAX_LABEL): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

const COUNTED: readonly StepStatus["state"][] = [
  "done",
  "running",
  "waiting",
  "asking",
  "failed",
  "undone",
  "pending",
  "skipped",
];
const OVER: ReadonlySet<StepStatus["state"]> = new Set(["done", "failed", "undone"]);
/** What is drawn of many: the rest goes well, or has not begun. */
const NOTABLE: ReadonlySet<StepStatus["state"]> = new Set(["running", "waiting", "asking", "failed"]);
/** More parts of one step than this are counted. */
const MAX_PARTS = 12;
const MAX_LABEL = 80;
const MAX_ERROR = 300;
/** Lines that are longer put their state right behind them. */
const MAX_WIDTH = 72;
