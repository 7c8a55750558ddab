import { INTROSPECT } from "../../peer/contract.js";
import { type Problems, quote } from "./problems.js";

/** Longest name of a task, a step, a branch or a schedule. */
const MAX_NAME_LENGTH = 200;

/** Tells what is wrong with the name of a task: callers call it as a method. @returns is it right? */
export function checkTaskName(name: string, path: string, problems: Problems): boolean {
  const cure = "give the task another name";
  if (!checkLength(name, path, problems, "task")) return false;
  if (OWN.has(name)) problems.add(path, `the interface has a method ${name} of its own`, cure);
  else if (isInherited(name)) problems.add(path, `${name} is no name for a task, for each object has it`, cure);
  else if (!/^[\p{L}_][\p{L}\p{N}_-]*(?:\.[\p{L}_][\p{L}\p{N}_-]*)*$/u.test(name)) {
    problems.add(
      path,
      `${quote(name)} is no name for a task`,
      'write letters, digits, "_" and "-", beginning with a letter; dots make a path',
    );
  } else return true;
  return false;
}

/** Tells what is wrong with the name of a step: others refer to it, and it is a part of paths. @returns is it right? */
export function checkStepName(name: string, path: string, problems: Problems): boolean {
  const cure = "give the step another name";
  if (!checkLength(name, path, problems, "step")) return false;
  if (/^\d+$/.test(name)) problems.add(path, `${quote(name)} reads like the place of a step`, cure);
  else if (PARTS.has(name)) problems.add(path, `${quote(name)} is what a part of a step is called`, cure);
  else if (isInherited(name)) problems.add(path, `${name} is no name for a step, for each object has it`, cure);
  else if (!/^[\p{L}\p{N}_][\p{L}\p{N}_-]*$/u.test(name)) {
    problems.add(path, `${quote(name)} is no name for a step`, 'write letters, digits, "_" and "-"');
  } else return true;
  return false;
}

/** Tells what is wrong with the name of a branch, which is a member of the result and a part of paths. @returns is it right? */
export function checkBranchName(name: string, path: string, problems: Problems): boolean {
  const cure = "give the branch another name";
  if (!checkLength(name, path, problems, "branch")) return false;
  if (isInherited(name)) problems.add(path, `${name} is no name for a branch, for each object has it`, cure);
  else if (!/^[\p{L}\p{N}_][\p{L}\p{N}_ .-]*$/u.test(name)) {
    problems.add(path, `${quote(name)} is no name for a branch`, 'write letters, digits, "_", "-", "." and blanks');
  } else return true;
  return false;
}

/** Tells what is wrong with a name that is only looked up. @returns is it right? */
export function checkAnyName(name: string, path: string, problems: Problems, what: string): boolean {
  if (!checkLength(name, path, problems, what)) return false;
  if (!isInherited(name)) return true;
  problems.add(path, `${name} is no name for a ${what}, for each object has it`, `give the ${what} another name`);
  return false;
}

/** Methods that the interface of the tasks has by itself, and what a proxy cannot have as a method. */
const OWN: ReadonlySet<string> = new Set([INTROSPECT, "then"]);

/** What paths of steps consist of besides names. */
const PARTS: ReadonlySet<string> = new Set(["compensate", "finally"]);

/** `__proto__`, `constructor` and their like. */
function isInherited(name: string): boolean {
  return name in Object.prototype;
}

function checkLength(name: string, path: string, problems: Problems, what: string): boolean {
  if (name.trim() === "") problems.add(path, `the name of the ${what} is empty`, `give the ${what} a name`);
  else if (name.length > MAX_NAME_LENGTH) {
    problems.add(path, `the name has ${name.length} characters`, `write at most ${MAX_NAME_LENGTH}`);
  } else return true;
  return false;
}
