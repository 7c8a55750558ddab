import type { Client } from "../../client/client.js";
import { RpcError } from "../../errors.js";
import { fromIntrospection } from "../../peer/contract.js";
import { untilAborted } from "../../util/sleep.js";
import { checkAgainst, type KnownInterface } from "../definition/against.js";
import type { CompiledWorkflow } from "../definition/compiled.js";

/** What is probably wrong, by task. */
export type WarningsByTask = ReadonlyMap<string, readonly string[]>;

/** Finds what is probably wrong with tasks: interfaces that nobody provides, methods that they do not have. */
export class TaskWarnings {
  readonly #client: Client;
  /** What was found last, and for what. */
  #last:
    | { readonly workflow: CompiledWorkflow; readonly at: number; readonly found: Promise<WarningsByTask> }
    | undefined;

  /** @param client - opened and closed by somebody else */
  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Asks nameserver and services, or remembers for a moment what they said.
   *
   * @returns warnings by task; none when the signal fires before they are known
   */
  async of(workflow: CompiledWorkflow, signal: AbortSignal): Promise<WarningsByTask> {
    const now = performance.now();
    if (this.#last?.workflow !== workflow || now - this.#last.at > REMEMBER_MS) {
      this.#last = { workflow, at: now, found: this.#look(workflow) };
    }
    const { found } = this.#last;
    return await untilAborted(found, signal).catch(() => new Map<string, readonly string[]>());
  }

  async #look(workflow: CompiledWorkflow): Promise<WarningsByTask> {
    const found = await checkAgainst(
      workflow,
      (name, service, tags) => this.#lookUp(name, service, tags),
      () => this.#interfaces(),
    );
    const byTask = new Map<string, string[]>();
    for (const { task, message } of found) {
      for (const name of task === undefined ? workflow.tasks.keys() : [task]) {
        const texts = byTask.get(name) ?? [];
        byTask.set(name, texts);
        texts.push(message);
      }
    }
    return byTask;
  }

  async #lookUp(
    name: string,
    service: string | undefined,
    tags: readonly string[] | undefined,
  ): Promise<KnownInterface | "unknown" | undefined> {
    const records = await this.#client.find(name, { service, tags });
    if (records.length === 0) return undefined;
    try {
      const told = await this.#client.component(name, { service, tags }).introspect({ timeoutMs: ASK_MS });
      return fromIntrospection(told);
    } catch (error) {
      if (RpcError.isRpcError(error)) return "unknown";
      throw error;
    }
  }

  async #interfaces(): Promise<string[]> {
    const services = await this.#client.nameserver().list_services();
    return services.flatMap(({ interfaces }) => interfaces);
  }
}

/** How long what was found is good for, in milliseconds. */
const REMEMBER_MS = 10_000;
/** How long one service may take to tell what it offers, in milliseconds. */
const ASK_MS = 2_000;
