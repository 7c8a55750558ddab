import { element } from "./dom.js";
import { elapsed } from "./format.js";

/** The chain of a run as boxes: one after the other from left to right, branches below each other. Read aloud, it is a list of lists. */

const MARKS = {
  pending: "○",
  running: "●",
  waiting: "◔",
  asking: "?",
  done: "✔",
  failed: "✖",
  undone: "↶",
  skipped: "–",
};

const SEQUENCES = ["steps", "task"];
const OVER = ["done", "failed", "undone"];

/** Draws steps that come one after the other. */
export function chain(steps, now) {
  return element("ol", { class: "chain" }, ...steps.map((step) => element("li", {}, drawn(step, now))));
}

function drawn(step, now) {
  const parts = step.steps.length > 0 || Object.keys(step.omitted).length > 0;
  const own = box(step, now);
  if (!parts) return own;
  // What a sequence consists of goes on to the right, what stands side by side goes below each other.
  const inner = SEQUENCES.includes(step.kind) ? chain(step.steps, now) : branches(step, now);
  return element("div", { class: "group", "data-state": step.state }, own, inner, ...rest(step));
}

function branches(step, now) {
  return element(
    "ul",
    { class: "branches" },
    ...step.steps.map((branch) => {
      const isPlain = branch.kind !== "steps";
      return element(
        "li",
        { "data-state": branch.state },
        ...(isPlain
          ? [drawn(branch, now)]
          : [label(branch), chain(branch.steps, now), ...failure(branch), ...rest(branch)]),
      );
    }),
  );
}

function label(branch) {
  const key = branch.label || branch.step.split("/").at(-1);
  return element(
    "span",
    { class: "branch state", "data-state": branch.state },
    /^\d+$/.test(key) ? `[${key}]` : key,
    element("span", { class: "unseen" }, `, ${branch.state}`),
  );
}

function box(step, now) {
  const { state, attempts, kind } = step;
  // What no user has named begins with a tilde; a group is called what its label says.
  const key = kind === "steps" && step.label !== "" ? step.label : step.step.split("/").at(-1).replace(/^~/, "");
  const isNamed = !/^\d+$/.test(key);
  // Of what is not over some part may be.
  const until = OVER.includes(state) ? (step.endedAt ?? now) : now;
  const time = step.startedAt === null || state === "skipped" ? "" : elapsed(until - step.startedAt);
  const facts = [state, time, attempts > 1 ? `${attempts} tries` : ""].filter((fact) => fact !== "").join(", ");
  return element(
    "div",
    { class: "step", "data-state": state, "data-step": step.step, "data-kind": kind, title: step.step },
    element("span", { class: "mark", "aria-hidden": "true" }, MARKS[state] ?? "·"),
    element("strong", {}, isNamed ? key : step.label || kind),
    ...(isNamed && step.label !== "" && step.label !== key ? [element("span", { class: "what" }, step.label)] : []),
    element("span", { class: "facts-line" }, facts),
    ...failure(step),
  );
}

function failure({ error }) {
  return error === null ? [] : [element("span", { class: "failure" }, error)];
}

/** What is too much to be drawn. */
function rest({ omitted, steps }) {
  const counts = Object.entries(omitted).map(([state, number]) => `${number} ${state}`);
  if (counts.length === 0) return [];
  return [element("p", { class: "note" }, `${steps.length > 0 ? "and " : ""}${counts.join(", ")}`)];
}
