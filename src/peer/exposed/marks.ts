import type { ArgumentType } from "../contract.js";
import { metadata } from "./metadata.js";
import type { InterfaceOptions, MethodFunction, MethodOptions } from "./method-options.js";

/** What is kept of a class: its interface. */
export interface InterfaceMark extends InterfaceOptions {
  /** Dotted name. */
  readonly name: string;
  /** Do its methods come and go, so that there may be none? @internal */
  readonly mayBeEmpty?: boolean | undefined;
}

/** What is kept of a function: that it is a method, and how. */
export interface MethodMark {
  /** As declared. */
  readonly options: MethodOptions;
  /** What the compiler told of the parameters (`design:paramtypes`), where it did. */
  readonly inferred: readonly (ArgumentType | undefined)[];
}

const INTERFACE = "lamplighter:interface";
const METHOD = "lamplighter:method";

/** Marks a class as providing an interface. */
export function markInterface(target: object, mark: InterfaceMark): void {
  metadata().defineMetadata(INTERFACE, mark, target);
}

/** Marks a function as a method. */
export function markMethod(
  body: MethodFunction,
  options: MethodOptions,
  inferred: readonly (ArgumentType | undefined)[] = [],
): void {
  metadata().defineMetadata(METHOD, { options, inferred } satisfies MethodMark, body);
}

/** The mark of a function, if it is a method. */
export function methodMark(body: object): MethodMark | undefined {
  return metadata().getOwnMetadata(METHOD, body) as MethodMark | undefined;
}

/** The mark of a class or of one that it extends. */
export function interfaceMark(target: object): InterfaceMark | undefined {
  return metadata().getMetadata(INTERFACE, target) as InterfaceMark | undefined;
}
