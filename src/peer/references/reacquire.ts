import { rpcError } from "../../errors.js";
import { type Import, importOf } from "./import.js";
import { eachPlace, type Place, valueAt } from "./places.js";

/** All references that stand somewhere in a value. */
function referencesIn(value: unknown): { readonly reference: Import; readonly value: object; readonly place: Place }[] {
  const found: { reference: Import; value: object; place: Place }[] = [];
  eachPlace(value, (one, place) => {
    const reference = importOf(one);
    if (reference) found.push({ reference, value: one, place });
    return reference !== undefined;
  });
  return found;
}

/**
 * Obtains those references again that stand in a value and are lost, so that the value can be sent.
 *
 * @throws RpcError with code `REFERENCE_LOST` when one cannot be
 */
export async function reviveReferences(value: unknown): Promise<void> {
  for (const { reference } of referencesIn(value)) {
    const { live } = reference;
    if (live.isLost) await live.alive("", performance.now() + live.control.timeoutMs);
  }
}

/** Do references stand in a value that are lost, and can be obtained again? */
export function holdsRevivable(value: unknown): boolean {
  return referencesIn(value).some(({ reference: { live } }) => live.isLost && live.reacquire !== undefined);
}

/**
 * Notes how references were obtained, so that they can be obtained again the same way when they are lost: in the same place
 * of the result of the same call, all of one result together. References are looked for in objects and arrays, at any depth.
 *
 * @param result - what a call that may be executed twice was answered with
 * @param args - what it was called with; what only came back is no result
 * @param again - makes that call once more
 */
export function remember(result: unknown, args: unknown, again: () => Promise<unknown>): void {
  const given = new Set(referencesIn(args).map(({ reference }) => reference));
  const members = referencesIn(result)
    .filter(({ reference }) => !given.has(reference) && !reference.reacquire)
    .map(({ reference, value, place }) => ({ reference, held: new WeakRef(value), place }));
  let running: Promise<unknown> | undefined;
  const repeat = async (): Promise<unknown> => {
    await reviveReferences(args);
    const fresh = await again();
    for (const { reference, held, place } of members) {
      const value = valueAt(fresh, place);
      const isWanted = held.deref() !== undefined && isReference(value) && reference.succeed(value);
      // What nobody holds any more would be kept at the service until it is collected here.
      if (!isWanted && isReference(value) && importOf(value)?.count === 1 && !wanted.has(reference))
        importOf(value)?.release();
    }
    return fresh;
  };
  const wanted = new Set<Import>();
  for (const { reference, place } of members) {
    reference.reacquire = async () => {
      wanted.add(reference);
      try {
        running ??= repeat().finally(() => {
          running = undefined;
        });
        const found = valueAt(await running, place);
        if (isReference(found)) return found;
      } finally {
        wanted.delete(reference);
      }
      const where = place.length === 0 ? "The result" : `What stands at ${place.join(".")} of the result`;
      throw rpcError("REFERENCE_LOST", `${where} is no reference any more`, { outcome: "executed" });
    };
  }
}

function isReference(value: unknown): value is object {
  return value !== null && (typeof value === "object" || typeof value === "function") && importOf(value) !== undefined;
}
