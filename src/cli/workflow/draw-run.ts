import type { RunDetails } from "../../workflow/control.js";
import { ENDED_STATES, type RunFailure, type RunQuestion } from "../../workflow/run.js";
import { elapsedText, momentText, plainText } from "../figures.js";
import { jsonLine } from "../json.js";
import { drawSteps } from "./draw-steps.js";
import type { Paint } from "./paint.js";

/** How a run is drawn. */
export interface DrawOptions {
  /** Its workflow service, for the commands that are proposed. */
  readonly service: string;
  /** Up to when what is not over has lasted, in milliseconds since 1970. */
  readonly now: number;
  readonly paint: Paint;
}

/** Draws a run: who it is and how it is doing, its chain, and what came of it or what it wants to know. */
export function drawRun(run: RunDetails, { service, now, paint }: DrawOptions): string[] {
  const { state, startedAt, endedAt } = run;
  const time = endedAt === null ? `for ${elapsedText(now - startedAt)}` : `took ${elapsedText(endedAt - startedAt)}`;
  return [
    `${plainText(run.id)}  ${plainText(run.task)}  ${paint(state, state)}  began ${momentText(startedAt)}, ${time}`,
    "",
    ...drawSteps(run.steps, endedAt ?? now, paint),
    ...spaced([
      ...(run.stalled === undefined ? [] : [paint(`stalled: ${plainText(run.stalled)}`, "failed")]),
      ...(run.error === undefined
        ? []
        : failureLines(run.error, state === "cancelled" ? "cancelled" : "failed", paint)),
      ...(state === "completed" ? [`result: ${resultText(run.result)}`] : []),
      ...run.questions.slice(0, MAX_QUESTIONS).flatMap((question) => questionLines(question, run, service, now, paint)),
      ...(run.questions.length > MAX_QUESTIONS ? [`… ${run.questions.length - MAX_QUESTIONS} more questions`] : []),
    ]),
  ];
}

/** Has it ended? */
export function hasEnded({ state }: Pick<RunDetails, "state">): boolean {
  return ENDED_STATES.includes(state);
}

/** What a question is, and how it is answered. */
export function questionLines(
  { step, kind, text, choices, since }: RunQuestion,
  run: Pick<RunDetails, "id" | "questions">,
  service: string,
  now: number,
  paint: Paint,
): string[] {
  const which = run.questions.length > 1 ? ` --step ${word(step)}` : "";
  const answers =
    kind === "unknown"
      ? UNKNOWN_ANSWERS
      : (choices.length === 0 ? ["ANSWER"] : choices.map(word)).map((answer) => [answer, ""] as const);
  const command = `lamplighter workflow resume ${word(service)} ${word(run.id)}`;
  return [
    paint(`? ${plainText(step)}: ${plainText(text)}`, "asking") + paint(`  (for ${elapsedText(now - since)})`, "dim"),
    ...answers.map(
      ([answer, meaning]) => `    ${command} ${answer}${which}${meaning === "" ? "" : paint(`  # ${meaning}`, "dim")}`,
    ),
  ];
}

function failureLines(error: RunFailure, what: string, paint: Paint): string[] {
  const { step, message, code, number, outcome, further = [] } = error;
  const at = step === undefined ? "" : ` at ${plainText(step)}`;
  const kind = `${plainText(code)}${number === undefined ? "" : ` ${number}`}, ${outcome}`;
  return [
    `${paint(`${what}${at}:`, "failed")} ${plainText(message)} (${kind})`,
    ...further.map((line) => `    then ${plainText(line)}`),
  ];
}

function resultText(result: unknown): string {
  const { text } = jsonLine(result);
  return plainText(text.length <= MAX_RESULT ? text : `${text.slice(0, MAX_RESULT)}… (--json shows all of it)`);
}

function spaced(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", ...lines];
}

/** As a shell takes it. */
function word(text: string): string {
  const safe = plainText(text);
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`;
}

/** What may be done about a call of which nobody knows whether it was executed. */
const UNKNOWN_ANSWERS: readonly (readonly [string, string])[] = [
  ["repeat", "call again: it may be executed twice"],
  ["done --result JSON", "it was executed, with this result"],
  ["fail", "the step fails"],
];
const MAX_QUESTIONS = 10;
const MAX_RESULT = 1_000;
