import type { ServerCall } from "../call-context.js";
import { UNDECLARED_METHOD } from "../contract.js";
import { markedMethods, policyOf } from "../exposed/definition.js";
import type { ExposedInterface, ExposedMethod } from "../exposed/exposed-interface.js";
import { interfaceMark } from "../exposed/marks.js";
import { handleOf, isProxy } from "../proxy.js";

/**
 * Does a value travel as a reference: a function, a proxy of something elsewhere, or an object whose class has methods that
 * are marked for it?
 */
export function isReferable(value: object): boolean {
  return typeof value === "function" || isProxy(value) || markedMethods(value).size > 0;
}

/** What of a referable value can be called; `undefined` for others. */
export function exposeReference(target: object): ExposedInterface | undefined {
  if (typeof target === "function") {
    const run = target as (...args: unknown[]) => unknown;
    const name = run.name === "" ? "a function" : run.name;
    return exposed(name, new Map([["", new PlainFunction(run)]]));
  }
  if (isProxy(target)) return exposed("a proxy", new ForwardedMethods(target));
  const methods = markedMethods(target);
  if (methods.size === 0) return undefined;
  // Whoever gets hold of a whole service is no freer to call it than those who call it by its name.
  const mark = interfaceMark(target.constructor);
  const shared = exposed(target.constructor.name, methods);
  return mark ? { ...shared, governedAs: mark.name, policy: policyOf(mark) } : shared;
}

function exposed(name: string, methods: ReadonlyMap<string, ExposedMethod>): ExposedInterface {
  return {
    name,
    stateful: false,
    // Whoever was given the reference may use it.
    authentication: "never",
    governedAs: undefined,
    policy: undefined,
    methods,
    contract: { name, docstring: null, data: {}, methods: new Map(), host: undefined },
  };
}

/** Whatever is called of a proxy goes on to where it leads, which knows what can be called there. */
class ForwardedMethods extends Map<string, ExposedMethod> {
  readonly #proxy: object;

  constructor(proxy: object) {
    super();
    this.#proxy = proxy;
  }

  override get(name: string): ExposedMethod {
    return new PlainFunction((...args) => handleOf(this.#proxy).invoke(name, args));
  }

  override keys(): MapIterator<string> {
    return new Set(handleOf(this.#proxy).methods()).values();
  }
}

/** A function that was sent somewhere: takes whatever it is called with. */
class PlainFunction implements ExposedMethod {
  readonly contract = UNDECLARED_METHOD;
  readonly #run: (...args: unknown[]) => unknown;

  constructor(run: (...args: unknown[]) => unknown) {
    this.#run = run;
  }

  invoke(call: ServerCall): unknown {
    call.started = true;
    return this.#run(...(Array.isArray(call.args) ? (call.args as unknown[]) : [call.args]));
  }
}
