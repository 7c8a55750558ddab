#!/usr/bin/env node
import { runProgram } from "./program.js";

/** A reader that has seen enough, such as `head`, is no fault; what serves goes on serving. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

process.stdout.on("error", ignoreClosedPipe);
process.stderr.on("error", ignoreClosedPipe);

await runProgram(process.argv.slice(2));
