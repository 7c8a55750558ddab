import { expect } from "chai";
import { RpcError } from "../../../../src/errors.js";
import { compileWorkflow } from "../../../../src/workflow/definition/compile.js";
import type { CompiledStep, CompiledTask } from "../../../../src/workflow/definition/compiled.js";
import type {
  StepDefinition,
  TaskDefinition,
  WorkflowDefinition,
} from "../../../../src/workflow/definition/definition.js";
import { closureOf, mergeDefinitions, versionOf } from "../../../../src/workflow/definition/version.js";
import { stepsOf } from "../../../../src/workflow/definition/walk.js";

const CALL = { interface: "a.b" };

function compileTask(definition: TaskDefinition): CompiledTask {
  const task = compileWorkflow({ tasks: { t: definition } } satisfies WorkflowDefinition).tasks.get("t");
  if (!task) throw new Error("There is no task");
  return task;
}

function compileStep<Kind extends CompiledStep["kind"]>(
  step: StepDefinition,
  kind: Kind,
): CompiledStep & { kind: Kind } {
  const [compiled] = compileTask([step]).steps;
  if (compiled?.kind !== kind) throw new Error(`It is of kind ${String(compiled?.kind)}`);
  return compiled as CompiledStep & { kind: Kind };
}

describe("A definition of a workflow", () => {
  it("is that of PyCOM: each step calls the method that is called as the task", () => {
    const source = {
      tasks: {
        task1: [
          { interface: "demo.interface.1" },
          { interface: "demo.interface.2" },
          { interface: "demo.interface.3" },
        ],
      },
    };
    const workflow = compileWorkflow(source);
    expect(workflow.source).to.equal(source);
    const task = workflow.tasks.get("task1");
    expect(task?.params).to.equal(undefined);
    const called = task?.steps.map(
      (step) => step.kind === "call" && [step.key, step.interface, step.method, step.input],
    );
    expect(called).to.deep.equal([
      ["0", "demo.interface.1", "task1", undefined],
      ["1", "demo.interface.2", "task1", undefined],
      ["2", "demo.interface.3", "task1", undefined],
    ]);
  });

  it("has defaults: 30 s for calls and code, none for others, no retry", () => {
    expect(compileStep(CALL, "call")).to.include({ timeoutMs: 30_000, retry: undefined, idempotent: undefined });
    expect(compileStep({ code: "f" }, "code")).to.include({ timeoutMs: 30_000, idempotent: false });
    expect(compileStep({ wait: { event: "e" } }, "wait")).to.include({ timeoutMs: undefined, onTimeout: "fail" });
    expect(compileStep({ map: "${input}", steps: [CALL] }, "map")).to.include({
      timeoutMs: undefined,
      concurrency: 10,
    });
    expect(compileStep({ ...CALL, retry: { attempts: 3 } }, "call").retry).to.deep.equal({
      attempts: 3,
      delayMs: 1000,
      factor: 2,
      maxDelayMs: 60_000,
      on: undefined,
    });
    expect(compileStep({ ...CALL, retry: { attempts: 3, delayMs: 90_000 } }, "call").retry?.maxDelayMs).to.equal(
      90_000,
    );
  });

  it("says what calls and code do that say nothing else, as a whole and for each task", () => {
    const retry = { attempts: 2, on: ["TIMEOUT"] };
    const { tasks } = compileWorkflow({
      tasks: {
        general: [CALL, { ...CALL, timeoutMs: 1 }, { steps: [{ code: "f" }] }],
        own: { steps: [CALL], defaults: { timeoutMs: 3 } },
      },
      defaults: { timeoutMs: 2, retry },
    } satisfies WorkflowDefinition);
    const timesOf = (name: string): unknown[] =>
      Array.from(tasks.get(name)?.steps ?? [], ({ timeoutMs, retry: given }) => [timeoutMs, given?.attempts]);
    expect(timesOf("general")).to.deep.equal([
      [2, 2],
      [1, 2],
      [undefined, undefined],
    ]);
    expect(timesOf("own")).to.deep.equal([[3, 2]]);
  });

  it("gives each step a key: its name, or its place", () => {
    const task = compileTask({
      steps: [
        CALL,
        { name: "pay", ...CALL, compensate: { name: "refund", ...CALL } },
        { parallel: { left: CALL, right: [CALL, { name: "last", ...CALL }] } },
        { parallel: [CALL] },
        { when: true, then: CALL, else: [CALL] },
        { switch: "${input}", cases: { "a/b": CALL }, default: CALL },
        { map: [1], steps: [CALL] },
        { steps: [CALL], finally: [CALL] },
      ],
      finally: [CALL],
    });
    expect(Array.from(stepsOf(task), ({ path }) => path)).to.deep.equal([
      "0",
      ...["pay", "pay/compensate"],
      ...["2", "2/left/0", "2/right/0", "2/right/last"],
      ...["3", "3/0/0"],
      ...["4", "4/then/0", "4/else/0"],
      ...["5", "5/a/b/0", "5/default/0"],
      ...["6", "6/0"],
      ...["7", "7/0", "7/finally/0"],
      "finally/0",
    ]);
  });

  it("takes what is undefined for absent", () => {
    const step = { ...CALL, name: undefined, input: undefined, args: undefined, retry: undefined, code: undefined };
    expect(compileStep(step, "call")).to.include({ name: undefined, input: undefined });
  });

  it("lets references lead to all that can be there", () => {
    compileTask({
      params: ["a b", "c"],
      steps: [
        { name: "one", ...CALL, input: "${input['a b']} ${result} ${run.id} ${run.task} ${run.startedAt}" },
        { parallel: { x: { name: "two", ...CALL, input: "${steps.one}" }, y: CALL } },
        { when: "${steps.two}", then: { name: "three", ...CALL }, else: { steps: [{ name: "four", ...CALL }] } },
        {
          map: "${steps.four?}",
          steps: [
            { name: "five", ...CALL, input: ["${item}", "${index}", "${steps.three?}"] },
            {
              value: "${steps.five}",
              compensate: { ...CALL, input: ["${item}", "${output}", "${given}", "${steps.five}"] },
            },
          ],
        },
        { steps: [{ name: "six", ...CALL }], finally: [{ value: ["${steps.six?}", "${error.code?}"] }] },
      ],
      finally: [{ value: { code: "${error.message?}", six: "${steps.six?}", input: "${input.c}" } }],
      result: ["${steps.six}", "${result}"],
    });
  });

  it("reads schedules with their defaults", () => {
    const { schedules } = compileWorkflow({
      tasks: { t: [CALL] },
      schedules: {
        nightly: { task: "t", cron: "0 3 * * *" },
        often: { task: "t", cron: "*/10 * * * * *", timezone: "Europe/Berlin", input: { a: 1 }, missed: "last" },
      },
    } satisfies WorkflowDefinition);
    expect([...schedules]).to.deep.equal([
      ["nightly", { task: "t", cron: "0 3 * * *", timezone: "UTC", input: null, missed: "skip" }],
      ["often", { task: "t", cron: "*/10 * * * * *", timezone: "Europe/Berlin", input: { a: 1 }, missed: "last" }],
    ]);
  });

  it("reads ten thousand steps and a thousand tasks", () => {
    const task = Array.from({ length: 10 }, (_, index) => ({ name: `s${index}`, ...CALL, input: "${input}" }));
    const tasks = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`t${index}`, task]));
    expect(compileWorkflow({ tasks }).tasks.size).to.equal(1000);
  });
});

