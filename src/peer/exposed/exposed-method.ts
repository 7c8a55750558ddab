import { BadRequestError, ConfigurationError, rpcError } from "../../errors.js";
import { AccessPolicy } from "../../security/policy.js";
import { NamedArguments } from "../../wire/named-arguments.js";
import { checkType, isPlainObject, wireArguments } from "../arguments.js";
import { isReply, Reply, type ServerCall } from "../call-context.js";
import type { ArgumentType, MethodContract } from "../contract.js";
import { isByteSource } from "../streams/byte-stream.js";
import { discardSources } from "../streams/source.js";
import type { ExposedMethod, OnceMode } from "./exposed-interface.js";
import type { MethodFunction, MethodOptions, ServiceResponse } from "./method-options.js";
import { type Parameter, readParameters } from "./parameters.js";
import { validateArgument, validateResult } from "./schema.js";
import { incomingStream, readStreamFlag, refuseStream, sendOutgoing, takeIncoming } from "./stream-attachments.js";

/**
 * Makes a function callable from outside: argument object, prehooks, declared arguments, checks, the function, result
 * shaping, posthooks, in PyCOM's order (docs/pycom-wire.md, sections 6.1 and 12).
 *
 * @param receiver - what `this` is in the function
 * @param inferred - types that the compiler told (`design:paramtypes`), used where the options name none
 * @throws ConfigurationError when the declaration contradicts itself
 */
export function exposeMethod(
  interfaceName: string,
  name: string,
  body: MethodFunction,
  receiver: unknown,
  options: MethodOptions,
  inferred: readonly (ArgumentType | undefined)[] = [],
): ExposedMethod {
  return new FunctionMethod(interfaceName, body, receiver, options, readParameters(name, options, inferred), {
    name,
    first: inferred[0],
  });
}

class FunctionMethod implements ExposedMethod {
  readonly contract: MethodContract;
  readonly once: OnceMode | undefined;
  readonly policy: AccessPolicy | undefined;
  readonly undeclared: number | undefined;
  readonly #interface: string;
  readonly #body: MethodFunction;
  readonly #receiver: unknown;
  readonly #options: MethodOptions;
  readonly #parameters: readonly Parameter[];
  readonly #valueType: ArgumentType | undefined;
  /** No step waits: the call needs no promise of ours. */
  readonly #direct: boolean;

  constructor(
    interfaceName: string,
    body: MethodFunction,
    receiver: unknown,
    options: MethodOptions,
    parameters: readonly Parameter[],
    told: { readonly name: string; readonly first: ArgumentType | undefined },
  ) {
    this.once = readOnce(told.name, options);
    this.policy = options.policy === undefined ? undefined : new AccessPolicy(options.policy);
    this.undeclared = parameters.length === 0 && body.length > 1 ? body.length : undefined;
    this.#interface = interfaceName;
    this.#body = body;
    this.#receiver = receiver;
    this.#options = options;
    this.#parameters = parameters;
    this.#valueType = told.first;
    const results = typeof options.results === "string" ? [options.results] : (options.results ?? []);
    const { incoming = null, outgoing = null } = options.attachments ?? {};
    this.contract = {
      name: told.name,
      required: parameters.filter((parameter) => !parameter.optional).map((parameter) => parameter.name),
      optional: parameters.filter((parameter) => parameter.optional).map((parameter) => parameter.name),
      results,
      docstring: options.doc ?? null,
      incoming,
      outgoing,
      ...(readStreamFlag(told.name, options, parameters) && { stream: true }),
      idempotent: options.idempotent !== undefined && options.idempotent !== false,
      ...(options.idempotent === "by-call-id" && { byCallId: true }),
      once: this.once !== undefined,
      types: Object.fromEntries(
        parameters.flatMap(({ name, type }) => (type === undefined ? [] : [[name, type] as const])),
      ),
    };
    this.#direct =
      !this.contract.stream &&
      !options.prehooks?.length &&
      !options.posthooks?.length &&
      !options.input &&
      !options.output &&
      parameters.every((parameter) => !parameter.schema);
  }

