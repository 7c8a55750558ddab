import type { StepStatus } from "../../workflow/control.js";
import type { RunState } from "../../workflow/run.js";

/** State of a run or of a step. */
export type ShownState = RunState | StepStatus["state"];

/** Colours a text by a state, or dims it. */
export type Paint = (text: string, as: ShownState | "dim") => string;

/** Colours nothing. */
export const plain: Paint = (text) => text;

/** For terminals. */
export const coloured: Paint = (text, as) => {
  const code = CODES[as];
  return code === undefined || text === "" ? text : `\u001b[${code}m${text}\u001b[0m`;
};

/** A mark for the state of a step: told by its form, not by its colour alone. */
export const MARKS: Readonly<Record<StepStatus["state"], string>> = {
  pending: "○",
  running: "●",
  waiting: "◔",
  asking: "?",
  done: "✔",
  failed: "✖",
  undone: "↶",
  skipped: "–",
};

const CODES: Readonly<Partial<Record<ShownState | "dim", string>>> = {
  running: "34",
  waiting: "36",
  asking: "33",
  undoing: "35",
  done: "32",
  completed: "32",
  failed: "31",
  undone: "35",
  cancelled: "35",
  pending: "2",
  skipped: "2",
  dim: "2",
};
