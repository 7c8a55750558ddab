import type {
  AnyFunction,
  Dynamic,
  InterfaceType,
  RemoteKey,
  RemoteResult,
  RemoteType,
  Sent,
  Whole,
} from "../../peer/remote.js";
import type {
  CallDefinition,
  Mapping,
  ScheduleDefinition,
  StepCommon,
  StepDefaults,
  TaskDefinition,
  WorkflowDefinition,
} from "./definition.js";

/** A definition whose tasks are known by name. */
export interface TypedWorkflow<Name extends string> extends WorkflowDefinition {
  /** Tasks by name. */
  readonly tasks: Readonly<Record<Name, TaskDefinition>>;
}

/** What {@link defineWorkflow} takes. */
export interface WorkflowInput<Name extends string> {
  /** Tasks by name. */
  readonly tasks: Readonly<Record<Name, TaskDefinition>>;
  /** Schedules by name, of these tasks. */
  readonly schedules?: Readonly<Record<string, TypedSchedule<NoInfer<Name>>>> | undefined;
  /** For all calls and code that say nothing else. */
  readonly defaults?: StepDefaults | undefined;
}

/** A schedule of one of these tasks. */
export interface TypedSchedule<Name extends string> extends ScheduleDefinition {
  /** The task. */
  readonly task: Name;
}

/**
 * A definition that is made in TypeScript, so that the compiler looks at it. It comes back as it is.
 *
 * ```ts
 * const orders = defineWorkflow({ tasks: { order: [stock.reserve({ name: "reserved" }), { code: "mail" }] } });
 * const service = client.locate<TasksOf<typeof orders>>("lamplighter.workflow", "/shop/orders");
 * ```
 */
export function defineWorkflow<Name extends string>(definition: WorkflowInput<Name>): TypedWorkflow<Name> {
  return definition;
}

/** The tasks of a definition as methods, for proxies. */
export type TasksOf<W extends WorkflowDefinition> = Readonly<
  Record<keyof W["tasks"] & string, (...values: unknown[]) => unknown>
>;

/** A text that refers to a value of a type, as {@link ref} makes it. Where a text is taken, one that refers to something else passes as well. */
export type ValueReference<T> = `\${${string}}` & TypedValue<T>;

/** What a text stands for, for the compiler only. */
export interface TypedValue<T> {
  /** At run time there is no such member. */
  readonly "~value": T;
}

/** A value, or references to it or to parts of it. */
export type Mapped<T> = ValueReference<T> | MappedParts<T>;

/** {@link Mapped}, without a reference to the whole. What is no JSON can be referred to only. */
export type MappedParts<T> = unknown extends T
  ? Mapping
  : T extends string | number | boolean | null
    ? T
    : T extends AnyFunction | Whole | bigint | symbol
      ? never
      : T extends object
        ? { readonly [K in keyof T]: Mapped<T[K]> }
        : never;

/** A step that calls a method, and what the method results in. */
export interface CallStep<Result> extends CallDefinition {
  /** For the compiler only: at run time there is no such member. */
  readonly "~result"?: Result;
}

/** What a step has besides the method that it calls. */
export interface CallStepOptions<Arguments extends readonly unknown[]>
  extends StepCommon,
    Pick<CallDefinition, "idempotent"> {
  /** One value; of a method with several arguments an object of them by name. Default: what the step before resulted in. */
  readonly input?: CallInput<Arguments> | null | undefined;
  /** The arguments in order, instead of `input`. */
  readonly args?: { readonly [K in keyof Arguments]: Mapped<Arguments[K]> } | undefined;
}

/** What `input` of a call is. */
export type CallInput<Arguments extends readonly unknown[]> =
  Required<Arguments> extends readonly [infer Only]
    ? Mapped<Only>
    : ValueReference<never> | Readonly<Record<string, Mapping>>;

/** Makes a step that calls a method. */
export type CallMaker<Arguments extends readonly unknown[], Result> = (
  options?: CallStepOptions<Arguments>,
) => CallStep<Result>;

/** Makers of steps by method; objects among the members are paths, as in `Remote`. */
export type CallsTo<T> = string extends keyof T
  ? Readonly<Record<string, CallMaker<readonly unknown[], unknown>>>
  : { readonly [K in keyof T as RemoteKey<T, K>]: CallsToMember<T[K]> };

/** A method, or a path to some. */
export type CallsToMember<T> = T extends (...args: infer A) => infer R
  ? CallMaker<Sent<A>, RemoteResult<Awaited<R>>>
  : T extends object
    ? CallsTo<T>
    : never;

/**
 * Makes steps that call an interface, typed as proxies are: by a name of `Interfaces`, an interface, a class, or `typeof` what `defineInterface`
 * returned.
 *
 * ```ts
 * const query = callsTo<Query>("com.foo.example");
 * const created = query.create({ name: "created", args: [ref("input.value")] });
 * const printed = query.print({ input: ref(created, "field1") });
 * ```
 *
 * @param where - only these services
 */
export function callsTo<Name extends string>(
  interfaceName: Name,
  where?: Pick<CallDefinition, "service" | "tags">,
): CallsTo<InterfaceType<Name>>;
export function callsTo<T>(
  interfaceName: string,
  where?: Pick<CallDefinition, "service" | "tags">,
): CallsTo<RemoteType<T>>;
export function callsTo(interfaceName: string, where: Pick<CallDefinition, "service" | "tags"> = {}): CallsTo<Dynamic> {
  // The one place where a path becomes a method; what is asked of it by the runtime has no meaning.
  return makerAt("", { ...where, interface: interfaceName }) as CallsTo<Dynamic>;
}

/**
 * A reference to the result of a step, or to a member of it; the step must have a name.
 *
 * @throws TypeError if it has none
 */
export function ref<R>(step: CallStep<R>): ValueReference<R>;
export function ref<R, A extends keyof R>(step: CallStep<R>, first: A): ValueReference<R[A]>;
export function ref<R, A extends keyof R, B extends keyof R[A]>(
  step: CallStep<R>,
  first: A,
  second: B,
): ValueReference<R[A][B]>;
export function ref<R, A extends keyof R, B extends keyof R[A], C extends keyof R[A][B]>(
  step: CallStep<R>,
  first: A,
  second: B,
  third: C,
): ValueReference<R[A][B][C]>;
/** A reference that is written as in a definition, without the signs around it: `ref("input.order.id")`. It passes for any type. */
export function ref(text: string): ValueReference<never>;
export function ref(target: string | CallStep<unknown>, ...members: readonly unknown[]): ValueReference<never> {
  if (typeof target === "string") return `\${${target}}` as ValueReference<never>;
  if (target.name === undefined) {
    throw new TypeError(`The step that calls ${target.interface} has no name to refer to it: give it one`);
  }
  const path = members.map((member) => {
    return typeof member === "number" ? `[${member}]` : `["${String(member).replaceAll(/["\\]/g, "\\$&")}"]`;
  });
  return `\${steps.${target.name}${path.join("")}}` as ValueReference<never>;
}

function makerAt(path: string, call: CallDefinition): unknown {
  const make = (options: object = {}): object => ({ ...call, ...(path === "" ? {} : { method: path }), ...options });
  return new Proxy(make, {
    get: (_target, key) =>
      // Nobody waits for it by mistake.
      typeof key === "symbol" || key === "then" ? undefined : makerAt(path === "" ? key : `${path}.${key}`, call),
  });
}
