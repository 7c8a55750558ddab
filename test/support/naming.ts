import { randomBytes } from "node:crypto";
import type { CallTarget, EarlierNamedTry, NamedCall } from "../../src/peer/named-call.js";

/** Names calls as a workflow engine does, and remembers where they went. */
export class Naming implements NamedCall {
  readonly name: string = randomBytes(12).toString("base64url");
  readonly targets: CallTarget[] = [];
  readonly earlier: EarlierNamedTry | undefined;
  taken: number | undefined;
  /** What is done before a name is given. */
  readonly before: ((target: CallTarget) => unknown) | undefined;

  constructor(options: { before?: (target: CallTarget) => unknown; earlier?: EarlierNamedTry } = {}) {
    this.before = options.before;
    this.earlier = options.earlier;
  }

  /** Names that were given. */
  get count(): number {
    return this.targets.length;
  }

  async sending(target: CallTarget): Promise<string> {
    this.targets.push(target);
    const call = this.call(this.count);
    await this.before?.(target);
    return call;
  }

  /** The name of one of its tries. */
  call(number: number = this.count): string {
    return `${this.name}:${number}`;
  }

  /** What another process needs to know of the last try. */
  handOver(ageMs = 0): EarlierNamedTry {
    const target = this.targets.at(-1);
    if (target?.incarnation === undefined) throw new Error("There was no try that can be asked for");
    return { call: this.call(), incarnation: target.incarnation, journal: target.journal, ageMs };
  }

  /** What another process asks with. */
  heir(ageMs = 0): Naming {
    return new Naming({ earlier: this.handOver(ageMs) });
  }
}
