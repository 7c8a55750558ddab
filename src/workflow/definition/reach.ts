/** What the references of a mapping can refer to, where it stands. */
export class Reach {
  readonly #parent: Reach | undefined;
  readonly #roots: ReadonlySet<string>;
  readonly #steps = new Set<string>();
  /** Does it stand in what undoes something? */
  readonly undoes: boolean;
  /** Does it stand in what is done in any case? */
  readonly closes: boolean;

  private constructor(parent: Reach | undefined, roots: readonly string[], undoes: boolean, closes: boolean) {
    this.#parent = parent;
    this.#roots = new Set(roots);
    this.undoes = undoes;
    this.closes = closes;
  }

  /** That of a task. */
  static ofTask(): Reach {
    return new Reach(undefined, ["input", "result", "run", "steps"], false, false);
  }

  /** The same, for a list of steps: what is added to it is not seen from here. */
  inner(): Reach {
    return new Reach(this, [], this.undoes, this.closes);
  }

  /** For what is done with each item of a list. */
  ofEach(): Reach {
    return new Reach(this, ["item", "index"], this.undoes, this.closes);
  }

  /** For what undoes a step. */
  ofUndoing(): Reach {
    return new Reach(this, ["output", "given"], true, this.closes);
  }

  /** For what is done in any case. */
  ofClosing(): Reach {
    return new Reach(this, ["error"], this.undoes, true);
  }

  /** Adds steps that are done from here on. */
  add(steps: Iterable<string>): void {
    for (const step of steps) this.#steps.add(step);
  }

  /** Is there a value of this name? */
  hasRoot(name: string): boolean {
    return this.#roots.has(name) || (this.#parent?.hasRoot(name) ?? false);
  }

  /** Names of the values that there are. */
  roots(): string[] {
    return [...(this.#parent?.roots() ?? []), ...this.#roots];
  }

  /** Is a step done, maybe? */
  hasStep(name: string): boolean {
    return this.#steps.has(name) || (this.#parent?.hasStep(name) ?? false);
  }

  /** Names of the steps that are done, maybe. */
  steps(): string[] {
    return [...(this.#parent?.steps() ?? []), ...this.#steps];
  }
}
