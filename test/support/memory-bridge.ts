import { BadRequestError, type BridgedEvent, type EventBridge } from "../../src/index.js";

/** Events within the test, for what stands before them. */
export class MemoryBridge implements EventBridge {
  /** What was subscribed and unsubscribed, in order. */
  readonly log: string[] = [];
  /** What was published. */
  readonly published: { readonly uri: string; readonly attributes: Readonly<Record<string, unknown>> }[] = [];
  /** Thrown by the next `subscribe` or `publish`. */
  failure: Error | undefined;
  /** How often a text was made of an event. */
  made = 0;
  readonly #listeners = new Map<string, Set<(event: BridgedEvent) => void>>();

  /** Subscriptions that are there. */
  get subscriptions(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  parse(uri: string): { uri: string; event: string } {
    if (uri.endsWith("/")) throw new BadRequestError(`Invalid addressing ${uri}`);
    const [first = "", second] = uri.split("/");
    const event = second ?? first;
    const [host = "", node = "*"] = (second === undefined ? "" : first).split("@").reverse();
    return { uri: `${node === "" ? "*" : node}@${host === "" ? "localhost" : host}/${event}`, event };
  }

  subscribe(uri: string, listener: (event: BridgedEvent) => void): Promise<() => Promise<void>> {
    if (this.failure) return Promise.reject(this.failure);
    this.log.push(`+${uri}`);
    const listeners = this.#listeners.get(uri) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(uri, listeners);
    return Promise.resolve(() => {
      listeners.delete(listener);
      this.log.push(`-${uri}`);
      return Promise.resolve();
    });
  }

  publish(uri: string, attributes: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.published.push({ uri, attributes });
    this.emit(uri, attributes);
    return Promise.resolve();
  }

  /** Tells whoever has subscribed. */
  emit(uri: string, attributes: Readonly<Record<string, unknown>>): void {
    const visible = Object.entries(attributes).filter(([name]) => !name.startsWith("_"));
    const json = (): string => {
      this.made++;
      return JSON.stringify(Object.fromEntries(visible));
    };
    for (const listener of this.#listeners.get(this.parse(uri).uri) ?? []) listener({ uri, json });
  }
}
