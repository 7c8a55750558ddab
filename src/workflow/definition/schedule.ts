import { didYouMean } from "../../util/did-you-mean.js";
import { lazily } from "../../util/lazily.js";
import type { ScheduleDefinition } from "./definition.js";
import { Fields } from "./fields.js";
import { checkJson } from "./json-data.js";
import { type Problems, quote } from "./problems.js";

const croner = lazily("croner") as () => typeof import("croner");

/**
 * Reads a schedule.
 *
 * @param tasks - names of all tasks
 * @returns `undefined`, and tells why, if it makes no sense
 */
export function readSchedule(
  value: unknown,
  path: string,
  tasks: ReadonlySet<string>,
  problems: Problems,
): ScheduleDefinition | undefined {
  const fields = Fields.of(value, path, "a schedule", problems);
  if (!fields) return undefined;
  fields.allow(["task", "cron", "timezone", "input", "missed"], "a schedule");
  const task = fields.required("task", "name the task that it begins");
  if (task !== "" && !tasks.has(task)) {
    fields.problem(
      "task",
      `there is no task ${quote(task)}${didYouMean(task, tasks)}`,
      "name a task of this definition",
    );
  }
  const zone = readZone(fields);
  const cron = fields.required("cron", "write five or six fields, such as 0 9 * * 1-5");
  if (cron !== "") checkCron(cron, zone, fields);
  const input = fields.get("input");
  if (input !== undefined) checkJson(input, fields.at("input"), problems);
  const missed = fields.choice("missed", ["skip", "last"]) ?? "skip";
  return { task, cron, timezone: zone, input: input ?? null, missed };
}

function readZone(fields: Fields): string {
  const zone = fields.text("timezone");
  if (zone === undefined) return "UTC";
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    const near = didYouMean(zone, Intl.supportedValuesOf("timeZone"));
    fields.problem(
      "timezone",
      `there is no time zone ${quote(zone)}${near}`,
      "write one of the IANA's, such as Europe/Berlin",
    );
    return "UTC";
  }
}

function checkCron(cron: string, timezone: string, fields: Fields): void {
  const cure =
    "write five fields (minute, hour, day, month, weekday) such as 0 9 * * 1-5, or six that begin with seconds";
  const count = cron.trim().split(/\s+/).length;
  if (cron.length > MAX_CRON_LENGTH || count < 5 || count > 6) {
    fields.problem("cron", `${quote(cron)} has ${count} fields`, cure);
    return;
  }
  try {
    const { Cron } = croner();
    const clock = new Cron(cron, { mode: "5-or-6-parts", timezone });
    if (clock.nextRun() === null) {
      fields.problem("cron", `${quote(cron)} is at no time that comes`, "write a day that there is");
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Cron\w*: /, "").replace(/\.$/, "") : String(error);
    fields.problem("cron", `${quote(cron)} cannot be read: ${reason}`, cure);
  }
}

const MAX_CRON_LENGTH = 200;
