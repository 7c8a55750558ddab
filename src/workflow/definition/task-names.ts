import { didYouMean } from "../../util/did-you-mean.js";
import { type Problems, quote } from "./problems.js";
import type { Reach } from "./reach.js";
import type { Reference } from "./reference.js";

/** The names of one task: its steps and parameters, and whether references to them can ever resolve. */
export class TaskNames {
  readonly #problems: Problems;
  readonly #params: readonly string[] | undefined;
  readonly #steps = new Map<string, { readonly path: string; open: boolean }>();
  readonly #unknown: { readonly name: string; readonly path: string; readonly text: string }[] = [];

  /** @param params - `undefined`: nobody knows what callers give */
  constructor(problems: Problems, params: readonly string[] | undefined) {
    this.#problems = problems;
    this.#params = params;
  }

  /** A step begins. @returns `false`, and tells so, if there is one of its name */
  open(name: string, path: string): boolean {
    const other = this.#steps.get(name);
    if (other) {
      this.#problems.add(path, `${other.path} is called ${quote(name)} too`, "give one of them another name");
      return false;
    }
    this.#steps.set(name, { path, open: true });
    return true;
  }

  /** A step ends. */
  close(name: string): void {
    const step = this.#steps.get(name);
    if (step) step.open = false;
  }

  /** Tells of a reference that cannot lead anywhere. */
  check(reference: Reference, path: string, reach: Reach): void {
    const { root, members, text } = reference;
    const say = (message: string, cure: string): void => {
      this.#problems.add(path, `\${${text}}: ${message}`, cure);
    };
    if (!reach.hasRoot(root)) {
      const only = ONLY.get(root);
      if (only) say(`there is ${root} in ${only} only`, `refer to one of ${reach.roots().join(", ")}`);
      else if (reach.hasStep(root)) say(`there is no ${root}`, `the result of the step is steps.${root}`);
      else if (this.#params?.includes(root) === true) say(`there is no ${root}`, `the parameter is input.${root}`);
      else {
        const near = didYouMean(root, reach.roots());
        say(`there is no ${root}${near}`, `refer to one of ${reach.roots().join(", ")}`);
      }
      return;
    }
    const [member] = members;
    const known = KNOWN_MEMBERS.get(root);
    if (root === "steps") this.#checkStep(reference, path, reach);
    else if (known) {
      if (member !== undefined && !known.includes(String(member))) {
        const near = didYouMean(String(member), known);
        const has =
          known.length === 0
            ? `refer to ${root} itself`
            : `refer to one of ${known.map((one) => `${root}.${one}`).join(", ")}`;
        say(`${root} has no member ${quote(String(member))}${near}`, has);
      }
    } else if (root === "input" && this.#params && member !== undefined && !this.#params.includes(String(member))) {
      const near = didYouMean(String(member), this.#params);
      say(`the task has no parameter ${quote(String(member))}${near}`, "add it to its params, or refer to one of them");
    }
  }

  /** Tells of references to steps that do not exist. */
  end(): void {
    for (const { name, path, text } of this.#unknown) {
      const step = this.#steps.get(name);
      const message = step
        ? `the step comes later, at ${step.path}`
        : `there is no step ${quote(name)}${didYouMean(name, this.#steps.keys())}`;
      const cure = step ? "refer to steps that are done before" : "refer to a step by its name";
      this.#problems.add(path, `\${${text}}: ${message}`, cure);
    }
  }

  #checkStep({ members: [member], text }: Reference, path: string, reach: Reach): void {
    if (member === undefined) {
      this.#problems.add(path, `\${${text}}: which step?`, "write steps.NAME");
      return;
    }
    const name = String(member);
    if (reach.hasStep(name)) return;
    const step = this.#steps.get(name);
    if (!step) this.#unknown.push({ name, path, text });
    else if (step.open) {
      this.#problems.add(path, `\${${text}}: the step is not done yet`, "refer to steps that are done before");
    } else {
      this.#problems.add(
        path,
        `\${${text}}: ${step.path} stands in a branch, a map or an end that cannot be seen from here`,
        "refer to the result of the whole of it",
      );
    }
  }
}

const ONLY: ReadonlyMap<string, string> = new Map([
  ["item", "the steps of a map"],
  ["index", "the steps of a map"],
  ["output", "compensate"],
  ["given", "compensate"],
  ["error", "finally"],
]);

const KNOWN_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["run", ["id", "task", "startedAt"]],
  ["error", ["code", "message", "step"]],
  ["index", []],
]);
