/** What was thrown, for logs: the stack of an error, the text of anything else. Never throws, whatever it is. */
export function thrownText(thrown: unknown): string {
  try {
    return thrown instanceof Error
      ? (thrown.stack ?? thrown.message)
      : `something that is no Error was thrown: ${String(thrown)}`;
  } catch {
    // Its getters throw themselves, or it has no text at all: `Object.create(null)`.
    return "something that cannot be read was thrown";
  }
}
