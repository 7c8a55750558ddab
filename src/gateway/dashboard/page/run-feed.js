/** Follows runs by the server's events; one thing at a time. */
export class Feed {
  #events;
  #retry;
  #take;

  /** @param take - `changed(what)`, and `away(problem)` while the service or the server does not answer */
  constructor(take) {
    this.#take = take;
  }

  /** Follows something else from now on; `undefined`: nothing. Members that are `undefined` are left out. */
  follow(parameters) {
    this.#events?.close();
    clearTimeout(this.#retry);
    this.#events = undefined;
    if (!parameters) return;
    const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
    const events = new EventSource(`dashboard/workflows/events?${new URLSearchParams(given)}`);
    this.#events = events;
    events.addEventListener("changed", (event) => this.#take.changed(JSON.parse(event.data)));
    events.addEventListener("away", (event) => this.#take.away(JSON.parse(event.data)));
    events.addEventListener("error", () => {
      // The browser comes back by itself after a break, but not after a refusal, of which it does not tell the reason.
      if (events.readyState !== EventSource.CLOSED) return;
      this.#take.away({ detail: "The server does not tell of these runs; its log, or its option allow, may say why." });
      this.#retry = setTimeout(() => this.follow(parameters), 5_000);
    });
  }
}

/**
 * Lets something be done about a run.
 *
 * @returns the run as it is then
 * @throws Error that says why not
 */
export async function act(action, given) {
  let answer;
  try {
    answer = await fetch(`dashboard/workflows/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(given),
    });
  } catch {
    throw new Error("The server does not answer; whether it was done is not known.");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.detail ?? `The server answered ${answer.status}.`);
  return told;
}
