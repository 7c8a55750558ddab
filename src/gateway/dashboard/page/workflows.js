import { byId, element, setAttribute, setText } from "./dom.js";
import { count, elapsed, moment } from "./format.js";
import { RunDetail } from "./run-detail.js";
import { Feed } from "./run-feed.js";
import { Table } from "./tables.js";

/** The section of workflows: the services, the runs of one of them by state and page, and one run. */

const CONTROL = "lamplighter.workflow.control";
const STATES = ["running", "waiting", "asking", "undoing", "completed", "failed", "cancelled"];
const PAGE = 20;

export class Workflows {
  #service;
  #filter;
  /** Runs behind which the pages before this one began; the last is that of this one. */
  #before = [];
  #runs = [];
  #selected;
  #services = new Map();
  #filters = new Map();
  #feed = new Feed({
    changed: (page) => this.#show(page),
    away: (problem) => this.#away(problem),
  });
  #detail = new RunDetail(byId("run"), () => this.#select(undefined));
  #table = new Table(
    byId("runs"),
    [
      {
        title: "Run",
        className: "name",
        make: () => {
          const button = element("button", { type: "button" });
          button.addEventListener("click", () => this.#toggle(button.textContent));
          return element("div", {}, button, element("small"));
        },
        update(cell, row) {
          setText(cell.firstElementChild, row.id);
          setAttribute(cell.firstElementChild, "aria-pressed", String(row.isSelected));
          setText(cell.lastElementChild, noteOf(row));
        },
      },
      { title: "Task", className: "minor", text: ({ task }) => task },
      {
        title: "State",
        make: () => element("span", { class: "state" }),
        update(cell, { state }) {
          setAttribute(cell, "data-state", state);
          setText(cell, state);
        },
      },
      { title: "Began", className: "minor", text: ({ startedAt }) => moment(startedAt) },
      {
        title: "Time",
        className: "number",
        text: ({ startedAt, endedAt }) => elapsed((endedAt ?? Date.now()) - startedAt),
      },
    ],
    {
      keyOf: ({ id }) => id,
      onRow(tr, row) {
        tr.dataset.run = row.id;
        tr.dataset.state = row.state;
        setAttribute(tr, "aria-selected", row.isSelected ? "true" : undefined);
      },
    },
  );

  constructor() {
    for (const state of [undefined, ...STATES]) {
      const button = element("button", { type: "button" });
      button.addEventListener("click", () => this.#filterBy(state));
      this.#filters.set(state, button);
      byId("run-states").append(button);
    }
    byId("newer-runs").addEventListener("click", () => this.#turn(this.#before.slice(0, -1)));
    byId("older-runs").addEventListener("click", () => this.#turn([...this.#before, this.#runs.at(-1)?.id]));
    // Times go on where nothing else does.
    setInterval(() => {
      if (this.#service !== undefined) this.#draw();
    }, 1_000);
    this.#label({});
  }

  /** Tells which services there are. */
  update(services) {
    const names = services
      .filter((one) => one.health !== "gone" && one.interfaces.includes(CONTROL))
      .map((one) => one.service);
    for (const name of names) {
      if (this.#services.has(name)) continue;
      const button = element("button", { type: "button" }, name);
      button.addEventListener("click", () => this.#open(name));
      this.#services.set(name, button);
      byId("workflow-services").append(button);
    }
    for (const [name, button] of this.#services) {
      // The one that is looked at may come back.
      if (names.includes(name) || name === this.#service) continue;
      button.remove();
      this.#services.delete(name);
    }
    byId("workflows").hidden = this.#services.size === 0;
    if (this.#service === undefined && names.length > 0) this.#open(names[0]);
  }

  #open(service) {
    if (service === this.#service) return;
    this.#service = service;
    for (const [name, button] of this.#services) setAttribute(button, "aria-pressed", String(name === service));
    this.#select(undefined);
    this.#turn([]);
  }

  #filterBy(state) {
    this.#filter = state;
    this.#turn([]);
  }

  #turn(before) {
    this.#before = before;
    this.#feed.follow({ service: this.#service, state: this.#filter, after: before.at(-1), limit: String(PAGE) });
  }

  #toggle(id) {
    this.#select(id === this.#selected ? undefined : id);
  }

  #select(id) {
    const last = this.#selected;
    this.#selected = id;
    this.#detail.open(this.#service, id);
    this.#draw();
    // Who closes a run goes on where it was opened.
    if (id === undefined && last !== undefined) this.#buttonOf(last)?.focus();
  }

  #buttonOf(id) {
    return [...byId("runs").querySelectorAll("tr")].find((row) => row.dataset.run === id)?.querySelector("button");
  }

  #show({ runs, counts }) {
    byId("runs-note").hidden = true;
    this.#runs = runs;
    this.#label(counts);
    byId("newer-runs").disabled = this.#before.length === 0;
    byId("older-runs").disabled = runs.length < PAGE;
    byId("no-runs").hidden = runs.length > 0;
    this.#draw();
  }

  #draw() {
    this.#table.update(this.#runs.map((run) => ({ ...run, isSelected: run.id === this.#selected })));
  }

  #label(counts) {
    const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
    for (const [state, button] of this.#filters) {
      setText(button, `${state ?? "all"} ${count(state === undefined ? all : (counts[state] ?? 0))}`);
      setAttribute(button, "aria-pressed", String(state === this.#filter));
    }
  }

  #away({ detail }) {
    byId("runs-note").hidden = false;
    setText(byId("runs-note"), `What is shown may be out of date. ${detail}`);
  }
}

function noteOf({ stalled, questions, error }) {
  if (stalled !== null) return cut(`stalled: ${stalled}`);
  if (questions.length > 0) return cut(`asks: ${questions[0].text}`);
  return cut(error?.message ?? "");
}

function cut(text) {
  return text.length <= MAX_NOTE ? text : `${text.slice(0, MAX_NOTE - 1)}…`;
}

const MAX_NOTE = 100;
