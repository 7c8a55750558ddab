import { userInfo } from "node:os";
import { RpcError } from "../../errors.js";
import { type ControlCall, controlCall } from "../../workflow/client/control-call.js";
import { WORKFLOW_INTERFACE } from "../../workflow/control.js";
import { type ClientFlags, createClient } from "../client.js";
import { CommandError, statusOfError, usageError } from "../exit.js";

/** Flags of commands that ask a workflow service. */
export interface ControlFlags extends ClientFlags {
  /** `--timeout`: deadline in milliseconds. */
  readonly timeout?: string;
}

/** What such a command is about, for what is proposed when it fails. */
export interface About {
  /** The workflow service. */
  readonly service: string;
  /** The run. */
  readonly run?: string | undefined;
}

/** Runs a command with the control of a workflow service. @throws CommandError that says what to look at */
export async function withControl<T>(
  flags: ControlFlags,
  about: About,
  timeoutMs: number | undefined,
  work: (control: ControlCall) => Promise<T>,
): Promise<T> {
  await using client = createClient(flags, timeoutMs);
  try {
    return await work(controlCall(client, about.service));
  } catch (error) {
    throw explain(error, about);
  }
}

/** Who does something at the command line, for histories; `undefined` where the machine does not know. */
export function whoActs(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // As in containers whose user has no name.
    return undefined;
  }
}

/** A value from the command line. @throws CommandError with status 2 for what is no JSON */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`${what} is no JSON: ${text} (a string needs quotes of its own: '"text"')`, error);
  }
}

function explain(error: unknown, { service, run }: About): unknown {
  if (!RpcError.isRpcError(error)) return error;
  const hint = hintFor(error, service, run);
  return hint === undefined ? error : new CommandError(error.message, statusOfError(error), { cause: error, hint });
}

function hintFor({ code, outcome, message }: RpcError, service: string, run: string | undefined): string | undefined {
  // What a run failed with is not about the workflow service.
  if (run !== undefined && outcome === "executed" && code !== "BAD_REQUEST") {
    return `"lamplighter workflow show ${service} ${run}" shows what happened.`;
  }
  if (code === "SERVICE_NOT_FOUND") {
    return `"lamplighter list --interface ${WORKFLOW_INTERFACE}" shows the workflow services that there are.`;
  }
  if (outcome === "unknown" || outcome === "not-sent") return undefined;
  if (code === "METHOD_NOT_FOUND") return `"lamplighter workflow tasks ${service}" shows its tasks.`;
  if (code === "BAD_REQUEST") {
    if (run === undefined) {
      return `"lamplighter workflow tasks ${service}" shows its tasks, "… schedules ${service}" what is begun by the clock.`;
    }
    return message.startsWith("There is no run")
      ? `"lamplighter workflow list ${service}" shows the runs that there are.`
      : `"lamplighter workflow show ${service} ${run}" shows the run.`;
  }
  return undefined;
}
