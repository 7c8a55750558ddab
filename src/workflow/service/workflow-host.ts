import { ConfigurationError, rpcError } from "../../errors.js";
import type { HostStats } from "../../service/host-stats.js";
import type { Runs } from "../engine/runs.js";
import { checkWorkflowOptions, type WorkflowHostOptions } from "./workflow-host-options.js";
import type { WorkflowParts } from "./workflow-parts.js";

/**
 * A workflow service: runs tasks that are described as data, writes down what they do, and goes on with them after it was stopped or
 * killed (docs/workflow.md):
 *
 * ```ts
 * await using host = new WorkflowHost({
 *   service: "/demo/workflow/1",
 *   definitions: "tasks.json",
 *   journal: "runs.db",
 *   nameserver: "tcp://127.0.0.1:2012",
 * });
 * await host.start();
 * ```
 *
 * It provides `lamplighter.workflow`, whose methods are the tasks, and `lamplighter.workflow.control`, and owns what it opens: the host, the
 * journal if that is named by a file, and the client for the calls of steps if none is given.
 */
export class WorkflowHost {
  /** Service path. */
  readonly service: string;
  readonly #options: WorkflowHostOptions;
  #opening: Promise<WorkflowParts> | undefined;
  #parts: WorkflowParts | undefined;
  #closing: Promise<void> | undefined;

  /** Opens nothing. @throws ConfigurationError for a wrong option */
  constructor(options: WorkflowHostOptions) {
    checkWorkflowOptions(options);
    this.#options = options;
    this.service = options.service;
  }

  /**
   * The runs, within this process.
   *
   * @throws ConfigurationError before it is started
   */
  get runs(): Runs {
    return this.#require().runs;
  }

  /** Addresses that others connect to, once started. */
  get addresses(): readonly string[] {
    return this.#parts?.host.addresses ?? [];
  }

  /** The first of {@link WorkflowHost.addresses}; empty before the start. */
  get address(): string {
    return this.#parts?.host.address ?? "";
  }

  /**
   * As of its host, with a section `workflow`.
   *
   * @throws ConfigurationError before it is started
   */
  stats(): Promise<HostStats> {
    return this.#require().host.stats();
  }

  /**
   * Reads the definitions, opens the journal, goes on with the runs that have not ended, binds, and registers.
   *
   * @returns whether it is registered by now, as `Host.start`
   * @throws DefinitionError with all that is wrong with a definition; nothing has been opened then
   * @throws ConfigurationError when the journal cannot be used, or as `Host.start`
   * @throws RpcError with code `CLOSED` when it is closed before
   */
  async start(): Promise<boolean> {
    if (this.#closing) throw rpcError("CLOSED", "The workflow service was closed");
    if (this.#opening) throw new ConfigurationError("This workflow service was started before");
    this.#opening = import("./workflow-parts.js").then(({ WorkflowParts: Parts }) => Parts.open(this.#options));
    const parts = await this.#opening;
    try {
      if (this.#isClosing()) throw rpcError("CLOSED", "The workflow service was closed while it was being started");
      this.#parts = parts;
      return await parts.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Takes no more calls, tells those who wait for runs that it goes, lets runs finish what they are doing and nothing more, and closes what it has
   * opened. Runs go on at the next start. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // Whoever starts it hears why it cannot be.
    const parts = await this.#opening?.catch(() => undefined);
    await parts?.close();
  }

  #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  #require(): WorkflowParts {
    if (this.#parts) return this.#parts;
    throw new ConfigurationError("The workflow service is not started");
  }
}
