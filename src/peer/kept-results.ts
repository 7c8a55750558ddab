import { RpcError, rpcError } from "../errors.js";
import type { AnswerMessage, CallMessage } from "../wire/message.js";
import type { CallOrigin } from "./call-origin.js";
import { DelegatedOrigin } from "./delegated-origin.js";
import type { Dispatcher } from "./dispatcher.js";
import type { ExposedInterface } from "./exposed/exposed-interface.js";
import { failureAnswer } from "./failures.js";
import { exposeReference } from "./references/expose-reference.js";
import { holdsSources } from "./streams/source.js";

/** Answers as the connection would, and lets others hear of it first. */
class KeptOrigin extends DelegatedOrigin {
  readonly #onAnswer: (answer: AnswerMessage) => void;

  constructor(end: CallOrigin, onAnswer: (answer: AnswerMessage) => void) {
    super(end);
    this.#onAnswer = onAnswer;
  }

  override get connectionName(): string | undefined {
    return this.end.connectionName;
  }

  respond(answer: AnswerMessage): void {
    this.#onAnswer(answer);
    this.end.respond(answer);
  }
}

/**
 * Results of the calls of one batch, for other calls of that batch which go on from them. A result is looked into only as
 * far as its caller would see it: own members of plain objects and arrays, and what can be called of references.
 */
export class KeptResults {
  readonly #end: CallOrigin;
  readonly #waiting: WaitingCalls;
  readonly #results = new Map<CallMessage["id"], Promise<unknown>>();

  /** @param waiting - of the whole connection */
  constructor(end: CallOrigin, waiting: WaitingCalls) {
    this.#end = end;
    this.#waiting = waiting;
  }

  /** Answers a call as the connection would, and keeps its result. */
  originOf(message: CallMessage): CallOrigin {
    let settle: { resolve: (value: unknown) => void; reject: (error: unknown) => void } | undefined;
    const result = new Promise<unknown>((resolve, reject) => {
      settle = { resolve, reject };
    });
    result.catch(() => undefined);
    this.#results.set(message.id, result);
    return new KeptOrigin(this.#end, (answer) => {
      if (answer.kind === "result") settle?.resolve(answer.result);
      else settle?.reject(rpcError(answer.code, answer.remote.message));
    });
  }

  /** Serves a call of another call's result, as soon as that is there. */
  serve(message: CallMessage, dispatcher: Dispatcher, arrivedAt: number): void {
    const base = this.#results.get(message.promised ?? -1);
    const origin = this.originOf(message);
    if (!base) {
      origin.respond(
        failureAnswer(message, rpcError("BAD_REQUEST", "The call goes on from one that is not in its batch")),
      );
      return;
    }
    const refusal = origin.load?.refusal();
    if (refusal) {
      origin.respond(failureAnswer(message, refusal));
      return;
    }
    const { id } = message;
    const waited = origin.load?.begin();
    this.#waiting.add(id);
    base.then(
      (value) => {
        waited?.();
        try {
          if (!this.#waiting.delete(id)) throw givenUp();
          this.#goOn(message, value, dispatcher, origin, arrivedAt);
        } catch (error) {
          origin.respond(failureAnswer(message, RpcError.from(error)));
        }
      },
      (error: unknown) => {
        waited?.();
        this.#waiting.delete(id);
        const text = `The call that this one goes on from failed: ${(error as Error).message}`;
        origin.respond(failureAnswer(message, rpcError("CANCELLED", text)));
      },
    );
  }

  #goOn(message: CallMessage, result: unknown, dispatcher: Dispatcher, origin: CallOrigin, arrivedAt: number): void {
    const names = message.method.split(".");
    let value = result;
    while (names.length > 0) {
      const exposed = message.isGet ? undefined : exposedBy(value);
      if (exposed) {
        dispatcher.dispatch(
          { ...message, interface: exposed.name, method: names.join(".") },
          origin,
          arrivedAt,
          exposed,
        );
        return;
      }
      value = memberOf(value, names.shift() ?? "");
    }
    if (message.isGet) {
      // Streams went with the result itself, and are read there.
      if (holdsSources(value)) throw rpcError("CANCELLED", "Streams come with the result", { outcome: "not-executed" });
      origin.respond({ kind: "result", id: message.id, result: value });
      return;
    }
    const exposed = exposedBy(value);
    if (!exposed) throw rpcError("METHOD_NOT_FOUND", `The result has no method ${message.method}`);
    dispatcher.dispatch({ ...message, interface: exposed.name, method: "" }, origin, arrivedAt, exposed);
  }
}

/** Numbers of calls that wait for the results of others. Who takes one out gives the call up. */
export type WaitingCalls = Set<CallMessage["id"]>;

function givenUp(): RpcError {
  return rpcError("CANCELLED", "The caller gave the call up before it was begun", { outcome: "not-executed" });
}

function exposedBy(value: unknown): ExposedInterface | undefined {
  return (typeof value === "object" && value !== null) || typeof value === "function"
    ? exposeReference(value)
    : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