  invoke(call: ServerCall): unknown {
    if (call.isPositional) this.#name(call);
    this.#requireObject(call);
    if (!this.#direct) return this.#invokeWithSteps(call);
    const value = this.#run(call, this.#fetch(call));
    return value instanceof Promise
      ? value.then((settled) => toReply(this.#shape(settled)))
      : toReply(this.#shape(value));
  }

  shape(value: unknown): unknown {
    return toReply(this.#shape(value));
  }

  async #invokeWithSteps(call: ServerCall): Promise<unknown> {
    const { prehooks = [], posthooks = [], input, output } = this.#options;
    const { stream: streams, incoming, outgoing } = this.contract;
    const stream = streams ? takeIncoming(call, incoming) : undefined;
    let current = call;
    for (const hook of prehooks) current = await hook(this.#interface, this.contract.name, current);
    if (input) current.args = await validateArgument(input, current.args, "args");
    const values = this.#fetch(current);
    for (const [index, { name, schema }] of this.#parameters.entries()) {
      if (streams && name === incoming) values[index] = stream ?? incomingStream(call, name, current.attachment);
      if (schema && values[index] !== undefined) {
        values[index] = await validateArgument(schema, values[index], `args.${name}`);
      }
    }
    const returned = await this.#run(call, values);
    try {
      let value = returned;
      if (output) {
        value = isReply(value)
          ? new Reply(await validateResult(output, value.result), value.attachment)
          : await validateResult(output, value);
      }
      let response = this.#shape(value);
      if (streams && outgoing !== null) response = await sendOutgoing(response, outgoing, call);
      for (const hook of posthooks) response = await hook(this.#interface, this.contract.name, response);
      return toReply(response);
    } catch (error) {
      discardSources(isReply(returned) ? returned.result : returned);
      throw error;
    }
  }

  #run(call: ServerCall, values: unknown[]): unknown {
    call.started = true;
    return this.#body.apply(this.#receiver, values as never[]);
  }

  /** Arguments that came in order get their names here, where the declaration is. */
  #name(call: ServerCall): void {
    if (this.#parameters.length === 0) return;
    const where = { interface: this.#interface, method: this.contract.name };
    const { args, attachment } = wireArguments(call.args as readonly unknown[], this.contract, where, call.attachment);
    call.args = args;
    call.attachment = attachment;
  }

  /** A method that declares arguments gets an object, or nothing, which counts as an empty one. */
  #requireObject(call: ServerCall): void {
    if (this.#parameters.length === 0) return;
    call.args ??= {};
    if (isPlainObject(call.args)) return;
    const got = Array.isArray(call.args) ? "an array" : `a ${typeof call.args}`;
    throw new BadRequestError(
      `args of ${this.#interface}.${this.contract.name} must be an object by name ` +
        `(${this.#parameters.map((parameter) => parameter.name).join(", ")}), got ${got}`,
    );
  }

  #fetch(call: ServerCall): unknown[] {
    if (this.#parameters.length === 0) {
      if (call.isPositional) return (call.args as readonly unknown[]).map(plainKeywords);
      if (this.#valueType !== undefined) checkType("value", call.args, this.#valueType);
      return [call.args];
    }
    const args = call.args as Record<string, unknown>;
    return this.#parameters.map(({ name, optional, type }) => {
      const value = Object.hasOwn(args, name) ? args[name] : undefined;
      if (name === this.contract.incoming && !optional) {
        refuseStream(value, name);
        return call.attachment ?? null;
      }
      if (value === undefined) {
        if (optional) return undefined;
        throw new BadRequestError(`The argument args.${name} of ${this.#interface}.${this.contract.name} is missing`);
      }
      checkType(name, value, type, { interface: this.#interface, method: this.contract.name });
      return value;
    });
  }

  #shape(value: unknown): ServiceResponse {
    const ready = isReply(value) ? value : undefined;
    const plain = (ready ? ready.result : value) ?? null;
    const result = this.#named(plain);
    let attachment = ready?.attachment;
    const { outgoing } = this.contract;
    if (outgoing !== null && isPlainObject(result) && Object.hasOwn(result, outgoing)) {
      const bytes = result[outgoing];
      const isStream = this.contract.stream && !(bytes instanceof Uint8Array) && isByteSource(bytes);
      if (!isStream) Reflect.deleteProperty(result, outgoing);
      if (bytes instanceof Uint8Array) attachment = bytes;
      else if (!isStream && bytes !== null && bytes !== undefined) {
        throw rpcError("UNKNOWN", `The result ${outgoing} is the attachment and must be a Uint8Array`, {
          outcome: "executed",
        });
      }
    }
    return { result, attachment };
  }

  #named(value: unknown): unknown {
    const { results } = this.contract;
    if (results.length === 0) return value;
    const [only] = results;
    if (results.length === 1 && only !== undefined) return { [only]: value };
    if (Array.isArray(value) && value.length === results.length) {
      return Object.fromEntries(results.map((name, index) => [name, value[index] as unknown]));
    }
    if (isPlainObject(value) && results.every((name) => Object.hasOwn(value, name))) {
      return Object.fromEntries(results.map((name) => [name, value[name]]));
    }
    throw rpcError(
      "UNKNOWN",
      `${this.contract.name} declares the results ${results.join(", ")} and returned something else`,
      { outcome: "executed" },
    );
  }
}

/** A function that declares nothing gets keyword arguments as an object, behind the others. */
function plainKeywords(value: unknown): unknown {
  return NamedArguments.is(value) ? value.values : value;
}

/** A result without attachment needs no wrapping. */
function toReply({ result, attachment }: ServiceResponse): unknown {
  return attachment === undefined ? result : new Reply(result, attachment);
}

function readOnce(method: string, options: MethodOptions): OnceMode | undefined {
  const { once } = options;
  if (once === undefined || once === false) return undefined;
  if ((once as unknown) !== true && once !== "transaction") {
    throw new ConfigurationError(
      `The method ${method} wants once as true or "transaction", got ${JSON.stringify(once)}`,
    );
  }
  if (options.idempotent) {
    throw new ConfigurationError(`The method ${method} is declared idempotent, and once: it can be only one of them`);
  }
  if (once === "transaction" && (options.posthooks?.length || options.output)) {
    throw new ConfigurationError(
      `The method ${method} writes its answer in a transaction, after which posthooks and output would change it`,
    );
  }
  return once;
}
