import { ConfigurationError } from "../../errors.js";
import { shared } from "../../util/shared.js";

/** A function that can be called under a name. */
export type JobFunction = (...args: never[]) => unknown;

/** How a job is registered. */
export interface JobOptions {
  /** The name that callers use; any text, in which dots have no structure. Default the name of the function. */
  readonly name?: string | undefined;
  /** Who may call it: the name of a predicate. Default `default`, which is everybody. */
  readonly domain?: string | undefined;
  /**
   * Give the function the id of the user who calls as its first argument: octets, empty for one without a name. Default
   * false.
   */
  readonly withIdentity?: boolean | undefined;
  /**
   * Names of its parameters, after the id, so that callers can give them by keyword. Without them, keyword arguments come as one
   * object behind the others.
   */
  readonly params?: readonly string[] | undefined;
}

/** A function with everything that was said of it; see {@link JobOptions}. */
export interface Job {
  /** What is run. */
  readonly run: JobFunction;
  /** The name that callers use. */
  readonly name: string;
  /** Who may call it. */
  readonly domain: string;
  /** Does it get the id of its caller? */
  readonly withIdentity: boolean;
  /** Names of its parameters, if they were given. */
  readonly params: readonly string[] | undefined;
}

/** The domain of jobs that everybody may call. */
export const DEFAULT_DOMAIN = "default";

/** Jobs by name: one for the whole process, and one for each endpoint, which has the former as its base. */
export class Registry {
  /** For people. */
  readonly name: string;
  readonly #base: Registry | undefined;
  /** By name, those of a name in the order in which they were registered. */
  readonly #jobs = new Map<string, Job[]>();

  /**
   * Makes one.
   *
   * @param base - whose jobs are found behind its own; default none
   */
  constructor(name = "local", base?: Registry) {
    this.name = name;
    this.#base = base;
  }

  /**
   * Registers a function. One that has the same name and domain is replaced.
   *
   * @returns the function
   * @throws ConfigurationError when it has no name
   */
  register<F extends JobFunction>(run: F, options: JobOptions = {}): F {
    if (typeof run !== "function") throw new ConfigurationError("What is registered has to be a function");
    const name = options.name ?? run.name;
    if (name === "") throw new ConfigurationError("A function without a name is registered with one: { name: … }");
    const { domain = DEFAULT_DOMAIN, withIdentity = false, params } = options;
    const others = (this.#jobs.get(name) ?? []).filter((job) => job.domain !== domain);
    this.#jobs.set(name, [...others, { run, name, domain, withIdentity, params }]);
    return run;
  }

  /** Names of all jobs, those of the base among them. */
  get names(): ReadonlySet<string> {
    return new Set([...(this.#base?.names ?? []), ...this.#jobs.keys()]);
  }

  /**
   * The jobs of a name, in the order in which they are tried: those of a domain of their own first, each of the two
   * from the nearest registry on and the latest of it first (docs/pseud-wire.md, section 6).
   */
  candidates(name: string): readonly Job[] {
    const jobs = this.registrations(name);
    if (jobs.length < 2) return jobs;
    return [
      ...jobs.filter((job) => job.domain !== DEFAULT_DOMAIN),
      ...jobs.filter((job) => job.domain === DEFAULT_DOMAIN),
    ];
  }

  /** The jobs of a name, the latest first, then those of the base. */
  registrations(name: string): readonly Job[] {
    const own = this.#jobs.get(name);
    // That of the process may belong to another copy of this package, whose private members are not those of this one.
    const inherited = this.#base?.registrations(name) ?? NONE;
    return own ? [...own.toReversed(), ...inherited] : inherited;
  }
}

const NONE: readonly Job[] = [];

/** The registry of the process, of whichever copies of this package are in it. */
export const globalRegistry: Registry = shared("pseud.registry", () => new Registry("global"));

/** A registry of its own, behind which that of the process stands; several endpoints may share it. */
export function createLocalRegistry(name = "local"): Registry {
  return new Registry(name, globalRegistry);
}

/**
 * Registers a function for all endpoints of the process, or in one registry.
 *
 * @returns the function
 * @throws ConfigurationError when it has no name
 */
export function register<F extends JobFunction>(
  run: F,
  options: JobOptions & { readonly registry?: Registry | undefined } = {},
): F {
  return (options.registry ?? globalRegistry).register(run, options);
}
