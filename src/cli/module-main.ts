import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * At the end of a module: serves what the module exports, if it is the program that `node` was started with, by the flags of
 * `lamplighter serve`. Does nothing when `serve` loads the module, or another program imports it. PyCOM: `pycom.main()`.
 *
 * ```ts
 * main(); // node query.js -n tcp://127.0.0.1:2012
 * ```
 *
 * Returns at once. What fails is told on standard error, and in the exit status.
 *
 * @param argv - flags; default those of the process
 */
export function main(argv: readonly string[] = process.argv.slice(2)): void {
  const file = callerOf(main);
  if (file === undefined || programFile() !== file) return;
  // The module is still being evaluated: its exports are complete when this turn has ended.
  setImmediate(() => {
    void serveMain(file, argv);
  });
}

async function serveMain(file: string, argv: readonly string[]): Promise<void> {
  const { runProgram } = await import("./program.js");
  await runProgram(["serve", ...argv, "--", file], { imported: pathToFileURL(file).href });
}

/** The file that `node` was started with, which may have been named without its ending, or by its folder. */
function programFile(): string | undefined {
  const program = process.argv[1];
  if (program === undefined) return undefined;
  try {
    return realpathSync(createRequire(import.meta.url).resolve(program));
  } catch {
    // With `node -e` the first argument stands here, and need not be a file.
    return undefined;
  }
}

/** The file that called a function, by the structured stack; `undefined` when it has none. */
function callerOf(callee: () => void): string | undefined {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- kept to be put back, not called
  const { prepareStackTrace } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.prepareStackTrace = (_error, sites) => sites[0]?.getFileName();
    Error.captureStackTrace(holder, callee);
    const name = holder.stack;
    if (typeof name !== "string") return undefined;
    return realpathSync(name.startsWith("file:") ? fileURLToPath(name) : name);
  } catch {
    return undefined;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}
