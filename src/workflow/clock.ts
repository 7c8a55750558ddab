/** Time, as runs and schedules see it: that of the calendar, for they outlive processes. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Calls a function when a time has come, or soon if it has passed.
   *
   * @param when - milliseconds since 1970; as far away as you like
   * @returns gives it up
   */
  at(when: number, fire: () => void): () => void;
}

/** The clock of the machine. When that is put right, times that are waited for come earlier or later, by a minute at most. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  at(when, fire) {
    let timer: NodeJS.Timeout;
    const look = (): void => {
      const leftMs = when - Date.now();
      if (leftMs <= 0) fire();
      else timer = setTimeout(look, Math.min(leftMs, LOOK_MS));
    };
    timer = setTimeout(look, Math.min(Math.max(when - Date.now(), 0), LOOK_MS));
    return () => {
      clearTimeout(timer);
    };
  },
};

/** How long it is not looked at the clock, in milliseconds. */
const LOOK_MS = 60_000;
