/** What travels of an error, three texts (docs/pseud-wire.md, section 4). */
export interface ErrorItems {
  /** Name of the class, without its module. */
  readonly name: string;
  /** The error's own text; may be empty. */
  readonly message: string;
  /** Where it happened, for people; may be empty, else it ends in a newline. */
  readonly traceback: string;
}
