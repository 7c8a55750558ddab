import { RpcError, refineError } from "../errors.js";
import type { OutgoingCall } from "../peer/invoker.js";
import type { CallTarget, NamedCall } from "../peer/named-call.js";
import type { EarlierTry } from "../wire/message.js";
import type { Instance, ReadyInstance } from "./instance.js";
import { incarnationOf } from "./lost-try.js";

/** Where a try of a named call is about to go, as its caller is told. */
export function callTarget(call: OutgoingCall, instance: Instance, ready: ReadyInstance): CallTarget {
  const { contract } = ready;
  return {
    record: instance.record,
    incarnation: incarnationOf(ready),
    journal: contract?.methods.get(call.method)?.once ? contract.host?.journal : undefined,
    idempotent: isIdempotent(call, instance, ready),
  };
}

/** May a call be executed twice, as its caller says, or else who gets it? */
export function isIdempotent(
  { interface: name, method, options }: OutgoingCall,
  instance: Instance,
  ready: ReadyInstance,
): boolean {
  const { protocol } = instance;
  const told = protocol ? protocol.contractOf?.(name, method) : ready.contract?.methods.get(method);
  return options.idempotent ?? told?.idempotent ?? false;
}

/** The name of a try; rejects also where it is refused at once. */
export function nameOf(named: NamedCall, target: CallTarget): Promise<string> {
  try {
    return named.sending(target);
  } catch (error) {
    return Promise.reject(unnamed(error));
  }
}

/** What goes with a try that was given a name; `undefined` where nobody can be asked for it. */
export function firstTry(
  call: string,
  { incarnation, journal }: CallTarget,
  { taken = 0 }: NamedCall,
): EarlierTry | undefined {
  if (incarnation === undefined) return undefined;
  return { call, incarnation, journal, ageMs: 0, idempotent: true, isFirst: true, taken };
}

/** Whoever was to name a try did not: it was not sent, and is the last. */
export function unnamed(error: unknown): RpcError {
  return refineError(RpcError.from(error), { outcome: "not-sent" });
}
