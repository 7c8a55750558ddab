import { registerError } from "lamplighter";

/** Thrown by the service and caught by its callers as itself, for both sides load this file. */
export class OutOfPaper extends Error {
  override readonly name = "OutOfPaper";
  readonly sheets: number;

  constructor(sheets: number) {
    super(`only ${sheets} sheets are left`);
    this.sheets = sheets;
  }
}

registerError(OutOfPaper);
