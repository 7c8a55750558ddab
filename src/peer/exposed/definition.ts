import { ConfigurationError } from "../../errors.js";
import { AccessPolicy } from "../../security/policy.js";
import type { Logger } from "../../util/log.js";
import { methodsOf } from "../../util/methods-of.js";
import { brand, brandOf, hasBrand } from "../../util/shared.js";
import { servingCall } from "../call-context.js";
import { type Contract, type HostContract, INTROSPECT, toIntrospection } from "../contract.js";
import { type JournalingHost, journaled } from "../once/once-method.js";
import type { TypedAs } from "../remote.js";
import type { ExposedInterface, ExposedMethod } from "./exposed-interface.js";
import { exposeMethod } from "./exposed-method.js";
import type { MethodDefinitions, MethodsOf } from "./interface-of.js";
import { type InterfaceMark, interfaceMark, methodMark } from "./marks.js";
import type { InterfaceOptions, MethodFunction, MethodOptions } from "./method-options.js";

/** An interface without a class; made by {@link defineInterface}. */
export class InterfaceDefinition<M extends MethodDefinitions = MethodDefinitions> implements TypedAs<MethodsOf<M>> {
  declare readonly "~remote": MethodsOf<M>;
  /** Dotted name, and how it behaves. */
  readonly mark: InterfaceMark;
  /** Methods by name. */
  readonly methods: M;

  /** Use {@link defineInterface}. */
  constructor(mark: InterfaceMark, methods: M) {
    this.mark = mark;
    this.methods = methods;
  }
}

const MARK = brandOf("InterfaceDefinition");
brand(InterfaceDefinition.prototype, MARK);

function isDefinition(value: unknown): value is InterfaceDefinition {
  return hasBrand(value, MARK);
}

/**
 * An interface without a class and without decorators:
 *
 * ```ts
 * const query = defineInterface("com.foo.example", {
 *   methods: {
 *     create: (value: number) => ({ field1: value }),
 *     add: { params: ["a", "b"], idempotent: true, run: (a: number, b: number) => a + b },
 *   },
 * });
 * ```
 *
 * @throws ConfigurationError when the name is empty
 */
export function defineInterface<const M extends MethodDefinitions>(
  name: string,
  options: InterfaceOptions & { readonly methods: M },
): InterfaceDefinition<M> {
  if (typeof name !== "string" || name === "")
    throw new ConfigurationError("defineInterface needs the interface's name");
  const { methods, ...mark } = options;
  return new InterfaceDefinition({ name, ...mark }, methods);
}

/** What a host can provide: a definition, a marked class (made without arguments), or an instance of one. */
export type Provided = InterfaceDefinition | object;

/** Can this be provided? For looking through what a module exports. */
export function isProvidable(value: unknown): value is Provided {
  if (isDefinition(value)) return true;
  if (typeof value === "function") return interfaceMark(value) !== undefined;
  return typeof value === "object" && value !== null && interfaceMark(value.constructor) !== undefined;
}

/** What an interface needs to know of the host that provides it. */
export interface ProvidingHost extends JournalingHost {
  /** What it says of itself. */
  contract(): Omit<HostContract, "stateful">;
  /** Told of declarations that are hardly meant so; absent: where there is nothing wrong with them. */
  readonly log?: Logger | undefined;
}

/**
 * Makes what is provided callable.
 *
 * @throws ConfigurationError when it is no interface, has no method, or two methods of one name
 */
export function buildInterface(provided: Provided, host: ProvidingHost): ExposedInterface {
  const { mark, methods } = isDefinition(provided) ? readDefinition(provided) : readClass(provided);
  for (const [name, method] of methods) {
    if (method.undeclared !== undefined) host.log?.warn(undeclaredText(mark.name, method));
    methods.set(name, journaled(method, host));
  }
  if (methods.size === 0 && mark.mayBeEmpty !== true) {
    throw new ConfigurationError(`${mark.name} has no methods: mark them with @Method, or name them in expose()`);
  }
  const stateful = mark.stateful ?? false;
  if (mark.introspection !== false && !methods.has(INTROSPECT)) {
    methods.set(
      INTROSPECT,
      exposeMethod(mark.name, INTROSPECT, () => toIntrospection(contract, servingCall()?.isRepeatable), undefined, {
        doc: "What this interface offers.",
        idempotent: true,
      }),
    );
  }
  const contract: Contract = {
    name: mark.name,
    docstring: mark.doc ?? null,
    data: mark.data ?? {},
    methods: new Map([...methods].map(([name, method]) => [name, describe(name, method)])),
    // A host learns its journal's name when it starts.
    get host() {
      return { ...host.contract(), stateful };
    },
  };
  return {
    name: mark.name,
    stateful,
    authentication: mark.authentication,
    governedAs: mark.name,
    policy: policyOf(mark),
    methods,
    contract,
  };
}

