/**
 * What becomes of a call that is tried again: it was answered, or is being carried out and will be; it never got here, and is
 * to be carried out; nobody knows any more; it went to another host, or another run of this one.
 */
export type Repetition = "served" | "new" | "forgotten" | "elsewhere";
