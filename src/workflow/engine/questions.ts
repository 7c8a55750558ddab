import type { AnsweredEvent, RunAnswer, RunInfo, RunQuestion } from "../run.js";
import { refuse, StepFailed } from "./failure.js";
import { type Frame, type RunContext, waitFor } from "./frame.js";
import type { StepMemory } from "./run-memory.js";

/**
 * Asks a person, unless they were asked before, and waits for the answer.
 *
 * @param question - absent: the one that stands in the history
 * @throws StepFailed with the reason when the run stops meanwhile; Suspended
 */
export async function ask(
  context: RunContext,
  frame: Frame,
  memory: StepMemory,
  question: Omit<RunQuestion, "since">,
): Promise<AnsweredEvent> {
  if (!memory.question) {
    context.record({ kind: "asked", question: { ...question, since: context.parts.clock.now() } });
  }
  if (memory.answer) return memory.answer;
  const over = context.busy(question.kind === "unknown" ? "asking" : "waiting");
  try {
    return await waitFor<AnsweredEvent>(frame, (settle) =>
      context.answered(question.step, () => {
        if (memory.answer) settle(memory.answer);
      }),
    );
  } finally {
    over();
  }
}

/**
 * The question of a run that somebody answers.
 *
 * @throws BadRequestError when there is none, or it is no answer to it
 */
export function questionFor({ id, state, questions }: RunInfo, { step, answer }: RunAnswer): RunQuestion {
  const question =
    step === undefined && questions.length === 1 ? questions[0] : questions.find((one) => one.step === step);
  if (!question) {
    const steps = questions.map((one) => one.step).join(", ");
    if (questions.length === 0) throw refuse(`Run ${id} asks nothing: it is ${state}`);
    if (step === undefined) throw refuse(`Run ${id} asks at several steps; name one: ${steps}`);
    throw refuse(`Run ${id} asks nothing at step ${step}, but at ${steps}`);
  }
  const { choices } = question;
  if (choices.length === 0 || choices.includes(answer as string)) return question;
  throw refuse(`${JSON.stringify(answer)} is no answer to the question of run ${id}: ${choices.join(", ")}`);
}

/**
 * Asks what became of a try that may have been executed, and must not be executed twice.
 *
 * @param what - what is known, for people
 * @returns the result that the step is said to have; `undefined`: it is to be tried again
 * @throws StepFailed when it is to fail; as {@link ask}
 */
export async function askWhatBecame(
  context: RunContext,
  frame: Frame,
  memory: StepMemory,
  path: string,
  what: string,
): Promise<{ readonly result: unknown } | undefined> {
  const { answer, result } = await ask(context, frame, memory, {
    step: path,
    kind: "unknown",
    text: `${what}. Look whether it was executed: "repeat" does it again, "done" goes on with the result that you give, "fail" lets the step fail`,
    choices: ["repeat", "done", "fail"],
  });
  if (answer === "repeat") return undefined;
  if (answer === "done") {
    const given = result ?? null;
    context.record({ kind: "done", step: path, result: given });
    return { result: given };
  }
  throw new StepFailed({ code: "UNAVAILABLE", message: what, outcome: "unknown", step: path }, { mayRetry: false });
}
