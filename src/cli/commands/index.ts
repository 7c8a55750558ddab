// All commands, so that they are loaded together, and only when one is run: `--help` and `--version` answer at once.
export { callCommand } from "./call.js";
export { dispatcherCommand } from "./dispatcher.js";
export { doctorCommand } from "./doctor.js";
export { introspectCommand } from "./introspect.js";
export { generateKeysCommand, revokeKeyCommand, showKeysCommand, trustKeyCommand } from "./keys.js";
export { listCommand } from "./list.js";
export { monitorCommand } from "./monitor.js";
export { nameserverCommand } from "./nameserver.js";
export { nodeCommand } from "./node.js";
export { publishCommand } from "./publish.js";
export { replCommand } from "./repl.js";
export { serveCommand, serveImported } from "./serve.js";
export { subscribeCommand } from "./subscribe.js";
export { webCommand } from "./web.js";
export {
  workflowCancelCommand,
  workflowDeliverCommand,
  workflowResumeCommand,
  workflowRetryCommand,
} from "./workflow-act.js";
export { workflowCheckCommand, workflowDefineCommand } from "./workflow-check.js";
export { workflowListCommand } from "./workflow-list.js";
export { workflowServeCommand } from "./workflow-serve.js";
export { workflowHistoryCommand, workflowShowCommand } from "./workflow-show.js";
export { workflowStartCommand, workflowWaitCommand } from "./workflow-start.js";
export {
  workflowRemoveCommand,
  workflowScheduleCommand,
  workflowSchedulesCommand,
  workflowTasksCommand,
  workflowUnscheduleCommand,
} from "./workflow-tasks.js";
