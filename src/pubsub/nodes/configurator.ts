import { shared } from "../../util/shared.js";

/** What processes with nodes and dispatchers are set to by name. nodeset: the options of its command lines. */
export interface NodeSettings {
  /** Where nodes look for their dispatcher. */
  "dispatcher-url": string;
  /** Where a dispatcher listens. */
  listen: string;
  /** Does the dispatcher log each step of its routing? */
  verbose: boolean;
}

/** Where nodes look for their dispatcher, and dispatchers listen, unless told otherwise. */
export const DEFAULT_DISPATCHER = "tcp://127.0.0.1:5333";

/** Settings by name: what nodes and dispatchers take where their own options say nothing. nodeset: `Configurator`. */
export class Configurator {
  readonly #settings = new Map<keyof NodeSettings, NodeSettings[keyof NodeSettings]>();

  /** A setting; `undefined` where nobody has set it. */
  get<Name extends keyof NodeSettings>(name: Name): NodeSettings[Name] | undefined {
    return this.#settings.get(name) as NodeSettings[Name] | undefined;
  }

  /** Sets it, for nodes and dispatchers that are made later. */
  set<Name extends keyof NodeSettings>(name: Name, value: NodeSettings[Name]): this {
    this.#settings.set(name, value);
    return this;
  }

  /** Forgets a setting; `false` when there was none. */
  delete(name: keyof NodeSettings): boolean {
    return this.#settings.delete(name);
  }

  /** Sets everything to its default. */
  setDefaultOptions(): this {
    return this.set("dispatcher-url", DEFAULT_DISPATCHER).set("listen", DEFAULT_DISPATCHER).set("verbose", false);
  }
}

/** The one that all nodes and dispatchers of the process ask. */
export const configurator: Configurator = shared("configurator", () => new Configurator());
