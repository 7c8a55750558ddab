/** Something that is looked at regularly. */
export interface Watched {
  /** Called every {@link LOOK_MS} milliseconds. */
  look(): void;
}

/** How often connections are looked at, in milliseconds. */
export const LOOK_MS = 1_500;

const watched = new Set<Watched>();
let timer: NodeJS.Timeout | undefined;

/** Looks at all connections of the process in turn, on one timer that runs while there are any. */
export const Heartbeat = {
  /** From now on, until {@link Heartbeat.forget}. */
  watch(one: Watched): void {
    watched.add(one);
    // The sockets keep the process alive as long as that is right; the timer alone never does.
    timer ??= setInterval(lookAround, LOOK_MS).unref();
  },

  /** No longer. */
  forget(one: Watched): void {
    watched.delete(one);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  },
};

function lookAround(): void {
  for (const one of watched) one.look();
}
