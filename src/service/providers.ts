import type { InterfaceDefinition } from "../peer/exposed/definition.js";
import type { Provider, ProviderHost, ProviderPart } from "./provider.js";

/** The providers of one host. */
export class Providers {
  readonly #host: ProviderHost;
  readonly #addStats: (section: string, read: () => unknown) => void;
  readonly #parts: ProviderPart[] = [];

  /** @param addStats - adds a section to the host's statistics */
  constructor(host: ProviderHost, addStats: (section: string, read: () => unknown) => void) {
    this.#host = host;
    this.#addStats = addStats;
  }

  /** Are there none? */
  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /**
   * Takes one in.
   *
   * @returns what callers may call of it
   * @throws ConfigurationError when it cannot be provided
   */
  attach(provider: Provider): InterfaceDefinition {
    const part = provider.attachTo(this.#host);
    const { section } = part;
    const others = (): ProviderPart[] => this.#parts.filter((one) => one.section === section);
    if (others().length === 0) this.#addStats(section, () => others().map((one) => one.stats()));
    this.#parts.push(part);
    return part.interface;
  }

  /** The host closes. */
  close(): void {
    for (const part of this.#parts) part.close();
  }
}
