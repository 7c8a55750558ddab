import type { AmpField, AmpFields, AnyType } from "./type.js";

/** A declared argument, as it is looked at for every box. */
export type PlannedField = {
  /** The name. */
  readonly name: string;
  /** Has every object a member of this name? */
  readonly isCommon: boolean;
} & (
  | { readonly field: undefined; readonly type: AnyType }
  | { readonly field: AmpField<never, unknown>; readonly type: undefined }
);

/** What is known of declared arguments before any box. */
export interface FieldPlan {
  /** As they were declared, which is the order of what a receiver gets. */
  readonly asDeclared: readonly PlannedField[];
  /** In the order in which they are written, that of the keys' octets, so that boxes need not be sorted. */
  readonly inOrder: readonly PlannedField[];
  /** All names, as they were declared. */
  readonly names: ReadonlySet<string>;
}

/** Plans of what cannot change any more, as the fields of commands. */
const plans = new WeakMap<AmpFields, FieldPlan>();

/** The plan of declared arguments; made once where they are frozen. */
export function planOf(fields: AmpFields): FieldPlan {
  let plan = plans.get(fields);
  if (!plan) {
    plan = makePlan(fields);
    if (Object.isFrozen(fields)) plans.set(fields, plan);
  }
  return plan;
}

function makePlan(fields: AmpFields): FieldPlan {
  const asDeclared = Object.entries(fields).map(([name, given]): PlannedField => {
    const isCommon = name in Object.prototype;
    return "presence" in given
      ? { name, isCommon, field: given, type: undefined }
      : { name, isCommon, field: undefined, type: given };
  });
  return {
    asDeclared,
    inOrder: asDeclared.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    names: new Set(asDeclared.map(({ name }) => name)),
  };
}