/** @throws ConfigurationError when it makes no sense */
export function policyOf({ policy }: InterfaceMark): AccessPolicy | undefined {
  return policy === undefined ? undefined : new AccessPolicy(policy);
}

function undeclaredText(interfaceName: string, { contract, undeclared }: ExposedMethod): string {
  return (
    `${interfaceName}.${contract.name} has ${undeclared} parameters and declares none, so that callers can give it one value ` +
    "only: declare them with params"
  );
}

/** PyCOM names the results of `introspect`, although they are not wrapped. */
function describe(name: string, method: ExposedMethod): ExposedMethod["contract"] {
  return name === INTROSPECT
    ? { ...method.contract, results: ["name", "methods", "docstring", "data"] }
    : method.contract;
}

interface Read {
  readonly mark: InterfaceMark;
  readonly methods: Map<string, ExposedMethod>;
}

function readDefinition({ mark, methods }: InterfaceDefinition): Read {
  const read: Read = { mark, methods: new Map() };
  for (const [key, definition] of Object.entries(methods)) {
    const { run, ...options } = typeof definition === "function" ? { run: definition } : definition;
    add(read, { name: key, ...options }, run, undefined);
  }
  return read;
}

function readClass(provided: object): Read {
  const instance = instanceOf(provided);
  const mark = interfaceMark(instance.constructor);
  if (!mark) {
    throw new ConfigurationError(
      `${instance.constructor.name || "This object"} provides no interface: mark its class with @Interface("…")`,
    );
  }
  return readMarked(instance, mark);
}

/**
 * Methods of an object that are marked for being called from elsewhere, by remote name.
 *
 * @throws ConfigurationError when two have one name
 */
export function markedMethods(instance: object): ReadonlyMap<string, ExposedMethod> {
  const prototype = Object.getPrototypeOf(instance) as object | null;
  if (prototype === null || prototype === Object.prototype) return NO_METHODS;
  // Most objects have none, and what is asked of each that is sent should cost little.
  if (unmarked.has(prototype)) return NO_METHODS;
  const { methods } = readMarked(instance, { name: instance.constructor.name });
  if (methods.size === 0) unmarked.add(prototype);
  return methods;
}

const NO_METHODS: ReadonlyMap<string, ExposedMethod> = new Map();
const unmarked = new WeakSet<object>();

function readMarked(instance: object, mark: InterfaceMark): Read {
  const read: Read = { mark, methods: new Map() };
  for (const { body } of methodsOf(instance)) {
    const marked = methodMark(body);
    if (marked) add(read, marked.options, body as MethodFunction, instance, marked.inferred);
  }
  return read;
}

/**
 * An object that is provided: a class is made without arguments.
 *
 * @throws ConfigurationError when that cannot be
 */
export function instanceOf(provided: object): object {
  return typeof provided === "function" ? construct(provided) : provided;
}

function construct(target: object): object {
  const constructor = target as new () => object;
  try {
    return new constructor();
  } catch (error) {
    throw new ConfigurationError(
      `The class ${constructor.name} cannot be made without arguments: ${(error as Error).message}. Provide an instance`,
      { cause: error },
    );
  }
}

function add(
  read: Read,
  options: MethodOptions,
  body: MethodFunction,
  receiver: unknown,
  inferred?: Parameters<typeof exposeMethod>[5],
): void {
  const name = options.name ?? "";
  if (read.methods.has(name)) throw new ConfigurationError(`${read.mark.name} has two methods named ${name}`);
  read.methods.set(name, exposeMethod(read.mark.name, name, body, receiver, options, inferred));
}
