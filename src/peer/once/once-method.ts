import { ConfigurationError, rpcError } from "../../errors.js";
import type { AccessPolicy } from "../../security/policy.js";
import type { AnswerMessage } from "../../wire/message.js";
import { isReply, Reply, type ServerCall } from "../call-context.js";
import type { MethodContract } from "../contract.js";
import type { ExposedMethod } from "../exposed/exposed-interface.js";
import { type ErrorPolicy, errorAnswer, reasonOf } from "../failures.js";
import type { CallJournal, JournalDatabase, JournalEntry, JournaledCall } from "./call-journal.js";
import { ToldFailure } from "./told-failure.js";

/** What `once` methods need of their host. */
export interface JournalingHost {
  /** What callers are told of exceptions. */
  readonly errors: ErrorPolicy | undefined;
  /**
   * Where calls are written down; absent: it never has a journal.
   *
   * @throws ConfigurationError when it has none, and might
   */
  readonly journal: (() => CallJournal) | undefined;
}

/**
 * Lets a method be executed as often as its declaration says.
 *
 * @throws ConfigurationError when it would have to be written down, and there is nowhere to
 */
export function journaled(method: ExposedMethod, { journal, errors }: JournalingHost): ExposedMethod {
  if (method.once === undefined) return method;
  if (!journal) {
    throw new ConfigurationError(
      `${method.contract.name} is declared once, and what a client provides has no journal; provide it by a host`,
    );
  }
  return method.once === true ? new OnceMethod(method, journal, errors) : new TransactionMethod(method, journal);
}

/**
 * A method that is executed at most once for each call, even if its host is killed in the middle: before it begins, that
 * is written down, and before its answer leaves, that is, too.
 */
export class OnceMethod implements ExposedMethod {
  readonly contract: MethodContract;
  readonly policy: AccessPolicy | undefined;
  readonly #method: ExposedMethod;
  readonly #journal: () => CallJournal;
  readonly #errors: ErrorPolicy | undefined;

  constructor(method: ExposedMethod, journal: () => CallJournal, errors: ErrorPolicy | undefined) {
    this.contract = method.contract;
    this.policy = method.policy;
    this.#method = method;
    this.#journal = journal;
    this.#errors = errors;
  }

  invoke(call: ServerCall): unknown {
    // Nobody can try it again, so there is nothing to be recognised.
    return call.isRepeatable ? this.#invokeOnce(call, this.#journal()) : this.#method.invoke(call);
  }

  async #invokeOnce(call: ServerCall, journal: CallJournal): Promise<unknown> {
    const described = describeCall(call);
    const { id } = described;
    const known = recall(call, await journal.begin(described));
    if (known) return resultOf(known);
    let answer: AnswerMessage;
    try {
      answer = resultMessage(call, await this.#method.invoke(call));
    } catch (error) {
      if (call.started) await journal.end(id, errorAnswer(reasonOf(call, error), "executed", this.#errors));
      else journal.withdraw(id);
      throw error;
    }
    await journal.end(id, answer);
    return resultOf(answer);
  }
}

/**
 * A method whose effect and answer are written down together, in `currentCall().transaction(…)`: it is carried out exactly
 * once for each call that is tried until it is answered.
 */
export class TransactionMethod implements ExposedMethod {
  readonly contract: MethodContract;
  readonly policy: AccessPolicy | undefined;
  readonly #method: ExposedMethod;
  readonly #journal: () => CallJournal;

  constructor(method: ExposedMethod, journal: () => CallJournal) {
    this.contract = method.contract;
    this.policy = method.policy;
    this.#method = method;
    this.#journal = journal;
  }

  async invoke(call: ServerCall): Promise<unknown> {
    const journal = this.#journal();
    const described = describeCall(call);
    const { label } = described;
    const known = recall(call, journal.look(described));
    if (known) return resultOf(known);
    let answer: AnswerMessage | undefined;
    call.commit = <T>(body: (database: JournalDatabase) => T): T => {
      if (answer) throw rpcError("CONFIGURATION", `${label} has committed a transaction before`);
      let value: T | undefined;
      answer = journal.commit(described, (database) => {
        value = body(database);
        if (value instanceof Promise) {
          throw rpcError("CONFIGURATION", `The transaction of ${label} must not wait for anything`);
        }
        return resultMessage(call, this.#method.shape?.(value));
      });
      return value as T;
    };
    try {
      await this.#method.invoke(call);
    } catch (error) {
      // What was committed is the answer, whatever came after it.
      if (!answer) throw error;
    }
    if (answer) return resultOf(answer);
    throw rpcError("UNKNOWN", `${label} ended without currentCall().transaction(…): nothing was written down`);
  }
}

function describeCall(call: ServerCall): JournaledCall {
  return { id: call.callId, ageMs: call.ageMs, label: `${call.interface}.${call.method}` };
}

/** What is to be answered without executing the call; `undefined` when it is to be executed. */
function recall(call: ServerCall, entry: JournalEntry): AnswerMessage | undefined {
  switch (entry.state) {
    case "new":
      return undefined;
    case "answered":
      call.started = true;
      return entry.answer;
    case "begun":
      return unknownOutcome(
        "The service had begun the call, and was killed or stopped before it ended. It may have been executed",
      );
    case "forgotten":
      return unknownOutcome("The service has no record left of the first try. It may have been executed");
  }
}

function unknownOutcome(message: string): AnswerMessage {
  return errorAnswer(rpcError("UNAVAILABLE", message), "unknown");
}

function resultMessage(call: ServerCall, value: unknown): AnswerMessage {
  const ready = isReply(value) ? value : undefined;
  return {
    kind: "result",
    id: 0,
    result: ready ? ready.result : value,
    attachment: ready?.attachment,
    extensions: call.responseExtensions,
  };
}

function resultOf(answer: AnswerMessage): unknown {
  if (answer.kind === "error") throw new ToldFailure(answer);
  return answer.attachment === undefined ? answer.result : new Reply(answer.result, answer.attachment);
}
