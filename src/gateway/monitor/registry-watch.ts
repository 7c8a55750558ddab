import type { Client } from "../../client/client.js";
import { RpcError } from "../../errors.js";
import { readRecord, type ServiceRecord } from "../../peer/record.js";
import { sleep } from "../../util/sleep.js";
import { listOf, membersOf } from "./told-stats.js";

/** What {@link RegistryWatch} tells. */
export interface RegistryListener {
  /** These are registered now, and no others. */
  registered(records: ReadonlyMap<string, ServiceRecord>): void;
  /** The nameserver does not answer; what it said last may not be so any more. */
  lost(error: RpcError): void;
}

/** Follows what the nameserver knows: by its changes, or where it tells none, as PyCOM's own, by its list. */
export class RegistryWatch {
  readonly #client: Client;
  readonly #listener: RegistryListener;
  readonly #timeoutMs: number;
  #records = new Map<string, ServiceRecord>();
  #cursor: string | null = null;

  /** @param timeoutMs - how long the nameserver may take to answer, beyond the time that it was asked to wait */
  constructor(client: Client, timeoutMs: number, listener: RegistryListener) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  /** Asks until the signal fires. Never rejects. */
  async follow(signal: AbortSignal): Promise<void> {
    let waitMs = 0;
    while (!signal.aborted) {
      const hasWaited = await this.look(waitMs, signal);
      waitMs = hasWaited ? WAIT_MS : 0;
      if (!hasWaited) await sleep(PAUSE_MS, signal);
    }
  }

  /**
   * Asks once. Never rejects.
   *
   * @param waitMs - how long the nameserver may wait for a change
   * @returns `false` when the next question has to wait for a moment
   */
  async look(waitMs: number, signal?: AbortSignal): Promise<boolean> {
    const nameserver = this.#client.nameserverComponent();
    try {
      const options = { timeoutMs: waitMs + this.#timeoutMs, retry: false, signal };
      const batch = membersOf(await nameserver.invoke("watch", { since: this.#cursor, wait_ms: waitMs }, options));
      this.#take(batch);
      return true;
    } catch (error) {
      if (signal?.aborted) return false;
      if (RpcError.isRpcError(error) && error.code === "METHOD_NOT_FOUND") await this.#list(signal);
      else this.#lost(error);
      return false;
    } finally {
      await nameserver.close();
    }
  }

  #take(batch: Readonly<Record<string, unknown>>): void {
    if (batch.reset === true) this.#records = new Map();
    for (const change of listOf(batch.changes, Infinity)) {
      const { type, record } = membersOf(change);
      const read = readRecord(record);
      if (read && type === "removed") this.#records.delete(read.service);
      else if (read) this.#records.set(read.service, read);
    }
    this.#cursor = typeof batch.cursor === "string" ? batch.cursor : null;
    this.#listener.registered(this.#records);
  }

  async #list(signal: AbortSignal | undefined): Promise<void> {
    try {
      const nameserver = this.#client.nameserverComponent();
      const options = { timeoutMs: this.#timeoutMs, retry: false, signal };
      const listed = await nameserver.invoke("list_services", { interface: null, service: null }, options);
      this.#records = new Map();
      for (const one of listOf(listed, Infinity)) {
        const record = readRecord(one);
        if (record) this.#records.set(record.service, record);
      }
      this.#listener.registered(this.#records);
    } catch (error) {
      if (!signal?.aborted) this.#lost(error);
    }
  }

  #lost(error: unknown): void {
    this.#cursor = null;
    this.#listener.lost(RpcError.from(error));
  }
}

/** How long the nameserver may hold its answer back until there is a change, in milliseconds. */
const WAIT_MS = 2_000;
/** Between two questions to a nameserver that does not answer, or tells no changes. */
const PAUSE_MS = 500;
