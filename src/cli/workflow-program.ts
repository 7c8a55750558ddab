import { type Command, Option } from "commander";
import type { WorkflowCancelFlags, WorkflowDeliverFlags, WorkflowResumeFlags } from "./commands/workflow-act.js";
import type { WorkflowCheckFlags, WorkflowDefineFlags } from "./commands/workflow-check.js";
import type { WorkflowListFlags } from "./commands/workflow-list.js";
import type { WorkflowServeFlags } from "./commands/workflow-serve.js";
import type { WorkflowShowFlags } from "./commands/workflow-show.js";
import type { WorkflowStartFlags } from "./commands/workflow-start.js";
import type { WorkflowScheduleFlags, WorkflowTasksFlags } from "./commands/workflow-tasks.js";
import { logged, withNameserver } from "./flags.js";
import type { ControlFlags } from "./workflow/control.js";

/** Adds `lamplighter workflow …`. */
export function addWorkflowCommands(program: Command): void {
  const workflow = program
    .command("workflow")
    .description("chains of calls that survive crashes: serve them, begin runs, look after them (docs/workflow.md)")
    .addHelpText("after", EXAMPLES);

  logged(withNameserver(workflow.command("serve")))
    .description("run a workflow service; prints `ready ADDRESS` when it serves")
    .argument(
      "<file...>",
      "definitions: .json or .yaml, or .js or .ts modules that export some, and functions for code steps",
    )
    .option("-s, --service <name>", "service name, which it keeps, such as /demo/workflow/1")
    .option("--journal <file>", "where it is written down what runs do; needs the package libsql")
    .addOption(
      new Option("--sync <how>", "what survives: full also a power loss, normal kill -9 (default: full)").choices([
        "full",
        "normal",
      ]),
    )
    .option("--keep <days>", "how long runs that have ended are kept, in days, or `forever` (default: 30)")
    .option("--code <module...>", "modules that export functions for code steps")
    .option("-a, --address <address>", "address to bind (default: tcp://127.0.0.1:0)")
    .option("--advertise <address>", "what others connect to, where it is not what is bound")
    .option("--config <file>", "as that of serve")
    .action(async (files: string[], flags: WorkflowServeFlags) => {
      await (await commands()).workflowServeCommand(files, flags);
    });

  logged(withNameserver(workflow.command("check")))
    .description("check definitions, and print their tasks; with -n also what the services that they call do not offer")
    .argument("<file...>", "as those of serve")
    .option("--code <module...>", "modules that export functions for code steps")
    .option("--json", "tasks, problems and warnings as one line of JSON")
    .option("--timeout <ms>", "how long services are asked, in milliseconds (default: 10000)")
    .action(async (files: string[], flags: WorkflowCheckFlags) => {
      await (await commands()).workflowCheckCommand(files, flags);
    });

  asking(workflow.command("start"))
    .description("begin a run of a task, and print its id; with --wait its result")
    .argument("<service>", "name of the workflow service")
    .argument("<task>")
    .argument("[json]", "what the task is given (default: null)")
    .option("--id <id>", "id of the run: the same id twice is the same run (default: a random one)")
    .option("--wait", "wait for the end of the run")
    .action(async (service: string, task: string, json: string | undefined, flags: WorkflowStartFlags) => {
      await (await commands()).workflowStartCommand(service, task, json, flags);
    });

  ofRun(workflow.command("wait"))
    .description("wait for the end of a run, and print its result")
    .action(async (service: string, run: string, flags: ControlFlags) => {
      await (await commands()).workflowWaitCommand(service, run, flags);
    });

  ofService(workflow.command("list"))
    .description("list runs, the newest first")
    .option("--task <name>", "only runs of this task")
    .addOption(new Option("--state <state...>", "only runs in these states").choices(STATES))
    .option("--since <time>", "only runs that began at this time or later")
    .option("--before <time>", "only runs that began before this time")
    .option("--limit <count>", "so many at most (default: 100)")
    .option("--after <run>", "only those behind this one in the list, for the next page")
    .option("--count", "only how many there are in each state, of all")
    .option("--json", "as one line of JSON")
    .action(async (service: string, flags: WorkflowListFlags) => {
      await (await commands()).workflowListCommand(service, flags);
    });

  ofRun(workflow.command("show"))
    .description("draw a run: its chain with states and times, what came of it, what it asks")
    .option("--follow", "go on until the run ends: drawn anew in a terminal, else a line for each thing that happens")
    .option("--json", "as JSON: one line, with --follow one for each thing that happens")
    .action(async (service: string, run: string, flags: WorkflowShowFlags) => {
      await (await commands()).workflowShowCommand(service, run, flags);
    });

  ofRun(workflow.command("history"))
    .description("print all that happened in a run")
    .option("--json", "one line of JSON for each thing that happened")
    .action(async (service: string, run: string, flags: WorkflowShowFlags) => {
      await (await commands()).workflowHistoryCommand(service, run, flags);
    });

  ofRun(workflow.command("cancel"))
    .description("stop a run, and undo what it did")
    .option("--reason <text>", "why, for its history")
    .action(async (service: string, run: string, flags: WorkflowCancelFlags) => {
      await (await commands()).workflowCancelCommand(service, run, flags);
    });

  ofRun(workflow.command("retry"))
    .description("let a run that has failed go on at the step that failed")
    .action(async (service: string, run: string, flags: ControlFlags) => {
      await (await commands()).workflowRetryCommand(service, run, flags);
    });

  ofRun(workflow.command("resume"))
    .description("answer what a run asks; without an answer, say what that is")
    .argument("[answer]", "one of the choices, or any text where there are none")
    .option("--value <json>", "an answer that is no text")
    .option("--result <json>", "with the answer `done`: what the step results in (default: null)")
    .option("--step <step>", "which question, where there are several")
    .action(async (service: string, run: string, answer: string | undefined, flags: WorkflowResumeFlags) => {
      await (await commands()).workflowResumeCommand(service, run, answer, flags);
    });

  asking(workflow.command("deliver"))
    .description("deliver an event, and print the runs that got it")
    .argument("<service>", "name of the workflow service")
    .argument("<event>")
    .argument("[json]", "what comes with it (default: null)")
    .option("--run <run>", "to this run, which keeps it until it waits for it")
    .option("--key <key>", "to all runs that wait for it under this key")
    .action(async (service: string, event: string, json: string | undefined, flags: WorkflowDeliverFlags) => {
      await (await commands()).workflowDeliverCommand(service, event, json, flags);
    });

  ofService(workflow.command("tasks"))
    .description("list tasks, and what is probably wrong with them")
    .option("--json", "as one line of JSON, with their definitions")
    .action(async (service: string, flags: WorkflowTasksFlags) => {
      await (await commands()).workflowTasksCommand(service, flags);
    });

  ofService(workflow.command("define"))
    .description("add tasks and schedules to a service that runs, or replace them; runs keep what they began with")
    .argument("<file>", "a definition: .json or .yaml, or a module that exports some")
    .option("--json", "the tasks as one line of JSON, with their definitions")
    .action(async (service: string, file: string, flags: WorkflowDefineFlags) => {
      await (await commands()).workflowDefineCommand(service, file, flags);
    });

  ofService(workflow.command("remove"))
    .description("remove a task; its runs go on")
    .argument("<task>")
    .action(async (service: string, task: string, flags: ControlFlags) => {
      await (await commands()).workflowRemoveCommand(service, task, flags);
    });

  ofService(workflow.command("schedules"))
    .description("list what is begun by the clock")
    .option("--json", "as one line of JSON")
    .action(async (service: string, flags: WorkflowTasksFlags) => {
      await (await commands()).workflowSchedulesCommand(service, flags);
    });

  ofService(workflow.command("schedule"))
    .description("begin runs of a task by the clock; replaces the schedule of that name")
    .argument("<name>")
    .requiredOption("--task <task>", "which task")
    .requiredOption("--cron <fields>", "five fields, or six with seconds first, such as '0 7 * * 1-5'")
    .option("--timezone <zone>", "as of the IANA, such as Europe/Berlin (default: UTC)")
    .option("--input <json>", "what the task is given (default: null)")
    .addOption(
      new Option(
        "--missed <what>",
        "times at which the service was not there: skip them, or make up for the last",
      ).choices(["skip", "last"]),
    )
    .action(async (service: string, name: string, flags: WorkflowScheduleFlags) => {
      await (await commands()).workflowScheduleCommand(service, name, flags);
    });

  ofService(workflow.command("unschedule"))
    .description("remove a schedule")
    .argument("<name>")
    .action(async (service: string, name: string, flags: ControlFlags) => {
      await (await commands()).workflowUnscheduleCommand(service, name, flags);
    });
}

/** Help does without them. */
const commands = () => import("./commands/index.js");

/** A command that asks a workflow service. */
function asking(command: Command): Command {
  return logged(withNameserver(command)).option(
    "--timeout <ms>",
    "deadline in milliseconds (default: 30000; none where a run is waited for)",
  );
}

function ofService(command: Command): Command {
  return asking(command).argument("<service>", "name of the workflow service");
}

function ofRun(command: Command): Command {
  return ofService(command).argument("<run>", "id of the run");
}

/** Written here as well, so that help does without the rest. */
const STATES = ["running", "waiting", "asking", "undoing", "completed", "failed", "cancelled"];

const EXAMPLES = `
Examples:
  lamplighter workflow serve tasks.json -s /demo/workflow/1 --journal runs.db
  lamplighter workflow start /demo/workflow/1 task1 '{"order": 7}' --wait
  lamplighter workflow list /demo/workflow/1 --state asking failed
  lamplighter workflow show /demo/workflow/1 RUN --follow`;
