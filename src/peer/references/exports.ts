import { rpcError } from "../../errors.js";
import type { ExposedInterface } from "../exposed/exposed-interface.js";
import { exposeReference } from "./expose-reference.js";

/** References that each end of a connection may hold, where nothing else is said. */
export const DEFAULT_MAX_REFERENCES = 10_000;

/** Something of ours that the other end holds a reference to. */
export interface Export {
  /** Its number at this end. */
  readonly id: number;
  /** The function or object. */
  readonly target: object;
  /** What of it can be called. */
  readonly exposed: ExposedInterface;
  /** How often it was sent and not released. */
  count: number;
  /** When it was sent first, in milliseconds since 1970. */
  readonly since: number;
}

/** What the other end of one connection holds references to. It is kept alive until it is released, or the other end is gone. */
export class Exports {
  readonly #byId = new Map<number, Export>();
  readonly #byTarget = new Map<object, Export>();
  readonly #max: number;
  #nextId = 1;

  /** @param max - references that the other end may hold; one more cannot be sent */
  constructor(max: number) {
    this.#max = max;
  }

  /** References that are held. */
  get size(): number {
    return this.#byId.size;
  }

  /** All of them. */
  values(): Iterable<Export> {
    return this.#byId.values();
  }

  /**
   * Counts one more sending of a function or object.
   *
   * @returns `undefined` when it does not travel as a reference
   * @throws RpcError with code `OVERLOADED` when there are too many
   */
  add(target: object): Export | undefined {
    const known = this.#byTarget.get(target);
    if (known) {
      known.count++;
      return known;
    }
    const exposed = exposeReference(target);
    if (!exposed) return undefined;
    if (this.#byId.size >= this.#max) {
      throw rpcError(
        "OVERLOADED",
        `The other end holds ${this.#max} references already (option maxReferences): release them with using, or close its proxies`,
      );
    }
    const added: Export = { id: this.#nextId++, target, exposed, count: 1, since: Date.now() };
    this.#byId.set(added.id, added);
    this.#byTarget.set(target, added);
    return added;
  }

  /** What a number stands for. */
  get(id: number): Export | undefined {
    return this.#byId.get(id);
  }

  /** The other end has let go of so many sendings. */
  release(id: number, count: number): void {
    const held = this.#byId.get(id);
    if (!held) return;
    held.count -= count;
    if (held.count > 0) return;
    this.#byId.delete(id);
    this.#byTarget.delete(held.target);
  }

  /** The other end is gone. */
  clear(): void {
    this.#byId.clear();
    this.#byTarget.clear();
  }
}
