/** Runs that wait for events, by event, and where they wait for a key by that. */
export class EventDesk {
  readonly #waiting = new Map<string, Set<Waiting>>();

  /**
   * Is told when an event comes for a run.
   *
   * @returns lets go
   */
  listen(run: string, event: string, key: string | undefined, heard: () => void): () => void {
    const waiting: Waiting = { run, heard };
    const places = [placeOf(event, undefined, run)];
    if (key !== undefined) places.push(placeOf(event, key, undefined));
    for (const place of places) {
      const there = this.#waiting.get(place);
      if (there) there.add(waiting);
      else this.#waiting.set(place, new Set([waiting]));
    }
    return () => {
      for (const place of places) {
        const there = this.#waiting.get(place);
        there?.delete(waiting);
        if (there?.size === 0) this.#waiting.delete(place);
      }
    };
  }

  /** The runs that wait for an event under a key. */
  runsAt(event: string, key: string): readonly string[] {
    return [...new Set([...(this.#waiting.get(placeOf(event, key, undefined)) ?? [])].map(({ run }) => run))];
  }

  /** An event has been written down for a run. */
  tell(run: string, event: string): void {
    for (const { heard } of [...(this.#waiting.get(placeOf(event, undefined, run)) ?? [])]) heard();
  }
}

interface Waiting {
  readonly run: string;
  readonly heard: () => void;
}

function placeOf(event: string, key: string | undefined, run: string | undefined): string {
  return JSON.stringify([event, key ?? null, run ?? null]);
}
