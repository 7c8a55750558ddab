import { expect } from "chai";
import fc from "fast-check";
import { ConfigurationError, RpcError } from "../../../../src/errors.js";
import { compileWorkflow } from "../../../../src/workflow/definition/compile.js";
import { DefinitionError } from "../../../../src/workflow/definition/problems.js";

/** A definition that is wrong, and what is told of it. */
interface Bad {
  readonly kind: string;
  readonly source: unknown;
  readonly path: string;
  readonly message: string | RegExp;
  readonly cure: string | RegExp;
}

const CALL = { interface: "a.b" };

const task = (...steps: unknown[]): unknown => ({ tasks: { t: steps } });
const step = (one: object): unknown => task({ ...CALL, ...one });
const schedule = (one: object): unknown => ({
  tasks: { t: [CALL] },
  schedules: { s: { task: "t", cron: "0 9 * * *", ...one } },
});
const nested = (depth: number): object => (depth === 0 ? CALL : { steps: [nested(depth - 1)] });
const deepList = (depth: number): unknown => (depth === 0 ? 1 : [deepList(depth - 1)]);

const BAD: readonly Bad[] = [
  // The whole.
  { kind: "no object", source: [], path: "", message: "is a list", cure: /^write a definition/ },
  { kind: "no tasks", source: {}, path: "tasks", message: "is missing", cure: /"tasks"/ },
  {
    kind: "an unknown member of the definition",
    source: { tasks: {}, schedule: {} },
    path: "schedule",
    message: 'a definition has no "schedule", did you mean "schedules"?',
    cure: "correct or remove it",
  },
  { kind: "tasks that are no object", source: { tasks: [] }, path: "tasks", message: "is a list", cure: /by name/ },
  {
    kind: "too many tasks",
    source: { tasks: Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`t${index}`, [CALL]])) },
    path: "tasks",
    message: "has 1001 members",
    cure: /at most 1000/,
  },
  {
    kind: "too many steps",
    source: { tasks: { t: Array.from({ length: 10_001 }, () => CALL) } },
    path: "tasks.t[10000]",
    message: "is step 10001 of the definition",
    cure: "make several definitions of it",
  },
  {
    kind: "steps that stand too deep",
    source: task(nested(64)),
    path: `tasks.t[0]${".steps[0]".repeat(64)}`,
    message: "stands in 64 steps",
    cure: "make a task of it, and call that",
  },
  // Tasks.
  {
    kind: "a task without a name",
    source: { tasks: { "": [CALL] } },
    path: 'tasks[""]',
    message: /is empty/,
    cure: /a name/,
  },
  {
    kind: "a task with a long name",
    source: { tasks: { ["t".repeat(201)]: [CALL] } },
    path: `tasks.${"t".repeat(201)}`,
    message: "the name has 201 characters",
    cure: "write at most 200",
  },
  {
    kind: "a task called __proto__",
    source: JSON.parse('{ "tasks": { "__proto__": [] } }'),
    path: "tasks.__proto__",
    message: /__proto__ is no name for a task/,
    cure: "give the task another name",
  },
  {
    kind: "a task called as what each interface has",
    source: { tasks: { introspect: [CALL] } },
    path: "tasks.introspect",
    message: "the interface has a method introspect of its own",
    cure: "give the task another name",
  },
  {
    kind: "a task whose name no caller can write",
    source: { tasks: { "a b": [CALL] } },
    path: 'tasks["a b"]',
    message: '"a b" is no name for a task',
    cure: /letters, digits/,
  },
  {
    kind: "a task that is no list",
    source: { tasks: { t: 5 } },
    path: "tasks.t",
    message: "is 5, not a list",
    cure: "write a list of steps",
  },
  {
    kind: "a task without steps",
    source: { tasks: { t: [] } },
    path: "tasks.t",
    message: "has no steps",
    cure: "write at least one",
  },
  {
    kind: "a task whose steps are missing",
    source: { tasks: { t: { doc: "" } } },
    path: "tasks.t.steps",
    message: "is missing",
    cure: /list of steps/,
  },
  {
    kind: "a task that is a step",
    source: { tasks: { t: CALL } },
    path: "tasks.t",
    message: "is a step, for it has interface",
    cure: "put it into brackets: a list of one",
  },
  {
    kind: "steps that are one step",
    source: task({ steps: CALL }),
    path: "tasks.t[0].steps",
    message: "is an object, not a list",
    cure: "put the step into brackets: a list of one",
  },
  {
    kind: "an unknown member of a task",
    source: { tasks: { t: { steps: [CALL], parms: [] } } },
    path: "tasks.t.parms",
    message: 'a task has no "parms", did you mean "params"?',
    cure: "correct or remove it",
  },
  {
    kind: "a parameter twice",
    source: { tasks: { t: { params: ["a", "a"], steps: [CALL] } } },
    path: "tasks.t.params[1]",
    message: '"a" is there twice',
    cure: "remove one of them",
  },
  {
    kind: "an empty parameter",
    source: { tasks: { t: { params: [""], steps: [CALL] } } },
    path: "tasks.t.params[0]",
    message: "is empty",
    cure: "write a text, or remove it",
  },
  {
    kind: "parameters that are no list",
    source: { tasks: { t: { params: "a", steps: [CALL] } } },
    path: "tasks.t.params",
    message: 'is the text "a"',
    cure: "write a list of names",
  },
  {
    kind: "an optional one that is no parameter",
    source: { tasks: { t: { params: ["note"], optional: ["not"], steps: [CALL] } } },
    path: "tasks.t.optional",
    message: '"not" is none of the params, did you mean "note"?',
    cure: "add it to params, or remove it",
  },
  {
    kind: "a required parameter behind an optional one",
    source: { tasks: { t: { params: ["a", "b"], optional: ["a"], steps: [CALL] } } },
    path: "tasks.t.params",
    message: '"b", which is required, stands behind "a", which is optional',
    cure: "write those that may be left out at the end",
  },
  {
    kind: "a time-out of a task that is none",
    source: { tasks: { t: { steps: [CALL], timeoutMs: -1 } } },
    path: "tasks.t.timeoutMs",
    message: "is -1",
    cure: /a number above 0/,
  },
  {
    kind: "tasks that call each other in a circle",
    source: { tasks: { a: [{ task: "b" }], b: [{ task: "c" }], c: [{ map: "${input}", steps: [{ task: "a" }] }] } },
    path: "tasks.c[0].steps[0].task",
    message: "the task calls itself: a -> b -> c -> a",
    cure: "take one of the calls out of the circle",
  },
  {
    kind: "defaults that have something else",
    source: { tasks: { t: [CALL] }, defaults: { timeout: 5 } },
    path: "defaults.timeout",
    message: 'defaults has no "timeout", did you mean "timeoutMs"?',
    cure: "correct or remove it",
  },
  // Steps of all kinds.
  {
    kind: "a step that is no object",
    source: task("a.b"),
    path: "tasks.t[0]",
    message: 'is the text "a.b"',
    cure: "write a step as an object",
  },
  {
    kind: "a step of no kind",
    source: task({ interfce: "a.b" }),
    path: "tasks.t[0]",
    message: 'is of no kind: it has "interfce", did you mean "interface"?',
    cure: /interface, code, task, value, parallel, map, when, switch, wait, steps/,
  },
  {
    kind: "a call of no interface",
    source: task({ method: "m" }),
    path: "tasks.t[0]",
    message: "calls a method, but of no interface",
    cure: "name the interface",
  },
  {
    kind: "a step of two kinds",
    source: task({ parallel: { pay: [CALL, CALL, { ...CALL, code: "f" }] } }),
    path: "tasks.t[0].parallel.pay[2]",
    message: "is of several kinds: interface, code",
    cure: "make a step of each",
  },
  {
    kind: "an unknown member of a step",
    source: step({ compensat: CALL }),
    path: "tasks.t[0].compensat",
    message: 'a step that calls has no "compensat", did you mean "compensate"?',
    cure: "correct or remove it",
  },
  {
    kind: "a member of another kind",
    source: step({ cases: {} }),
    path: "tasks.t[0].cases",
    message: 'a step that calls has no "cases"',
    cure: /^it has interface, service/,
  },
  {
    kind: "a name that is no text",
    source: step({ name: 7 }),
    path: "tasks.t[0].name",
    message: "is 7",
    cure: "write a text",
  },
  {
    kind: "an empty name",
    source: step({ name: " " }),
    path: "tasks.t[0].name",
    message: "the name of the step is empty",
    cure: "give the step a name",
  },
  {
    kind: "a name with other signs",
    source: step({ name: "a/b" }),
    path: "tasks.t[0].name",
    message: '"a/b" is no name for a step',
    cure: /letters, digits/,
  },
  {
    kind: "a name that is a number",
    source: step({ name: "0" }),
    path: "tasks.t[0].name",
    message: '"0" reads like the place of a step',
    cure: /another name/,
  },
  {
    kind: "a name that paths need",
    source: step({ name: "finally" }),
    path: "tasks.t[0].name",
    message: /is what a part of a step is called/,
    cure: /another name/,
  },
  {
    kind: "a name that each object has",
    source: step({ name: "constructor" }),
    path: "tasks.t[0].name",
    message: /constructor is no name/,
    cure: /another name/,
  },
  {
    kind: "a name twice",
    source: task({ name: "a", ...CALL }, { parallel: { x: { name: "a", ...CALL } } }),
    path: "tasks.t[1].parallel.x",
    message: 'tasks.t[0] is called "a" too',
    cure: "give one of them another name",
  },
  {
    kind: "a time-out of zero",
    source: step({ timeoutMs: 0 }),
    path: "tasks.t[0].timeoutMs",
    message: "is 0",
    cure: /a number above 0/,
  },
  {
    kind: "a time-out that is text",
    source: step({ timeoutMs: "5s" }),
    path: "tasks.t[0].timeoutMs",
    message: 'is the text "5s"',
    cure: /a number above 0/,
  },
  {
    kind: "a time-out that no timer can do",
    source: step({ timeoutMs: 2 ** 31 }),
    path: "tasks.t[0].timeoutMs",
    message: "is 2147483648",
    cure: "write a number above 0 to 2147483647",
  },
  {
    kind: "a doc that is no text",
    source: step({ doc: [] }),
    path: "tasks.t[0].doc",
    message: "is a list",
    cure: "write a text",
  },
  {
    kind: "something undone twice",
    source: step({ compensate: { steps: [{ ...CALL, compensate: CALL }] } }),
    path: "tasks.t[0].compensate.steps[0].compensate",
    message: "stands in compensate, which is never undone",
    cure: "remove it",
  },
  {
    kind: "something undone that is done in any case",
    source: { tasks: { t: { steps: [CALL], finally: [{ ...CALL, compensate: CALL }] } } },
    path: "tasks.t.finally[0].compensate",
    message: "stands in finally, which is never undone",
    cure: "remove it",
  },
  // Retries.
  {
    kind: "a retry that is no object",
    source: step({ retry: 3 }),
    path: "tasks.t[0].retry",
    message: "is 3",
    cure: "write retry as an object",
  },
  {
    kind: "a retry without tries",
    source: step({ retry: {} }),
    path: "tasks.t[0].retry.attempts",
    message: "is missing",
    cure: /how many tries/,
  },
  {
    kind: "no tries",
    source: step({ retry: { attempts: 0 } }),
    path: "tasks.t[0].retry.attempts",
    message: "is 0",
    cure: /a whole number from 1/,
  },
  {
    kind: "half a try",
    source: step({ retry: { attempts: 1.5 } }),
    path: "tasks.t[0].retry.attempts",
    message: "is 1.5",
    cure: /a whole number from 1/,
  },
  {
    kind: "pauses that get shorter",
    source: step({ retry: { attempts: 2, factor: 0.5 } }),
    path: "tasks.t[0].retry.factor",
    message: "is 0.5",
    cure: /from 1/,
  },
  {
    kind: "a longest pause that is less than the first",
    source: step({ retry: { attempts: 2, delayMs: 10, maxDelayMs: 5 } }),
    path: "tasks.t[0].retry.maxDelayMs",
    message: "is less than delayMs, 10",
    cure: "make it as long, or longer",
  },
  {
    kind: "an unknown code",
    source: step({ retry: { attempts: 2, on: ["TIMEOUT", "UNAVAILBLE"] } }),
    path: "tasks.t[0].retry.on[1]",
    message: 'there is no code "UNAVAILBLE", did you mean "UNAVAILABLE"?',
    cure: /^write some of .*UNAVAILABLE/,
  },
  {
    kind: "no codes",
    source: step({ retry: { attempts: 2, on: [] } }),
    path: "tasks.t[0].retry.on",
    message: "has no codes",
    cure: "write some, or remove it",
  },
  // Calls, code and tasks.
  {
    kind: "an empty interface",
    source: task({ interface: "" }),
    path: "tasks.t[0].interface",
    message: "is empty",
    cure: "write a text, or remove it",
  },
  {
    kind: "an interface with blanks",
    source: task({ interface: "a b" }),
    path: "tasks.t[0].interface",
    message: '"a b" has blanks in it',
    cure: /com\.foo\.example/,
  },
  {
    kind: "an interface that is no text",
    source: task({ interface: {} }),
    path: "tasks.t[0].interface",
    message: "is an object",
    cure: "write a text",
  },
  {
    kind: "both input and args",
    source: step({ input: 1, args: [1] }),
    path: "tasks.t[0].args",
    message: "stands beside input",
    cure: "give either one value as input, or several as args",
  },
  {
    kind: "args that are no list",
    source: step({ args: "${input}" }),
    path: "tasks.t[0].args",
    message: /is the text/,
    cure: /a list of values/,
  },
  {
    kind: "tags that are no list",
    source: step({ tags: "x" }),
    path: "tasks.t[0].tags",
    message: 'is the text "x"',
    cure: "write a list of tags",
  },
  {
    kind: "a flag that is none",
    source: step({ idempotent: "yes" }),
    path: "tasks.t[0].idempotent",
    message: 'is the text "yes"',
    cure: "write true or false",
  },
  {
    kind: "code that was not handed in",
    source: task({ code: "chrge" }),
    path: "tasks.t[0].code",
    message: 'no function "chrge" was handed in, did you mean "charge"?',
    cure: "hand it in as an option, code: { chrge }; there are charge",
  },
  {
    kind: "an unknown task",
    source: task({ task: "tt" }),
    path: "tasks.t[0].task",
    message: 'there is no task "tt", did you mean "t"?',
    cure: "name a task of this definition",
  },
  // Groups.
  {
    kind: "no branches",
    source: task({ parallel: {} }),
    path: "tasks.t[0].parallel",
    message: "has no branches",
    cure: /object of branches/,
  },
  {
    kind: "branches that are text",
    source: task({ parallel: "x" }),
    path: "tasks.t[0].parallel",
    message: 'is the text "x"',
    cure: /object of branches/,
  },
  {
    kind: "an empty branch",
    source: task({ parallel: [[], CALL] }),
    path: "tasks.t[0].parallel[0]",
    message: "has no steps",
    cure: "write at least one",
  },
  {
    kind: "a branch called __proto__",
    source: task({ parallel: JSON.parse('{ "__proto__": { "interface": "a.b" } }') as unknown }),
    path: "tasks.t[0].parallel.__proto__",
    message: /__proto__ is no name for a branch/,
    cure: "give the branch another name",
  },
  {
    kind: "a branch with a slash",
    source: task({ parallel: { "a/b": CALL } }),
    path: 'tasks.t[0].parallel["a/b"]',
    message: /no name for a branch/,
    cure: /letters/,
  },
  {
    kind: "a map over no list",
    source: task({ map: "items", steps: [CALL] }),
    path: "tasks.t[0].map",
    message: 'is the text "items", not a list',
    cure: /\$\{input\.items\}/,
  },
  {
    kind: "a map without steps",
    source: task({ map: "${input}" }),
    path: "tasks.t[0].steps",
    message: "is missing",
    cure: "write a list of steps",
  },
  {
    kind: "no concurrency",
    source: task({ map: [], steps: [CALL], concurrency: 0 }),
    path: "tasks.t[0].concurrency",
    message: "is 0",
    cure: /a whole number from 1/,
  },
  {
    kind: "a when without then",
    source: task({ when: "${input}", else: CALL }),
    path: "tasks.t[0].then",
    message: "is missing",
    cure: /if the condition holds/,
  },
  {
    kind: "no cases",
    source: task({ switch: "${input}", cases: {} }),
    path: "tasks.t[0].cases",
    message: "has no cases",
    cure: "write one for each value",
  },
  {
    kind: "cases that are a list",
    source: task({ switch: "${input}", cases: [] }),
    path: "tasks.t[0].cases",
    message: "is a list",
    cure: /a case for each value/,
  },
  // Waits.
  {
    kind: "a wait for nothing",
    source: task({ wait: {} }),
    path: "tasks.t[0].wait",
    message: "waits for nothing",
    cure: /forMs, until, event, published, approval/,
  },
  {
    kind: "a wait for two things",
    source: task({ wait: { event: "a", forMs: 1 } }),
    path: "tasks.t[0].wait",
    message: "waits for forMs and event",
    cure: /write one of/,
  },
  {
    kind: "a wait with something else",
    source: task({ wait: { event: "a", topic: 1 } }),
    path: "tasks.t[0].wait.topic",
    message: /a wait with event has no "topic"/,
    cure: /event, key/,
  },
  {
    kind: "a wait for less than no time",
    source: task({ wait: { forMs: -1 } }),
    path: "tasks.t[0].wait.forMs",
    message: "is -1",
    cure: /write milliseconds/,
  },
  {
    kind: "a moment that is none",
    source: task({ wait: { until: "noon" } }),
    path: "tasks.t[0].wait.until",
    message: 'is the text "noon"',
    cure: /2030-01-31/,
  },
  {
    kind: "an event without a name",
    source: task({ wait: { event: "" } }),
    path: "tasks.t[0].wait.event",
    message: "is empty",
    cure: /write a text/,
  },
  {
    kind: "an approval without a question",
    source: task({ wait: { approval: "" } }),
    path: "tasks.t[0].wait.approval",
    message: 'is the text ""',
    cure: /question/,
  },
  {
    kind: "no choices",
    source: task({ wait: { approval: "Well?", choices: [] } }),
    path: "tasks.t[0].wait.choices",
    message: "has no choices",
    cure: /any answer/,
  },
  {
    kind: "a time with a time-out",
    source: task({ wait: { forMs: 1 }, timeoutMs: 1 }),
    path: "tasks.t[0].timeoutMs",
    message: "the wait ends by itself",
    cure: "remove it",
  },
  {
    kind: "what to do after no time-out",
    source: task({ wait: { event: "a" }, onTimeout: "continue" }),
    path: "tasks.t[0].onTimeout",
    message: "there is no time-out",
    cure: /timeoutMs/,
  },
  {
    kind: "an unknown thing to do after a time-out",
    source: task({ wait: { event: "a" }, timeoutMs: 1, onTimeout: "continu" }),
    path: "tasks.t[0].onTimeout",
    message: 'is the text "continu", did you mean "continue"?',
    cure: 'write one of "fail", "continue"',
  },
  // Mappings and conditions.
  {
    kind: "a reference that does not end",
    source: step({ input: { a: ["${input.a"] } }),
    path: "tasks.t[0].input.a[0]",
    message: /\$\{input\.a is not closed by \}/,
    cure: /\$\$\{/,
  },
  {
    kind: "an empty reference",
    source: step({ input: "${}" }),
    path: "tasks.t[0].input",
    message: /a reference begins with a name/,
    cure: /\$\{input\.name\}/,
  },
  {
    kind: "a reference with a formula",
    source: step({ input: "${input.a + 1}" }),
    path: "tasks.t[0].input",
    message: /is followed by "\+ 1\}" before \}/,
    cure: /\$\{input\.name\}/,
  },
  {
    kind: "a reference with a dot at its end",
    source: step({ input: "${input.}" }),
    path: "tasks.t[0].input",
    message: /no name follows the dot after input/,
    cure: /\$/,
  },
  {
    kind: "a reference with empty brackets",
    source: step({ input: "${input[]}" }),
    path: "tasks.t[0].input",
    message: /brackets without a place or a name/,
    cure: /\$/,
  },
  {
    kind: "an unknown root",
    source: step({ input: "${imput.a}" }),
    path: "tasks.t[0].input",
    message: '${imput.a}: there is no imput, did you mean "input"?',
    cure: "refer to one of input, result, run, steps",
  },
  {
    kind: "a parameter without input",
    source: { tasks: { t: { params: ["order"], steps: [{ ...CALL, input: "${order.id}" }] } } },
    path: "tasks.t.steps[0].input",
    message: "${order.id}: there is no order",
    cure: "the parameter is input.order",
  },
  {
    kind: "a step without steps",
    source: task({ name: "pay", ...CALL }, { value: "${pay.id}" }),
    path: "tasks.t[1].value",
    message: "${pay.id}: there is no pay",
    cure: "the result of the step is steps.pay",
  },
  {
    kind: "a parameter that is none",
    source: { tasks: { t: { params: ["order"], steps: [{ ...CALL, input: "${input.oder}" }] } } },
    path: "tasks.t.steps[0].input",
    message: '${input.oder}: the task has no parameter "oder", did you mean "order"?',
    cure: "add it to its params, or refer to one of them",
  },
  {
    kind: "an unknown member of run",
    source: step({ input: "${run.name}" }),
    path: "tasks.t[0].input",
    message: '${run.name}: run has no member "name"',
    cure: /run\.id, run\.task, run\.startedAt/,
  },
  {
    kind: "a member of index",
    source: task({ map: "${input}", steps: [{ value: "${index.a}" }] }),
    path: "tasks.t[0].steps[0].value",
    message: /index has no member "a"/,
    cure: "refer to index itself",
  },
  {
    kind: "no step at all",
    source: step({ input: "${steps}" }),
    path: "tasks.t[0].input",
    message: "${steps}: which step?",
    cure: "write steps.NAME",
  },
  {
    kind: "an unknown step",
    source: task({ name: "pay", ...CALL }, { value: "${steps.payy.id}" }),
    path: "tasks.t[1].value",
    message: '${steps.payy.id}: there is no step "payy", did you mean "pay"?',
    cure: "refer to a step by its name",
  },
  {
    kind: "a step that comes later",
    source: task({ value: "${steps.pay}" }, { name: "pay", ...CALL }),
    path: "tasks.t[0].value",
    message: "${steps.pay}: the step comes later, at tasks.t[1]",
    cure: "refer to steps that are done before",
  },
  {
    kind: "a step that refers to itself",
    source: task({ name: "pay", ...CALL, input: "${steps.pay}" }),
    path: "tasks.t[0].input",
    message: "${steps.pay}: the step is not done yet",
    cure: "refer to steps that are done before",
  },
  {
    kind: "a step of another branch",
    source: task({ parallel: { x: { name: "pay", ...CALL }, y: { value: "${steps.pay}" } } }),
    path: "tasks.t[0].parallel.y.value",
    message: /tasks\.t\[0\]\.parallel\.x stands in a branch, a map or an end that cannot be seen/,
    cure: "refer to the result of the whole of it",
  },
  {
    kind: "a step of a map, from outside",
    source: task({ map: "${input}", steps: [{ name: "pay", ...CALL }] }, { value: "${steps.pay}" }),
    path: "tasks.t[1].value",
    message: /tasks\.t\[0\]\.steps\[0\] stands in a branch, a map/,
    cure: "refer to the result of the whole of it",
  },
  {
    kind: "item outside of map",
    source: step({ input: "${item}" }),
    path: "tasks.t[0].input",
    message: "${item}: there is item in the steps of a map only",
    cure: /input, result, run, steps/,
  },
  {
    kind: "output outside of compensate",
    source: step({ input: "${output.id}" }),
    path: "tasks.t[0].input",
    message: "${output.id}: there is output in compensate only",
    cure: /input, result/,
  },
  {
    kind: "given outside of compensate",
    source: step({ input: "${given}" }),
    path: "tasks.t[0].input",
    message: "${given}: there is given in compensate only",
    cure: /input, result/,
  },
  {
    kind: "error outside of finally",
    source: step({ input: "${error?}" }),
    path: "tasks.t[0].input",
    message: "${error?}: there is error in finally only",
    cure: /input, result/,
  },
  {
    kind: "an unknown member of error",
    source: { tasks: { t: { steps: [CALL], finally: [{ value: "${error.mesage?}" }] } } },
    path: "tasks.t.finally[0].value",
    message: /error has no member "mesage", did you mean "message"/,
    cure: /error\.code/,
  },
  {
    kind: "a value that is no JSON",
    source: step({ input: { when: new Date(0) } }),
    path: "tasks.t[0].input.when",
    message: "is an object of a class, which is no JSON",
    cure: /^write texts, numbers/,
  },
  {
    kind: "a number that is none",
    source: step({ input: Number.NaN }),
    path: "tasks.t[0].input",
    message: "is NaN, which is no JSON",
    cure: /^write texts, numbers/,
  },
  {
    kind: "a value with __proto__",
    source: step({ input: JSON.parse('{ "__proto__": 1 }') as unknown }),
    path: "tasks.t[0].input.__proto__",
    message: /no member may be called __proto__/,
    cure: "give it another name",
  },
  {
    kind: "a value that is too deep",
    source: step({ input: deepList(65) }),
    path: `tasks.t[0].input${"[0]".repeat(64)}`,
    message: "is nested more than 64 deep",
    cure: /a step of its own/,
  },
  {
    kind: "a condition that is always true",
    source: task({ when: "input.paid", then: CALL }),
    path: "tasks.t[0].when",
    message: 'is the text "input.paid", which is always true',
    cure: /^write \$\{input\.paid\} alone/,
  },
  {
    kind: "a condition with text around it",
    source: task({ when: " ${input.paid}", then: CALL }),
    path: "tasks.t[0].when",
    message: /always true/,
    cure: /alone/,
  },
  {
    kind: "a condition that is a list",
    source: task({ when: ["${input}"], then: CALL }),
    path: "tasks.t[0].when",
    message: "is a list, which is always true",
    cure: /"all"/,
  },
  {
    kind: "an unknown comparison",
    source: task({ when: { equal: [1, 2] }, then: CALL }),
    path: "tasks.t[0].when",
    message: 'has no comparison "equal", did you mean "equals"?',
    cure: /equals, less, greater, in, exists, not, all, any/,
  },
  {
    kind: "two comparisons",
    source: task({ when: { less: [1, 2], exists: "input" }, then: CALL }),
    path: "tasks.t[0].when",
    message: "has 2 comparisons: less, exists",
    cure: /"all" and "any" hold several/,
  },
  {
    kind: "a comparison of one",
    source: task({ when: { not: { less: ["${input}"] } }, then: CALL }),
    path: "tasks.t[0].when.not.less",
    message: "has 1 values",
    cure: /the two values/,
  },
  {
    kind: "exists of no reference",
    source: task({ when: { exists: "input.a b" }, then: CALL }),
    path: "tasks.t[0].when.exists",
    message: '"input.a b" is no reference',
    cure: /\$\{input\.name\}/,
  },
  {
    kind: "none of all",
    source: task({ when: { all: [] }, then: CALL }),
    path: "tasks.t[0].when.all",
    message: "is empty",
    cure: "give it a list of conditions",
  },
  // Schedules.
  {
    kind: "a schedule of an unknown task",
    source: schedule({ task: "tt" }),
    path: "schedules.s.task",
    message: 'there is no task "tt", did you mean "t"?',
    cure: /name a task/,
  },
  {
    kind: "a schedule without a time",
    source: schedule({ cron: undefined }),
    path: "schedules.s.cron",
    message: "is missing",
    cure: /five or six fields/,
  },
  {
    kind: "too few fields of a time",
    source: schedule({ cron: "* * *" }),
    path: "schedules.s.cron",
    message: '"* * *" has 3 fields',
    cure: /^write five fields/,
  },
  {
    kind: "a minute that there is not",
    source: schedule({ cron: "61 * * * *" }),
    path: "schedules.s.cron",
    message: '"61 * * * *" cannot be read: Invalid value for minute: 61',
    cure: /^write five fields/,
  },
  {
    kind: "a day that never comes",
    source: schedule({ cron: "0 0 30 2 *" }),
    path: "schedules.s.cron",
    message: '"0 0 30 2 *" is at no time that comes',
    cure: "write a day that there is",
  },
  {
    kind: "an unknown time zone",
    source: schedule({ timezone: "Europe/Berln" }),
    path: "schedules.s.timezone",
    message: 'there is no time zone "Europe/Berln", did you mean "Europe/Berlin"?',
    cure: /IANA/,
  },
  {
    kind: "an input of a schedule that is no JSON",
    source: schedule({ input: { a: [() => 0] } }),
    path: "schedules.s.input.a[0]",
    message: "is a function, which is no JSON",
    cure: /^write texts/,
  },
  {
    kind: "an unknown way with what was missed",
    source: schedule({ missed: "all" }),
    path: "schedules.s.missed",
    message: 'is the text "all"',
    cure: 'write one of "skip", "last"',
  },
  {
    kind: "an unknown member of a schedule",
    source: schedule({ timeZone: "UTC" }),
    path: "schedules.s.timeZone",
    message: 'a schedule has no "timeZone", did you mean "timezone"?',
    cure: "correct or remove it",
  },
];

