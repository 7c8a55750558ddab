/** Node's timers fire at once when they are set for longer than this, in milliseconds: 24 days. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;