describe("The version of a task", () => {
  const source: WorkflowDefinition = {
    tasks: {
      a: [{ task: "b" }],
      b: [{ parallel: { x: { task: "c" }, y: CALL } }],
      c: { steps: [{ ...CALL, retry: { attempts: 1 }, timeoutMs: 5 }] },
      other: [CALL],
    },
    defaults: { timeoutMs: 7 },
  };
  const versionIn = (changed: Partial<WorkflowDefinition>, task = "a"): string =>
    versionOf(compileWorkflow({ ...source, ...changed }), task);
  const version = versionIn({});

  it("is short, and the same for the same", () => {
    expect(version).to.match(/^[\da-f]{16}$/);
    const { tasks } = source;
    const turned = { steps: [{ timeoutMs: 5, retry: { attempts: 1 }, doc: undefined, interface: "a.b" }] };
    expect(versionIn({ tasks: { c: turned, b: tasks.b ?? [], a: tasks.a ?? [] } })).to.equal(version);
    expect(versionIn({ tasks: { ...tasks, other: [{ interface: "x" }] } })).to.equal(version);
    expect(versionIn({ schedules: { s: { task: "a", cron: "* * * * *" } } })).to.equal(version);
  });

  it("changes with what the task calls, and with the defaults", () => {
    expect(versionIn({ tasks: { ...source.tasks, c: [CALL] } })).to.not.equal(version);
    expect(versionIn({ defaults: { timeoutMs: 8 } })).to.not.equal(version);
    expect(versionIn({}, "b")).to.not.equal(version);
    const twice = (steps: StepDefinition[]): string => versionIn({ tasks: { a: steps } });
    expect(twice([{ value: [1, 2] }])).to.not.equal(twice([{ value: [2, 1] }]));
    expect(twice([{ value: {} }])).to.not.equal(twice([{ value: [] }]));
  });

  it("belongs to a part of the definition that does the same alone", () => {
    const workflow = compileWorkflow(source);
    const closure = closureOf(workflow, "b");
    const [call] = (source.tasks.c as { steps: StepDefinition[] }).steps;
    expect(closure).to.deep.equal({
      tasks: {
        b: { steps: source.tasks.b, defaults: { timeoutMs: 7 } },
        c: { steps: [call], defaults: { timeoutMs: 7 } },
      },
    });
    const alone = compileWorkflow(JSON.parse(JSON.stringify(closure)));
    expect(alone.tasks.get("b")).to.deep.equal(workflow.tasks.get("b"));
    expect(versionOf(alone, "b")).to.equal(versionOf(workflow, "b"));
  });

  it("is METHOD_NOT_FOUND for an unknown task", () => {
    const workflow = compileWorkflow(source);
    expect(() => versionOf(workflow, "othr")).to.throw(RpcError, 'There is no task "othr", did you mean "other"?');
    try {
      closureOf(workflow, "othr");
    } catch (error) {
      expect(error).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    }
  });

  it("is of one definition that was made of two, where tasks keep their defaults", () => {
    const added: WorkflowDefinition = {
      tasks: { other: { steps: [CALL], defaults: { retry: { attempts: 2 } } }, more: [CALL, { task: "other" }] },
      defaults: { timeoutMs: 9, retry: { attempts: 5 } },
      schedules: { s: { task: "more", cron: "* * * * *" } },
    };
    const { tasks, schedules } = compileWorkflow(mergeDefinitions(source, added));
    expect([...tasks.keys()]).to.deep.equal(["a", "b", "c", "other", "more"]);
    // Those that were there are the same as before.
    expect(versionOf(compileWorkflow(mergeDefinitions(source, added)), "a")).to.equal(version);
    expect([...schedules.keys()]).to.deep.equal(["s"]);
    const firstOf = (name: string): unknown[] => {
      const step = tasks.get(name)?.steps[0];
      return [step?.timeoutMs, step?.retry?.attempts];
    };
    expect(firstOf("c")).to.deep.equal([5, 1]);
    expect(firstOf("other")).to.deep.equal([9, 2]);
    expect(firstOf("more")).to.deep.equal([9, 5]);
  });
});
