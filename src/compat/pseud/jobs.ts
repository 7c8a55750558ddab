import { BadRequestError, RpcError, rpcError } from "../../errors.js";
import { requireWanted, type ServerCall } from "../../peer/call-context.js";
import { UNDECLARED_METHOD } from "../../peer/contract.js";
import type { ExposedInterface, ExposedMethod, MethodTable } from "../../peer/exposed/exposed-interface.js";
import { NamedArguments } from "../../wire/named-arguments.js";
import { type PredicateArguments, predicateOf } from "./predicates.js";
import type { Job, Registry } from "./registry.js";

/** Where jobs are looked for, and for whom. */
export interface JobSource {
  /** The jobs. */
  readonly registry: Registry;
  /** What predicates get to know of a user. */
  predicateArguments(user: string): PredicateArguments | Promise<PredicateArguments>;
}

/** Where a job is looked for that is not found, once. */
export interface Fallback {
  /** The jobs of another endpoint of the process. */
  readonly jobs?: JobSource | undefined;
  /** Behind them: carries out what is elsewhere. */
  readonly remote?: ((name: string, args: readonly unknown[]) => unknown) | undefined;
}

/** What jobs need of the endpoint that they belong to. */
export interface JobsOptions extends JobSource {
  /** The id of the user behind a call: octets, empty for one without a name. */
  userIdOf(call: ServerCall): Buffer;
  /** Where to look for what is not here. */
  fallback(): Fallback | undefined;
}

/**
 * The jobs of an endpoint as an interface that can be called: every name leads to the same method, which looks for the job
 * when it is called. So who calls decides what is found, and what is refused is as if it were not there.
 */
export function exposeJobs(options: JobsOptions): ExposedInterface {
  const method = new JobMethod(options);
  return {
    name: "",
    stateful: false,
    authentication: "never",
    // Domains say who may call what.
    governedAs: undefined,
    policy: undefined,
    methods: new AnyName(method, options.registry),
    contract: { name: "", docstring: null, data: {}, methods: new Map(), host: undefined },
  };
}

/** Every name leads to one method. */
class AnyName implements MethodTable {
  readonly #method: ExposedMethod;
  readonly #registry: Registry;

  constructor(method: ExposedMethod, registry: Registry) {
    this.#method = method;
    this.#registry = registry;
  }

  get(): ExposedMethod {
    return this.#method;
  }

  has(): boolean {
    return true;
  }

  keys(): Iterable<string> {
    return this.#registry.names;
  }

  values(): Iterable<ExposedMethod> {
    return [this.#method];
  }

  entries(): Iterable<readonly [string, ExposedMethod]> {
    return Array.from(this.#registry.names, (name) => [name, this.#method] as const);
  }
}

class JobMethod implements ExposedMethod {
  readonly contract = UNDECLARED_METHOD;
  readonly #options: JobsOptions;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  async invoke(call: ServerCall): Promise<unknown> {
    const userId = this.#options.userIdOf(call);
    const user = call.caller?.name ?? userId.toString("utf8");
    const job = await findJob(call.method, user, this.#options);
    try {
      if (job) return await runJob(job, call, userId);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return await this.#delegate(call, user, userId, error);
    }
    return await this.#delegate(call, user, userId, notFound(call.method));
  }

  /** What is not found here is looked for in one other place, and no further. */
  async #delegate(call: ServerCall, user: string, userId: Buffer, error: unknown): Promise<unknown> {
    const { jobs, remote } = this.#options.fallback() ?? {};
    const job = jobs && (await findJob(call.method, user, jobs));
    if (job) return await runJob(job, call, userId);
    if (remote) return await this.#forward(remote, call, error);
    throw error;
  }

  /** Elsewhere, where it may be unknown as well. */
  async #forward(remote: NonNullable<Fallback["remote"]>, call: ServerCall, unknown: unknown): Promise<unknown> {
    const { started } = call;
    call.started = true;
    try {
      return await remote(call.method, argumentsOf(call));
    } catch (error) {
      if (!RpcError.isRpcError(error)) throw error;
      if (isNotFound(error) && error.outcome === "not-executed") {
        // A job of this name may have been run here before.
        call.started = started;
        throw unknown;
      }
      const { name, message } = error.remote ?? {};
      throw name === undefined || message === undefined ? error : new ForwardedError(name, message, error);
    }
  }
}

/** The first job of a name whose predicate lets the user call it. */
async function findJob(name: string, user: string, source: JobSource): Promise<Job | undefined> {
  const candidates = source.registry.candidates(name);
  if (candidates.length === 0) return undefined;
  const told = await source.predicateArguments(user);
  for (const job of candidates) {
    const predicate = predicateOf(job.domain);
    if (!predicate) throw new ComponentLookupError(`The domain ${job.domain} has no predicate (registerPredicate)`);
    if (await predicate(told)) return job;
  }
  return undefined;
}

function runJob(job: Job, call: ServerCall, userId: Buffer): unknown {
  // Predicates may take their time.
  requireWanted(call);
  const values = valuesOf(job, argumentsOf(call));
  call.started = true;
  const args = job.withIdentity ? [userId, ...values] : values;
  return Reflect.apply(job.run, undefined, args) as unknown;
}

/** In order, with keywords last; callers on other wires give one value, or none. */
function argumentsOf({ args, isPositional }: ServerCall): readonly unknown[] {
  if (isPositional) return args as readonly unknown[];
  return args === null || args === undefined ? [] : [args];
}

/** The arguments of a function: keywords at the place of their parameter, or as one object behind the others. */
function valuesOf({ name, params, run, withIdentity }: Job, args: readonly unknown[]): readonly unknown[] {
  const last = args.at(-1);
  const keywords = NamedArguments.is(last) ? last.values : undefined;
  const values = keywords ? args.slice(0, -1) : [...args];
  if (!params) return keywords ? [...values, keywords] : args;
  const given = values.length;
  if (given > params.length) {
    const takes = `takes ${params.length} positional arguments (${params.join(", ")})`;
    throw new BadRequestError(`${name}() ${takes} but ${given} were given`);
  }
  for (const [keyword, value] of Object.entries(keywords ?? {})) {
    const index = params.indexOf(keyword);
    if (index < 0) throw new BadRequestError(`${name}() got an unexpected keyword argument ${JSON.stringify(keyword)}`);
    if (index < given) {
      throw new BadRequestError(`${name}() got multiple values for the argument ${JSON.stringify(keyword)}`);
    }
    values[index] = value;
  }
  // Parameters from the first one with a default on may be left out.
  const missing = params
    .slice(0, Math.max(0, run.length - (withIdentity ? 1 : 0)))
    .find((_, index) => !(index in values));
  if (missing !== undefined) throw new BadRequestError(`${name}() is missing the argument ${JSON.stringify(missing)}`);
  return values;
}

/** An error of another place, which keeps its name. */
class ForwardedError extends Error {
  override readonly name: string;

  constructor(name: string, message: string, cause: RpcError) {
    super(message, { cause });
    this.name = name;
  }
}

/** As Python's component registries say it. */
class ComponentLookupError extends Error {
  override readonly name = "ComponentLookupError";
}

function isNotFound(error: unknown): boolean {
  return RpcError.isRpcError(error) && (error.code === "METHOD_NOT_FOUND" || error.code === "SERVICE_NOT_FOUND");
}

function notFound(name: string): RpcError {
  return rpcError("METHOD_NOT_FOUND", `No job ${JSON.stringify(name)} is registered here for its caller`, {
    outcome: "not-executed",
  });
}
