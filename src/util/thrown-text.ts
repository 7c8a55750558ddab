/** What was thrown, for logs: the stack of an error, the text of anything else. Never throws, whatever it is. */
export function thrownText(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return `something that is no Error was thrown: ${String(thrown)}`;
    // Programs put all kinds of things in the place of a text.
    const text: unknown = thrown.stack ?? thrown.message;
    return String(text);
  } catch {
    // Its getters throw themselves, or it has no text at all: `Object.create(null)`.
    return "something that cannot be read was thrown";
  }
}
