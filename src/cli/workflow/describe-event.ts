import type { HistoryEntry, RunFailure } from "../../workflow/run.js";
import { elapsedText, momentText, plainText } from "../figures.js";
import { jsonLine } from "../json.js";

/** A line of a history in words. */
export interface DescribedEntry {
  /** What happened. */
  readonly what: string;
  /** Path of the step; empty for what happened to the run. */
  readonly step: string;
  /** More about it; may be empty. */
  readonly detail: string;
}

/** Says what a line of a history means. */
export function describeEntry({ event, at }: HistoryEntry): DescribedEntry {
  const { what, detail = "" } = describe(event, at);
  const step = event.kind === "asked" ? event.question.step : "step" in event ? event.step : "";
  return { what: plainText(what), step: plainText(step), detail: plainText(detail) };
}

/** A line of a history as text: time, what happened, where, and more about it. */
export function entryLine(entry: HistoryEntry): string {
  const { what, step, detail } = describeEntry(entry);
  const time = Number.isFinite(entry.at) ? momentText(entry.at).slice(11, 19) : "";
  const millis = String(Math.trunc(entry.at) % 1_000).padStart(3, "0");
  return [`${time}.${millis}`, what, step, detail].filter((part) => part !== "").join("  ");
}

interface Words {
  readonly what: string;
  readonly detail?: string;
}

function describe(event: HistoryEntry["event"], at: number): Words {
  switch (event.kind) {
    case "begun":
      return { what: "begun" };
    case "started":
      return { what: "started", detail: event.attempt > 1 ? `try ${event.attempt}` : "" };
    case "done":
      return { what: "done", detail: valueText(event.result) };
    case "failed": {
      const again = event.retryAt === undefined ? "" : `; tried again in ${elapsedText(event.retryAt - at)}`;
      return { what: "failed", detail: `${failureText(event.error)}${again}` };
    }
    case "waiting":
      return { what: "waits", detail: waitText(event) };
    case "asked": {
      const { text, choices } = event.question;
      return { what: "asks", detail: choices.length === 0 ? text : `${text} (${choices.join(", ")})` };
    }
    case "answered": {
      const by = byText(event.by);
      const result = event.result === undefined ? "" : `, result ${valueText(event.result)}`;
      return { what: "answered", detail: `${valueText(event.answer)}${result}${by}` };
    }
    case "event":
      return { what: "event", detail: `${event.event} ${valueText(event.payload)}` };
    case "undoing":
      return { what: "undoing", detail: failureText(event.error) };
    case "cancelled":
      return { what: "cancelled", detail: `${event.reason}${byText(event.by)}` };
    case "retried":
      return { what: "retried", detail: byText(event.by).trim() };
    case "ended":
      return { what: event.state };
  }
}

function waitText(event: Extract<HistoryEntry["event"], { kind: "waiting" }>): string {
  const until = event.until === undefined ? "" : `until ${momentText(event.until)}`;
  const key = event.key === undefined ? "" : ` under ${event.key}`;
  const what =
    event.event !== undefined
      ? `for ${event.event}${key}`
      : event.published !== undefined
        ? `for what ${event.published} publishes`
        : "";
  return [what, until].filter((part) => part !== "").join(", ");
}

function failureText({ message, code, number, outcome }: RunFailure): string {
  return `${message} (${code}${number === undefined ? "" : ` ${number}`}, ${outcome})`;
}

function byText(by: string | undefined): string {
  return by === undefined ? "" : ` by ${by}`;
}

function valueText(value: unknown): string {
  const { text } = jsonLine(value);
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}…`;
}

const MAX_VALUE = 200;