const matches = (text: string, expected: string | RegExp): boolean =>
  typeof expected === "string" ? text === expected : expected.test(text);

function failureOf(source: unknown): DefinitionError {
  try {
    compileWorkflow(source, { file: "orders.json", code: ["charge"] });
  } catch (error) {
    if (error instanceof DefinitionError) return error;
    throw error;
  }
  throw new Error("It was taken for right");
}

describe("A definition of a workflow that is wrong", () => {
  for (const { kind, source, path, message, cure } of BAD) {
    it(`is refused for ${kind}`, () => {
      const { problems, message: text } = failureOf(source);
      const told = problems.map((problem) => `${problem.path}: ${problem.message}; ${problem.cure}`).join("\n");
      const found = problems.find(
        (problem) => problem.path === path && matches(problem.message, message) && matches(problem.cure, cure),
      );
      expect(found, told).to.not.equal(undefined);
      expect(problems, told).to.have.lengthOf(1);
      expect(found?.file).to.equal("orders.json");
      expect(text).to.contain(`orders.json: ${path}`).and.contain(found?.message).and.contain(found?.cure);
    });
  }

  it("is told with all that is wrong, in one error of the code CONFIGURATION", () => {
    const error = failureOf({ taks: 1, tasks: { a: [{ task: "b" }, { code: "x" }], c: [] } });
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(RpcError.isRpcError(error)).to.equal(true);
    expect(error.code).to.equal("CONFIGURATION");
    expect(error.outcome).to.equal("not-sent");
    expect(error.problems.map(({ path }) => path)).to.deep.equal([
      "taks",
      "tasks.a[0].task",
      "tasks.a[1].code",
      "tasks.c",
    ]);
    expect(error.message.split("\n")).to.have.lengthOf(5);
  });

  it("is not told of what is wrong only because of something else", () => {
    const { problems } = failureOf(task({ name: "pay", interfce: "a.b" }, { value: "${steps.pay.id}" }));
    expect(problems.map(({ path }) => path)).to.deep.equal(["tasks.t[0]"]);
  });

  it("is told with no more than a hundred problems", () => {
    expect(failureOf({ tasks: { t: Array.from({ length: 500 }, () => 1) } }).problems).to.have.lengthOf(100);
  });

  it("is a DefinitionError, whatever it is", () => {
    const name = fc.constantFrom(
      ...[
        "tasks",
        "schedules",
        "defaults",
        "steps",
        "finally",
        "name",
        "interface",
        "code",
        "task",
        "value",
        "input",
        "args",
      ],
      ...[
        "parallel",
        "map",
        "when",
        "then",
        "else",
        "all",
        "not",
        "less",
        "exists",
        "switch",
        "cases",
        "wait",
        "event",
        "until",
      ],
      ...[
        "compensate",
        "retry",
        "attempts",
        "on",
        "params",
        "optional",
        "result",
        "cron",
        "timezone",
        "__proto__",
        "a",
      ],
    );
    const text = fc.constantFrom(
      "",
      "a",
      "${input.a}",
      "${steps.a?}",
      "${",
      "$${",
      "${item[0]}",
      "0 9 * * *",
      "__proto__",
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 8, withCrossShrink: true },
        fc.oneof(text, fc.constantFrom(null, true, 0, 1, -1, undefined, Number.NaN)),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.array(fc.tuple(name, tie("value")), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    const definition = fc.record(
      { tasks: fc.dictionary(name, value), schedules: value, defaults: value },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(value, definition), (source) => {
        try {
          compileWorkflow(source);
        } catch (error) {
          expect(error).to.be.instanceOf(DefinitionError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("is told at once, however large what it is made of", () => {
    let list: unknown[] = [];
    for (let depth = 0; depth < 40; depth++) list = [list, list];
    expect(failureOf(step({ input: list })).problems[0]?.message).to.equal(
      "is the 100000th list or object of one value",
    );
    let one: object = CALL;
    for (let depth = 0; depth < 40; depth++) one = { steps: [one, one] };
    expect(failureOf(task(one)).problems.map(({ message }) => message)).to.deep.equal([
      "is step 10001 of the definition",
    ]);
  });
});
