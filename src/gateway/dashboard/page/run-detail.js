import { byId, element, setAttribute, setText } from "./dom.js";
import { elapsed, moment } from "./format.js";
import { act, Feed } from "./run-feed.js";
import { chain } from "./run-picture.js";

const ENDED = ["completed", "failed", "cancelled"];
const UNKNOWN = {
  repeat: "Call again: it may be executed twice",
  done: "It was executed; go on",
  fail: "Let the step fail",
};

/** One run: its chain as a picture, what it asks, and what can be done about it. */
export class RunDetail {
  #parent;
  #service;
  #id;
  #run;
  #questions = new Map();
  #feed = new Feed({
    changed: (run) => this.#show(run),
    away: ({ detail }) => this.#say(`What is shown may be out of date. ${detail}`),
  });
  #reason = element("input", { id: "cancel-reason", type: "text", maxlength: "500", autocomplete: "off" });

  constructor(parent, onClose) {
    this.#parent = parent;
    byId("close-run").addEventListener("click", onClose);
    byId("retry-run").addEventListener("click", () => this.#act("retry", {}));
    byId("cancel-run").addEventListener("click", () => {
      this.#reason.value = "";
      byId("cancel-dialog").showModal();
    });
    byId("cancel-reason-place").append(this.#reason);
    byId("keep-run").addEventListener("click", () => byId("cancel-dialog").close());
    const cancel = () => {
      byId("cancel-dialog").close();
      const reason = this.#reason.value.trim();
      void this.#act("cancel", reason === "" ? {} : { reason });
    };
    byId("cancel-now").addEventListener("click", cancel);
    this.#reason.addEventListener("keydown", (event) => {
      if (event.key === "Enter") cancel();
    });
    setInterval(() => {
      if (this.#run && !ENDED.includes(this.#run.state)) this.#draw();
    }, 1_000);
  }

  /** Shows a run; `undefined` for none. */
  open(service, id) {
    this.#service = service;
    this.#id = id;
    this.#run = undefined;
    this.#parent.hidden = id === undefined;
    this.#say("");
    this.#feed.follow(id === undefined ? undefined : { service, run: id });
    if (byId("cancel-dialog").open) byId("cancel-dialog").close();
    for (const { node } of this.#questions.values()) node.remove();
    this.#questions.clear();
    if (id === undefined) return;
    setText(byId("run-title"), id);
    byId("run-facts").replaceChildren();
    byId("run-chain").replaceChildren();
    byId("run-values").replaceChildren();
    for (const name of ["cancel-run", "retry-run"]) byId(name).hidden = true;
    setText(byId("run-failure"), "");
  }

  #show(run) {
    if (run.id !== this.#id) return;
    const hadRun = this.#run !== undefined;
    this.#run = run;
    if (hadRun && byId("run-note").dataset.about === "feed") this.#say("");
    byId("cancel-run").hidden = ENDED.includes(run.state) || run.state === "undoing";
    byId("retry-run").hidden = run.state !== "failed";
    setText(byId("run-failure"), failureText(run));
    this.#ask(run.questions);
    this.#draw();
    const values = byId("run-values");
    values.replaceChildren(
      ...[
        ["Given", run.input],
        ["Result", run.result],
      ].flatMap(([title, json]) =>
        json === null ? [] : [element("h3", {}, title), element("pre", { tabindex: "0" }, pretty(json))],
      ),
    );
  }

  #draw() {
    const { state, task, version, startedAt, endedAt, steps } = this.#run;
    const now = Date.now();
    const facts = [
      ["State", state],
      ["Task", task],
      ["Version", version],
      ["Began", moment(startedAt)],
      ["Time", elapsed((endedAt ?? now) - startedAt)],
    ];
    const list = byId("run-facts");
    for (const [index, [name, value]] of facts.entries()) {
      if (!list.children[index]) list.append(element("div", {}, element("dt", {}, name), element("dd")));
      setText(list.children[index].lastElementChild, value);
    }
    const badge = list.children[0].lastElementChild;
    badge.className = "state";
    setAttribute(badge, "data-state", state);
    byId("run-chain").replaceChildren(chain(steps, endedAt ?? now));
  }

  /** Questions stay the same elements while they are asked, so that what is being written lasts. */
  #ask(questions) {
    const keys = new Set();
    for (const question of questions) {
      const key = `${question.step} ${question.since}`;
      keys.add(key);
      if (this.#questions.has(key)) continue;
      const node = this.#question(question, `question-${this.#questions.size}-${question.since}`);
      this.#questions.set(key, { node });
      byId("run-questions").append(node);
    }
    for (const [key, { node }] of this.#questions) {
      if (keys.has(key)) continue;
      node.remove();
      this.#questions.delete(key);
    }
  }

  #question({ step, kind, text, choices }, id) {
    const answer = (value, more = {}) => this.#act("resume", { step, answer: value, ...more });
    const controls = [];
    const isUnknown = kind === "unknown";
    const isFree = choices.length === 0;
    const needsField = isUnknown || isFree;
    const field = element("input", { id, type: "text", autocomplete: "off" });
    const button = (name, onClick, hint) => {
      const made = element("button", { type: "button", ...(hint && { title: hint }) }, name);
      made.addEventListener("click", onClick);
      controls.push(made);
    };
    if (needsField) {
      const label = isUnknown ? "Result of the step, where it was executed (JSON)" : "Answer";
      controls.push(element("label", { for: id }, label), field);
    }
    for (const choice of choices) {
      button(isUnknown ? `${choice}: ${UNKNOWN[choice] ?? ""}` : choice, () => {
        if (!isUnknown || choice !== "done") return answer(choice);
        const result = readJson(field.value);
        if (result === undefined) return this.#say("The result is no JSON: a text needs quotes of its own.");
        return answer(choice, { result });
      });
    }
    if (isFree) {
      button("Answer", () => answer(field.value));
      field.addEventListener("keydown", (event) => {
        if (event.key === "Enter") answer(field.value);
      });
    }
    const title = `${id}-text`;
    return element(
      "div",
      { class: "question", role: "group", "aria-labelledby": title, "data-step": step },
      element("p", { id: title }, element("strong", {}, text), element("small", {}, step)),
      element("div", { class: "answers" }, ...controls),
    );
  }

  async #act(action, given) {
    const id = this.#id;
    const buttons = [...this.#parent.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    try {
      await act(action, { service: this.#service, run: id, ...given });
      if (this.#id === id) this.#say(DONE[action], "action");
    } catch (error) {
      if (this.#id === id) this.#say(error.message, "action");
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  #say(text, about = "feed") {
    const note = byId("run-note");
    note.dataset.about = about;
    note.hidden = text === "";
    setText(note, text);
  }
}

const DONE = {
  cancel: "The run is being cancelled.",
  retry: "The run goes on at the step that failed.",
  resume: "The answer was given.",
};

function failureText({ error, state, stalled }) {
  if (stalled !== null) return `Nothing goes on: ${stalled}`;
  if (!error) return "";
  const { message, code, outcome, step, further } = error;
  const what = state === "cancelled" ? "Cancelled" : step === null ? "Failed" : `Failed at ${step}`;
  return [`${what}: ${message} (${code}, ${outcome})`, ...further].join("; then ");
}

/** `null` for nothing, `undefined` for what is no JSON. */
function readJson(text) {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pretty(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    // It was cut.
    return json;
  }
}
