import type { ErrorMessage } from "../../wire/message.js";

/** Thrown in place of a failure that was told before, and is to be told again as it was. */
export class ToldFailure extends Error {
  /** As it was told. */
  readonly told: Pick<ErrorMessage, "code" | "number" | "outcome" | "remote">;

  constructor(told: Pick<ErrorMessage, "code" | "number" | "outcome" | "remote">) {
    super(told.remote.message);
    const { code, number, outcome, remote } = told;
    this.told = { code, number, outcome, remote };
  }
}
