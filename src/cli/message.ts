import { JOURNAL_ADVICE, WAIT_ADVICE } from "../util/advice.js";

/** What the library advises a program, and what stands for it on the command line. */
const ADVICE = [
  [WAIT_ADVICE, ""],
  [JOURNAL_ADVICE, "name a file with --journal FILE"],
] as const;

/** The text of an error, for who has flags instead of options. */
export function messageOf(error: unknown): string {
  let message = error instanceof Error ? error.message : String(error);
  for (const [program, flags] of ADVICE) message = message.replace(program, flags);
  return message;
}
