import type { Client } from "../../client/client.js";
import type { Component } from "../../client/component.js";
import { RpcError } from "../../errors.js";
import { HOST_INTERFACE, instanceKey, type ServiceRecord } from "../../peer/record.js";
import { readStats } from "./told-stats.js";
import type { TrackedService } from "./tracked-service.js";

/** Asks hosts for their statistics, or where they do not tell them, whether they live. */
export class HostPoll {
  readonly #client: Client;
  readonly #timeoutMs: number;
  /** By service, of the run that was asked last. */
  readonly #components = new Map<string, { readonly key: string; readonly component: Component | undefined }>();

  /** @param timeoutMs - how long a host may take */
  constructor(client: Client, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks a service, and tells it what came of that. Never rejects. */
  async ask(tracked: TrackedService, signal?: AbortSignal): Promise<void> {
    const { record } = tracked;
    const component = this.#componentOf(record);
    if (!component) {
      tracked.isUnknown(
        record.incarnation === undefined
          ? "A service of PyCOM tells nothing of itself"
          : "No way leads there from here",
      );
      return;
    }
    const method = tracked.statOnly > 0 ? "stat" : "stats";
    const askedAt = performance.now();
    try {
      const result = await component.invoke(method, null, { timeoutMs: this.#timeoutMs, retry: false, signal });
      const tookMs = performance.now() - askedAt;
      if (!isCurrent(tracked, record)) return;
      if (method === "stats") tracked.answered(readStats(result), tookMs);
      else {
        tracked.statOnly--;
        tracked.isAlive("It does not tell its statistics", tookMs);
      }
    } catch (error) {
      if (signal?.aborted || !isCurrent(tracked, record)) return;
      const failure = RpcError.from(error);
      if (method === "stats" && REFUSALS.has(failure.code) && failure.outcome !== "not-sent") {
        tracked.statOnly = STAT_TURNS;
        tracked.isAlive(failure.message, performance.now() - askedAt);
      } else tracked.isSilent(failure.message);
    }
  }

  /** Forgets whom it has asked. */
  close(): void {
    for (const { component } of this.#components.values()) void component?.close();
    this.#components.clear();
  }

  #componentOf(record: ServiceRecord): Component | undefined {
    const known = this.#components.get(record.service);
    const key = instanceKey(record);
    if (known?.key === key) return known.component;
    void known?.component?.close();
    const component = record.incarnation === undefined ? undefined : this.#client.runComponent(record, HOST_INTERFACE);
    if (this.#components.size >= MAX_COMPONENTS) this.close();
    this.#components.set(record.service, { key, component });
    return component;
  }
}

/** Meanwhile the service may have been started anew, or have left. */
function isCurrent(tracked: TrackedService, record: ServiceRecord): boolean {
  return tracked.health !== "gone" && tracked.record.incarnation === record.incarnation;
}

/** A host that answers so lives, and does not tell. */
const REFUSALS: ReadonlySet<string> = new Set(["ACCESS_DENIED", "METHOD_NOT_FOUND", "BAD_REQUEST"]);
/** So often a host that does not tell is asked only whether it lives, before it is asked again. */
const STAT_TURNS = 60;
/** Hosts come and go; so many are remembered. */
const MAX_COMPONENTS = 10_000;
