import type { DispatcherPlace } from "./dispatcher-place.js";
import { Node } from "./node.js";

/** A node for a shell: with names that are in scope there, and a dispatcher that can be changed. nodeset: `ShellNode`. */
export class ShellNode extends Node {
  readonly #names = new Map<string, unknown>([["node", this]]);

  /** What is in scope, by name. At first `node`, the node itself. */
  get names(): ReadonlyMap<string, unknown> {
    return this.#names;
  }

  /** Puts a value in scope. */
  register(name: string, value: unknown): void {
    this.#names.set(name, value);
  }

  /** Takes it away again; `false` when there was none. */
  unregister(name: string): boolean {
    return this.#names.delete(name);
  }

  /**
   * Leaves the dispatcher for another one. Subscriptions are renewed there.
   *
   * @returns settles when that one is reached
   * @throws ConfigurationError for a wrong address
   */
  switch(dispatcher: string | DispatcherPlace): Promise<void> {
    return this.leaveFor(dispatcher);
  }
}
