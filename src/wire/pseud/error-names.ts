import { ConfigurationError, type ErrorCode, type Outcome } from "../../errors.js";
import type { ErrorMessage } from "../message.js";
import { toldCode, toldOutcome } from "../told.js";
import type { ErrorItems } from "./error-items.js";
import { UNSENDABLE_NAMES } from "./python-builtins.js";

/** The class of which Python makes an error when there is nothing better to say. */
const ANY_NAME = "Exception";

/** What Python calls the errors of our codes: a builtin, one of the library's own two, or a name that comes as a text. */
const NAMES_OF_CODES: Partial<Record<ErrorCode, string>> = {
  METHOD_NOT_FOUND: "ServiceNotFoundError",
  SERVICE_NOT_FOUND: "ServiceNotFoundError",
  // Python raises it for arguments that do not fit.
  BAD_REQUEST: "TypeError",
  ACCESS_DENIED: "UnauthorizedError",
  SESSION_EXPIRED: "SessionExpiredError",
  UNAVAILABLE: "ConnectionError",
  TIMEOUT: "TimeoutError",
  CANCELLED: "CancelledError",
  OVERLOADED: "ConnectionRefusedError",
  DRAINING: "ConnectionRefusedError",
  TOO_LARGE: "ValueError",
  REFERENCE_LOST: "ReferenceError",
};

/** Under which names errors go to Python (docs/pseud-wire.md, section 4). */
export class ErrorNames {
  readonly #own: ReadonlyMap<string, string>;

  /**
   * Makes the names of an endpoint.
   *
   * @param own - Python's name by the name of an error's class here, or by its code: `{ RangeError: "ValueError" }`
   * @throws ConfigurationError for a name that would end the peer that gets it
   */
  constructor(own: Readonly<Record<string, string>> = {}) {
    for (const [ours, theirs] of Object.entries(own)) {
      if (sendableName(theirs) === theirs) continue;
      throw new ConfigurationError(
        `${ours} cannot be sent as ${JSON.stringify(theirs)}: Python would call that builtin, and break`,
      );
    }
    this.#own = new Map(Object.entries({ Error: ANY_NAME, ...own }));
  }

  /**
   * What travels of an error: the three texts, nothing of them joined. Each Python peer makes one text of them by itself.
   *
   * @param called - the name that was called, which is all that Python says of one that it does not find
   */
  itemsOf(answer: Pick<ErrorMessage, "code" | "outcome" | "remote">, called?: string): ErrorItems {
    const { code, outcome, remote } = answer;
    const isNotFound = code === "METHOD_NOT_FOUND" && outcome === "not-executed";
    const { stack = "" } = remote;
    return {
      name: this.#nameOf(code, remote.name),
      message: isNotFound ? (called ?? remote.message) : remote.message,
      // A traceback ends its last line.
      traceback:
        (stack === "" || stack.endsWith("\n") ? stack : `${stack}\n`) + (isNotFound ? "" : toldLine(code, outcome)),
    };
  }

  #nameOf(code: ErrorCode, name: string | undefined): string {
    const own = (name === undefined ? undefined : this.#own.get(name)) ?? this.#own.get(code);
    return own ?? NAMES_OF_CODES[code] ?? sendableName(name ?? ANY_NAME);
  }
}

/** What Python has no word for, as the last line of the traceback: for it a text like any other, for peers of ours what is so. */
function toldLine(code: ErrorCode, outcome: Outcome): string {
  return outcome === "executed" ? "" : `[lamplighter: ${code}, ${outcome}]\n`;
}

/** The code and outcome that {@link toldLine} tells. */
export function readToldLine(traceback: string): { readonly code: ErrorCode; readonly outcome: Outcome } | undefined {
  const [, first, second] = /\[lamplighter: (\w+), ([\w-]+)\]\n$/.exec(traceback.slice(-MAX_LINE)) ?? [];
  const code = toldCode(first);
  const outcome = toldOutcome(second);
  return code && outcome && { code, outcome };
}

const MAX_LINE = 80;

/**
 * A name that no Python peer breaks at: the name itself, or with an underscore behind it if it is that of a builtin which
 * cannot be raised.
 */
export function sendableName(name: string): string {
  if (name === "") return ANY_NAME;
  // Names with two underscores are found in every module.
  return UNSENDABLE_NAMES.has(name) || name.startsWith("__") ? `${name}_` : name;
}
