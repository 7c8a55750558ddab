import { type RpcError, rpcError } from "../errors.js";
import { ABSENT_NAMES } from "./proxy-names.js";
import { discardSources, holdSources } from "./streams/source.js";

/** A step from the result of a call, as a proxy of it is used: `.profile(1)`, or `.name` and no call. */
export interface PipelineStep {
  /** Names on the way. */
  readonly path: readonly string[];
  /** Arguments; absent: the value itself is meant. */
  readonly args?: readonly unknown[] | undefined;
}

/** A call whose result can be used before it is there. */
export interface PipelineBase {
  /**
   * Takes a step from the result, in the same round trip if that can be.
   *
   * @returns `undefined` when it cannot: the result has to be waited for
   */
  follow(step: PipelineStep): CallPromise<unknown> | undefined;
}

/**
 * What a call on a proxy returns: a native promise that is an async iterable as well, for methods that stream, and whose
 * result can be used before it is there: `await api.authenticate(token).profile().name` is one round trip on the lamp wire.
 *
 * `constructor` is `Promise`, so that `await` takes the promise itself instead of wrapping it, and `then` gives plain ones.
 * Names that no promise has are looked up at the end of the prototype chain, where a proxy stands: a promise that is only
 * awaited costs no more than any other.
 */
export class CallPromise<T> extends Promise<T> implements AsyncIterable<unknown> {
  /** Where the call can be followed; absent: where its result is. @internal */
  base: PipelineBase | undefined = undefined;

  /** Waits for the answer, then for its items. */
  async *[Symbol.asyncIterator](): AsyncGenerator {
    const value: unknown = await this;
    if (typeof value === "object" && value !== null && Symbol.asyncIterator in value) {
      yield* value as AsyncIterable<unknown>;
    } else {
      throw rpcError("BAD_REQUEST", "The method does not stream: its result is no async iterable", {
        outcome: "executed",
      });
    }
  }
}

/** A call that fails before it begins. */
export function rejected(error: RpcError): CallPromise<never> {
  return new CallPromise((_resolve, reject) => {
    reject(error);
  });
}

const promiseMembers = Object.create(Promise.prototype) as object;

const own = CallPromise.prototype as object;
for (const name of ["then", "catch", "finally"]) {
  Object.defineProperty(own, name, Object.getOwnPropertyDescriptor(Promise.prototype, name) ?? {});
}
Object.defineProperty(own, "constructor", { value: Promise, configurable: true, writable: true });
Object.setPrototypeOf(
  own,
  new Proxy(promiseMembers, {
    get(target, key, receiver) {
      if (typeof key === "symbol" || key in target || isLocalName(key) || !(receiver instanceof CallPromise)) {
        return Reflect.get(target, key, receiver) as unknown;
      }
      return pipelined(receiver as CallPromise<unknown>, [key]);
    },
  }),
);

/** Names that are asked of any object to find out what it is, or how to print it. */
function isLocalName(name: string): boolean {
  return ABSENT_NAMES.has(name) || name === "toJSON" || name === "inspect";
}

/** A name on the way from a result that is not there yet: can be called, awaited, and gone on from. */
function pipelined(promise: CallPromise<unknown>, path: readonly string[]): unknown {
  const call = (...args: unknown[]): CallPromise<unknown> => take(promise, { path, args });
  let value: CallPromise<unknown> | undefined;
  return new Proxy(call, {
    get(target, key) {
      if (key === "then" || key === "catch" || key === "finally") {
        // Only now is it known that the value itself is wanted, and no method of it.
        value ??= take(promise, { path });
        const member = Reflect.get(value, key) as (...args: unknown[]) => unknown;
        return member.bind(value);
      }
      // A result may well have a name and a length: what every function has is not asked of this one.
      if (typeof key === "symbol" || key in Object.prototype) return Reflect.get(target, key) as unknown;
      return isLocalName(key) ? undefined : pipelined(promise, [...path, key]);
    },
  });
}

/** Takes a step: with the call itself if it is still here, else from its result. */
function take(promise: CallPromise<unknown>, step: PipelineStep): CallPromise<unknown> {
  // Until it is known what they are given to, nobody listens to them.
  holdSources(step.args);
  return promise.base?.follow(step) ?? fromResult(promise, step);
}

/** Takes a step from a result that is waited for. Streams among its arguments are ended if it does not come to it. */
export function fromResult(result: Promise<unknown>, step: PipelineStep): CallPromise<unknown> {
  return new CallPromise((resolve, reject) => {
    let isTaken = false;
    result
      .then((value) => {
        const { member, owner } = memberOf(value, step);
        if (step.args === undefined) return member;
        if (typeof member === "function") {
          isTaken = true;
          return Reflect.apply(member, owner, step.args) as unknown;
        }
        const method = step.path.join(".");
        throw rpcError("METHOD_NOT_FOUND", `The result has no method ${method}`, { outcome: "not-sent", method });
      })
      .then(resolve, (error: unknown) => {
        if (!isTaken) discardSources(step.args);
        reject(error);
      });
  });
}

function memberOf(value: unknown, { path }: PipelineStep): { readonly member: unknown; readonly owner: unknown } {
  let owner: unknown;
  let member = value;
  for (const name of path) {
    owner = member;
    member = (owner as Record<string, unknown> | null | undefined)?.[name];
  }
  return { member, owner };
}
