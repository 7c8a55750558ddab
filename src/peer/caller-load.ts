import { type RpcError, rpcError } from "../errors.js";

/** What one connection may have under way at a host. */
export interface LoadLimits {
  /** Calls that run, or wait. */
  readonly callsInFlight: number;
  /** Bytes of the messages that they came in. */
  readonly bytesInFlight: number;
}

/**
 * What one connection has under way at a host. A call that ends in the same step of the event loop is never under way, and
 * costs nothing here. Bytes are those of whole messages, for calls of one message keep it in memory together.
 */
export class CallerLoad {
  readonly #limits: LoadLimits;
  #calls = 0;
  #bytes = 0;
  /** Size of the message that is being read, and its calls as soon as one is under way. */
  #messageBytes = 0;
  #message: MessageLoad | undefined;

  /** Nothing is under way yet. */
  constructor(limits: LoadLimits) {
    this.#limits = limits;
  }

  /** Calls under way. */
  get calls(): number {
    return this.#calls;
  }

  /** A message of so many bytes is about to be read. */
  reading(bytes: number): void {
    this.#messageBytes = bytes;
    this.#message = undefined;
  }

  /** It was read: what begins from now on, later calls of it included, keeps no bytes of it. */
  read(): void {
    this.reading(0);
  }

  /** Why no other call can be taken now; a message may always come when nothing else is under way, however large. */
  refusal(): RpcError | undefined {
    const { callsInFlight, bytesInFlight } = this.#limits;
    if (this.#calls === 0) return undefined;
    if (this.#calls >= callsInFlight) return tooMuch(`${callsInFlight} calls`, "callsInFlight");
    const isCounted = this.#message !== undefined && this.#message.calls > 0;
    if (isCounted || this.#bytes + this.#messageBytes <= bytesInFlight) return undefined;
    return tooMuch(`${bytesInFlight} bytes of calls`, "bytesInFlight");
  }

  /** A call of the message that is being read is under way until the returned function is called, which has to be once. */
  begin(): () => void {
    this.#message ??= { bytes: this.#messageBytes, calls: 0 };
    const message = this.#message;
    if (message.calls === 0) this.#bytes += message.bytes;
    message.calls++;
    this.#calls++;
    return () => {
      message.calls--;
      this.#calls--;
      if (message.calls === 0) this.#bytes -= message.bytes;
    };
  }
}

interface MessageLoad {
  readonly bytes: number;
  /** Those under way. */
  calls: number;
}

function tooMuch(what: string, limit: string): RpcError {
  return rpcError(
    "OVERLOADED",
    `${what} of this connection are being served already (the host's option limits.${limit})`,
    {
      outcome: "not-executed",
    },
  );
}
