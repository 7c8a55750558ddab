import { ProtocolError } from "../../errors.js";
import { Import, type ImportedShape, type ReferenceControl } from "./import.js";
import { remoteFunction, remoteObject } from "./remote-reference.js";

/** What this end of one connection holds of the other's. */
export class Imports {
  readonly #held = new Map<number, { readonly reference: Import; readonly value: WeakRef<object> }>();
  readonly #control: ReferenceControl;
  readonly #max: number;
  /** What nobody holds any more is let go, some time. Nobody should rely on it. */
  readonly #forgotten = new FinalizationRegistry<Import>((reference) => {
    // What is lost holds nothing any more, and what was obtained in its place may be held by others.
    if (!reference.isLost) reference.release();
  });

  /** @param max - references that this end takes */
  constructor(control: ReferenceControl, max: number) {
    this.#max = max;
    this.#control = {
      label: control.label,
      timeoutMs: control.timeoutMs,
      call: (id, method, args, deadlineAt) => control.call(id, method, args, deadlineAt),
      release: (reference) => {
        // Another one of the same number may have come since nobody held this one.
        if (this.#held.get(reference.id)?.reference === reference) this.#held.delete(reference.id);
        control.release(reference);
      },
    };
  }

  /** References that are held. */
  get size(): number {
    return this.#held.size;
  }

  /** All of them. */
  *values(): Iterable<Import> {
    for (const { reference } of this.#held.values()) yield reference;
  }

  /**
   * What stands for a reference; the same for the same one, as long as it is held.
   *
   * @param shape - what an object offers; `undefined` for a function
   * @throws ProtocolError when there are too many
   */
  accept(id: number, shape: ImportedShape | undefined): object {
    const known = this.#held.get(id);
    const alive = known?.value.deref();
    if (known && alive) {
      known.reference.count++;
      return alive;
    }
    if (this.#held.size >= this.#max) throw new ProtocolError(`More than ${this.#max} references were sent`);
    const reference = new Import(id, this.#control, shape ?? FUNCTION);
    reference.count = 1;
    const value = shape ? remoteObject(reference) : remoteFunction(reference);
    this.#held.set(id, { reference, value: new WeakRef(value) });
    this.#forgotten.register(value, reference);
    return value;
  }

  /** Does a reference belong to this connection, so that it goes home to its owner? */
  owns(reference: Import): boolean {
    return reference.control === this.#control;
  }

  /** The other end is gone. */
  lost(): void {
    for (const { reference } of this.#held.values()) reference.lost();
    this.#held.clear();
  }
}

const FUNCTION: ImportedShape = { methods: [], idempotent: [] };
