import { BadRequestError } from "../errors.js";
import { type Node, parsePattern, type Test } from "./pattern-parser.js";

/**
 * Compiles a regular expression from outside, in the syntax of Python's `re`. It has to match from the first character on,
 * but not to the end, as Python's `re.match` (docs/pycom-wire.md, section 14.4).
 *
 * V8's engine backtracks, so that a short pattern can keep it busy for ever. This one follows all paths at once (Thompson's
 * construction): time grows with length of pattern times length of text, whatever the pattern. What needs backtracking
 * (back-references, look-around) is refused.
 *
 * @throws BadRequestError that says what is wrong, and at which position; the returned function throws one when the pattern
 * turns out to be too costly
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const program: Instruction[] = [];
  emit(parsePattern(pattern), program);
  program.push({ op: "match" });
  // One allowance for all texts that a pattern is held against: a request cannot keep the nameserver busy.
  const allowance = { steps: MAX_STEPS };
  return (text) => run(program, Array.from(text.slice(0, MAX_TEXT)), allowance);
}

/** Steps that one compiled pattern may take in all; some tenths of a second. */
const MAX_STEPS = 10_000_000;
/** Longer texts are looked at up to here. */
const MAX_TEXT = 10_000;
/** Counted repetitions are written out; so many steps a program may have. */
const MAX_PROGRAM = 10_000;

type Instruction =
  | { readonly op: "char"; readonly test: Test }
  | { readonly op: "assert"; readonly holds: (text: readonly string[], index: number) => boolean }
  | { readonly op: "split"; readonly targets: number[] }
  | { readonly op: "match" };

function emit(node: Node, program: Instruction[]): void {
  if (program.length > MAX_PROGRAM) throw new BadRequestError("The pattern is too large: its repetitions multiply");
  switch (node.kind) {
    case "char":
      program.push({ op: "char", test: node.test });
      return;
    case "assert":
      program.push({ op: "assert", holds: node.holds });
      return;
    case "sequence":
      for (const part of node.parts) emit(part, program);
      return;
    case "choice":
      emitChoice(node.options, program);
      return;
    case "repeat":
      emitRepeat(node.body, node.min, node.max, program);
      return;
  }
}

function emitChoice(options: readonly Node[], program: Instruction[]): void {
  const fork: number[] = [];
  const exits: number[][] = [];
  program.push({ op: "split", targets: fork });
  for (const option of options) {
    fork.push(program.length);
    emit(option, program);
    const exit: number[] = [];
    exits.push(exit);
    program.push({ op: "split", targets: exit });
  }
  for (const exit of exits) exit.push(program.length);
}

function emitRepeat(body: Node, min: number, max: number, program: Instruction[]): void {
  for (let count = 0; count < min; count++) {
    const before = program.length;
    emit(body, program);
    // Nothing, many times, is nothing: it would never reach the limit, and nested repetitions of it would never end.
    if (program.length === before) break;
  }
  if (max === Infinity) {
    const start = program.length;
    const fork = [start + 1];
    program.push({ op: "split", targets: fork });
    emit(body, program);
    program.push({ op: "split", targets: [start] });
    fork.push(program.length);
    return;
  }
  const skips: number[][] = [];
  for (let count = min; count < max; count++) {
    const fork = [program.length + 1];
    skips.push(fork);
    program.push({ op: "split", targets: fork });
    emit(body, program);
  }
  for (const fork of skips) fork.push(program.length);
}

/** Steps through the text with the set of all places in the program that can be reached. */
function run(program: readonly Instruction[], text: readonly string[], allowance: { steps: number }): boolean {
  const marks = new Uint32Array(program.length);
  let places: number[] = [];
  let generation = 0;
  // A stack of our own: the depth of the program is the sender's choice.
  const follow = (start: number, index: number, into: number[]): boolean => {
    const stack = [start];
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      if (marks[place] === generation) continue;
      marks[place] = generation;
      if (--allowance.steps < 0)
        throw new BadRequestError("The pattern takes too many steps for all that is registered");
      const instruction = program[place];
      if (!instruction) continue;
      if (instruction.op === "match") return true;
      if (instruction.op === "char") into.push(place);
      else if (instruction.op === "split") stack.push(...instruction.targets);
      else if (instruction.holds(text, index)) stack.push(place + 1);
    }
    return false;
  };
  generation++;
  if (follow(0, 0, places)) return true;
  for (let index = 0; index < text.length && places.length > 0; index++) {
    const char = text[index] ?? "";
    const next: number[] = [];
    generation++;
    for (const place of places) {
      const instruction = program[place];
      if (instruction?.op === "char" && instruction.test(char) && follow(place + 1, index + 1, next)) return true;
    }
    places = next;
  }
  return false;
}
