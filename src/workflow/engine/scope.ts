import type { Scope } from "../definition/compiled.js";

/** What the references of a run begin with. */
export interface RunFacts {
  readonly id: string;
  readonly task: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** What the references of a step begin with; steps within it have one of their own, with this one behind it. */
export class RunScope implements Scope {
  readonly #parent: RunScope | undefined;
  readonly #values: Map<string, unknown>;
  /** Results of steps; those within a step that is done once can be seen from behind it, and share it. */
  readonly #steps: Map<string, unknown>;

  private constructor(
    parent: RunScope | undefined,
    values: Map<string, unknown>,
    steps: Map<string, unknown> = new Map<string, unknown>(),
  ) {
    this.#parent = parent;
    this.#values = values;
    this.#steps = steps;
  }

  /** Of a task: it sees nothing of the one that calls it. */
  static ofTask(run: RunFacts, input: unknown): RunScope {
    return new RunScope(
      undefined,
      new Map<string, unknown>([
        ["run", run],
        ["input", input],
        ["result", input],
      ]),
    );
  }

  /** Within this one, with values of its own; its steps are those of this one. */
  within(values: Readonly<Record<string, unknown>>): RunScope {
    return new RunScope(this, new Map(Object.entries(values)), this.#steps);
  }

  /** As {@link RunScope.within}, for steps of which nothing is seen from outside. */
  apart(values: Readonly<Record<string, unknown>>): RunScope {
    return new RunScope(this, new Map(Object.entries(values)));
  }

  get(name: string): unknown {
    return this.#values.has(name) ? this.#values.get(name) : this.#parent?.get(name);
  }

  step(name: string): unknown {
    return this.#steps.has(name) ? this.#steps.get(name) : this.#parent?.step(name);
  }

  /** A step has ended. */
  ended(name: string | undefined, result: unknown): void {
    this.#values.set("result", result);
    if (name !== undefined) this.#steps.set(name, result);
  }
}
