// What errors advise a program to do. The command line, whose users have flags instead of options, says it otherwise.

/** For who calls a service that is not there yet. */
export const WAIT_ADVICE = "; the option waitForMs waits for a service that is not up yet";

/** For who provides methods that are declared `once`. */
export const JOURNAL_ADVICE = "give it the option journal, a file";
