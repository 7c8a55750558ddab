import type { RpcError } from "../../errors.js";
import type { CallOrigin } from "../../peer/call-origin.js";
import type { CallerLoad } from "../../peer/caller-load.js";
import type { MethodContract } from "../../peer/contract.js";
import type { Callee } from "../../peer/protocol.js";
import type { Dynamic, Remote } from "../../peer/remote.js";
import type { Box } from "../../wire/amp/index.js";
import type { AnswerMessage } from "../../wire/message.js";
import { answerBox } from "./answer-box.js";
import { attachmentsOf, boxBytes } from "./box-size.js";
import type { Command } from "./command.js";
import type { CommandBook } from "./command-book.js";
import { failureOfAnswer, failureOfArguments } from "./failure-of-answer.js";
import type { BoxResponder, ResponderContext, ResponderLocator } from "./locator.js";
import { requestArguments } from "./request-arguments.js";

/** Who asks, as those who carry calls out know it. */
export interface AskingEnd {
  /** As `host.peers` lists it. */
  readonly label: string;
  /** What it has proven. */
  readonly identity: CallOrigin["identity"];
  /** What it has under way; `undefined`: it is not limited. */
  readonly load: CallerLoad | undefined;
  /** A proxy of what it answers itself. */
  peer(interfaceName?: string): Remote<Dynamic>;
}

/** What the calls of one connection are carried out by. */
export interface CalleeLocatorOptions {
  /** Commands whose types are known. */
  readonly book: CommandBook;
  /** Carries them out. */
  readonly callee: Callee;
  /** Largest answer, in octets. */
  readonly maxMessageBytes: number;
}

/**
 * Answers commands by the methods of interfaces: that which a command of the table stands for, else the one of the command's own name, be
 * it alone, as no other interface has such a method, or with the name of the interface in front.
 */
export class CalleeLocator implements ResponderLocator {
  readonly #end: AskingEnd;
  readonly #options: CalleeLocatorOptions;
  #calls = 0;

  constructor(end: AskingEnd, options: CalleeLocatorOptions) {
    this.#end = end;
    this.#options = options;
  }

  /** Whether there is such a method is found out when it is called: who may not call anything learns nothing of it either. */
  locateResponder(name: string): BoxResponder {
    const { book, callee, maxMessageBytes } = this.#options;
    const booked = book.asked(name);
    const named = booked && callee.contractOf("", booked.method);
    // A table may call a method otherwise than the interface does, which then has the command's own name.
    const method = booked && (named || !callee.contractOf("", name)) ? booked.method : name;
    return new CalleeResponder(this.#end, callee, {
      id: ++this.#calls,
      method,
      command: booked?.command,
      contract: named ?? callee.contractOf("", method),
      maxMessageBytes,
    });
  }
}

/** A method that was asked for. */
interface AskedMethod {
  readonly id: number;
  readonly method: string;
  readonly command: Command | undefined;
  readonly contract: MethodContract | undefined;
  readonly maxMessageBytes: number;
}

/** Has a request carried out, and waits for what comes of it. */
class CalleeResponder implements BoxResponder {
  readonly command: Command | undefined;
  readonly #end: AskingEnd;
  readonly #callee: Callee;
  readonly #asked: AskedMethod;

  constructor(end: AskingEnd, callee: Callee, asked: AskedMethod) {
    this.command = asked.command;
    this.#end = end;
    this.#callee = callee;
    this.#asked = asked;
  }

  respond(box: Box, context: ResponderContext): Box | Promise<Box> {
    const { id, method, command, contract } = this.#asked;
    const { load } = this.#end;
    let given: ReturnType<typeof requestArguments>;
    try {
      given = requestArguments(box, command, contract, context);
    } catch (error) {
      return settled({ failure: failureOfArguments(error) }, context);
    }
    const origin = new AskOrigin(this.#end, this.#asked, context);
    load?.reading(boxBytes(box));
    this.#callee.dispatch({ kind: "call", id, interface: "", method, ...given }, origin, performance.now());
    load?.read();
    if (origin.answer) return settled(origin.answer, context);
    return new Promise<Answer>((resolve) => {
      origin.onAnswer = resolve;
    }).then((answer) => settled(answer, context));
  }
}

type Answer = { readonly box: Box } | { readonly failure: RpcError };

/** Whoever wants no answer is told of no failure, and is no reason to end the connection. */
function settled(answer: Answer, { isAsked }: ResponderContext): Box {
  if ("box" in answer) return answer.box;
  if (isAsked === false) return NOTHING;
  throw answer.failure;
}

/** Where a request has come from, and where its answer goes. */
class AskOrigin implements CallOrigin {
  readonly connection: AskingEnd;
  readonly connectionName = undefined;
  readonly label: string;
  readonly identity: CallOrigin["identity"];
  readonly load: CallerLoad | undefined;
  readonly attachments: CallOrigin["attachments"];
  /** What came of it, once that is known. */
  answer: Answer | undefined = undefined;
  onAnswer: ((answer: Answer) => void) | undefined = undefined;
  readonly #asked: AskedMethod;
  readonly #context: ResponderContext;

  constructor(end: AskingEnd, asked: AskedMethod, context: ResponderContext) {
    this.connection = end;
    this.label = end.label;
    this.identity = end.identity;
    this.load = end.load;
    this.attachments = attachmentsOf(asked.maxMessageBytes);
    this.#asked = asked;
    this.#context = context;
  }

  /** @throws RpcError for a result that cannot travel: its caller is to be told of that then */
  respond(message: AnswerMessage): void {
    const { command, contract, maxMessageBytes } = this.#asked;
    this.answer =
      message.kind === "result"
        ? { box: answerBox(message, { command, contract, maxMessageBytes, context: this.#context }) }
        : { failure: failureOfAnswer(message, command, this.#context.dialect) };
    this.onAnswer?.(this.answer);
  }

  peer(interfaceName?: string): Remote<Dynamic> {
    return this.connection.peer(interfaceName);
  }
}

const NOTHING: Box = new Map();
