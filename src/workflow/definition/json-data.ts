import { described, itemPath, memberPath, type Problems } from "./problems.js";
import { isPlain } from "./template.js";

/** Tells what is no JSON in a value, or too much of it. */
export function checkJson(value: unknown, path: string, problems: Problems): void {
  const budget = { left: MAX_PARTS };
  check(value, path, problems, budget, 0);
}

const MAX_DEPTH = 64;
const MAX_PARTS = 100_000;

function check(value: unknown, path: string, problems: Problems, budget: { left: number }, depth: number): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (--budget.left <= 0) {
    if (budget.left === 0) problems.add(path, `is the ${MAX_PARTS}th part of one value`, "write less");
  } else if (depth >= MAX_DEPTH) problems.add(path, `is nested more than ${MAX_DEPTH} deep`, "write it less deep");
  else if (Array.isArray(value)) {
    for (const [index, item] of (value as unknown[]).entries()) {
      check(item, itemPath(path, index), problems, budget, depth + 1);
    }
  } else if (isPlain(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (member !== undefined) check(member, memberPath(path, name), problems, budget, depth + 1);
    }
  } else {
    const what = typeof value === "object" ? "an object of a class" : described(value);
    problems.add(
      path,
      `is ${what}, which is no JSON`,
      "write texts, numbers, true, false, null, lists and objects of them",
    );
  }
}
