import { isDeepStrictEqual } from "node:util";
import { BadRequestError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import type { Scope, Test } from "./compiled.js";
import { described, itemPath, memberPath, quote } from "./problems.js";
import { follow, MISSING, readReference } from "./reference.js";
import { isPlain, type MappingReader, readMapping } from "./template.js";

/**
 * Reads a condition: a mapping whose value counts as true in JavaScript, or an object with one comparison.
 *
 * @param path - where it stands
 */
export function readCondition(condition: unknown, path: string, reader: MappingReader, depth = 0): Test {
  if (Array.isArray(condition)) {
    reader.problem(path, "is a list, which is always true", 'write { "all": […] } or { "any": […] }');
    return never;
  }
  if (!isPlain(condition)) return readTruth(condition, path, reader);
  const names = Object.keys(condition).filter((name) => condition[name] !== undefined);
  const [name = ""] = names;
  const compare = COMPARISONS.get(name);
  const isKnown = compare !== undefined || OTHERS.includes(name);
  if (names.length !== 1 || !isKnown) {
    const unknown = names.find((one) => !COMPARISONS.has(one) && !OTHERS.includes(one));
    const message =
      unknown === undefined
        ? `has ${names.length === 0 ? "no comparison" : `${names.length} comparisons: ${names.join(", ")}`}`
        : `has no comparison ${quote(unknown)}${didYouMean(unknown, ALL)}`;
    reader.problem(path, message, `write one of ${ALL.join(", ")}; "all" and "any" hold several`);
    return never;
  }
  const at = memberPath(path, name);
  const operand = condition[name];
  if (depth >= MAX_DEPTH) {
    reader.problem(at, `is nested more than ${MAX_DEPTH} deep`, "let a step decide, and refer to its result");
    return never;
  }
  if (compare) return readComparison(compare, operand, at, reader);
  if (name === "exists") return readExists(operand, at, reader);
  if (name === "not") {
    const test = readCondition(operand, at, reader, depth + 1);
    return (scope) => !test(scope);
  }
  if (!Array.isArray(operand) || operand.length === 0) {
    reader.problem(at, `is ${Array.isArray(operand) ? "empty" : described(operand)}`, "give it a list of conditions");
    return never;
  }
  const tests = operand.map((one, index) => readCondition(one, itemPath(at, index), reader, depth + 1));
  return name === "all" ? (scope) => tests.every((test) => test(scope)) : (scope) => tests.some((test) => test(scope));
}

/** Do two values mean the same? Numbers of both kinds by value, all else by what is in it. */
export function isSame(left: unknown, right: unknown): boolean {
  if (isNumber(left) && isNumber(right)) return Number.isNaN(left) ? Number.isNaN(right) : left == right;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return left === right;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => isSame(item, right[index]));
  }
  if (isPlain(left) && isPlain(right)) {
    const names = Object.keys(left);
    return (
      names.length === Object.keys(right).length &&
      names.every((name) => Object.hasOwn(right, name) && isSame(left[name], right[name]))
    );
  }
  return isDeepStrictEqual(left, right);
}

type Compare = (left: unknown, right: unknown) => boolean;

const COMPARISONS: ReadonlyMap<string, Compare> = new Map<string, Compare>([
  ["equals", isSame],
  ["less", (left, right) => order(left, right, "less") < 0],
  ["greater", (left, right) => order(left, right, "greater") > 0],
  ["in", isIn],
]);
const OTHERS = ["exists", "not", "all", "any"];
const ALL = [...COMPARISONS.keys(), ...OTHERS];
const MAX_DEPTH = 64;

const never: Test = () => false;

function readTruth(condition: unknown, path: string, reader: MappingReader): Test {
  const { template, constant, value, wordy } = readMapping(condition, path, reader);
  if (typeof condition === "string" && (constant || wordy)) {
    const bare = readReference(condition);
    const guess = "reference" in bare && bare.end === condition.length ? condition : "input.name";
    reader.problem(
      path,
      `is ${described(condition)}, which is always ${value === "" ? "false" : "true"}`,
      `write \${${guess}} alone, or a comparison such as { "equals": […, …] }`,
    );
  } else if (condition === undefined) reader.problem(path, "has no condition", "write a reference, or a comparison");
  return (scope) => Boolean(template(scope));
}

function readComparison(compare: Compare, operands: unknown, path: string, reader: MappingReader): Test {
  if (!Array.isArray(operands) || operands.length !== 2) {
    const what = Array.isArray(operands) ? `has ${operands.length} values` : `is ${described(operands)}`;
    reader.problem(path, what, "give it a list of the two values that it compares");
    return never;
  }
  const left = readMapping(operands[0], itemPath(path, 0), reader).template;
  const right = readMapping(operands[1], itemPath(path, 1), reader).template;
  return (scope) => compare(left(scope), right(scope));
}

function readExists(operand: unknown, path: string, reader: MappingReader): Test {
  const cure = "write the reference, such as ${input.name}";
  if (typeof operand !== "string") {
    reader.problem(path, `is ${described(operand)}`, cure);
    return never;
  }
  const [, inside = operand] = /^\$\{(.*)\}$/s.exec(operand) ?? [];
  const read = readReference(inside);
  if ("fault" in read || read.end !== inside.length) {
    const fault = "fault" in read ? `: ${read.fault}` : "";
    reader.problem(path, `${quote(operand)} is no reference${fault}`, cure);
    return never;
  }
  reader.reference(path, read.reference);
  const reference = { ...read.reference, optional: true };
  return (scope: Scope) => {
    const value = follow(reference, scope);
    return value !== MISSING && value !== null;
  };
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function order(left: unknown, right: unknown, name: string): number {
  if (
    (isNumber(left) && isNumber(right)) ||
    (typeof left === "string" && typeof right === "string") ||
    (left instanceof Date && right instanceof Date)
  ) {
    return left < right ? -1 : left > right ? 1 : 0;
  }
  throw new BadRequestError(
    `The comparison "${name}" is of two numbers, two texts or two dates, not of ${described(left)} and ${described(right)}`,
  );
}

function isIn(item: unknown, whole: unknown): boolean {
  if (Array.isArray(whole)) return whole.some((one) => isSame(item, one));
  if (whole instanceof Set) return [...(whole as ReadonlySet<unknown>)].some((one) => isSame(item, one));
  if (whole instanceof Map) return whole.has(item);
  if (typeof item === "string") {
    if (typeof whole === "string") return whole.includes(item);
    if (isPlain(whole)) return Object.hasOwn(whole, item);
  }
  throw new BadRequestError(
    `The comparison "in" looks for something in a list, for a text in a text, or for a name in an object, not for ${described(item)} in ${described(whole)}`,
  );
}
