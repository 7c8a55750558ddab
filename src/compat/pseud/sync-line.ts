import { type RpcError, rpcError } from "../../errors.js";
import type { Link, Transport } from "../../transport/index.js";
import type { Frames } from "../../wire/message.js";
import { isMessage, MessageType, typeOf } from "../../wire/pseud/format.js";
import { Dialler } from "./dialler.js";
import { LogIn } from "./log-in.js";
import { refuseJob } from "./refuse-job.js";
import { type Broken, type FromThread, type SyncThreadData, Word } from "./sync-channel.js";

/** A call that its caller has handed over. */
export interface SyncCall {
  /** Its number. */
  readonly number: number;
  /** All five. */
  readonly frames: Frames;
}

/**
 * The connection of a blocking client, in a thread of its own. It moves the frames of one call at a time and looks at no value; what
 * cannot wait until the caller calls again is done here: log-ins, and answers to a server that calls back.
 */
export class SyncLine {
  readonly #data: SyncThreadData;
  readonly #tell: (message: FromThread) => void;
  readonly #dialler: Dialler;
  /** The connection, while it leads to the server that is meant. */
  #link: Link | undefined;
  #login: LogIn | undefined;
  #waiting: SyncCall | undefined;
  #sent: SyncCall | undefined;
  /** Why there is none. */
  #trouble: RpcError | undefined;

  /**
   * Begins to connect.
   *
   * @param tell - tells the caller
   */
  constructor(data: SyncThreadData, transport: Transport, tell: (message: FromThread) => void) {
    this.#data = data;
    this.#tell = tell;
    const { address, maxMessageBytes, security } = data;
    this.#dialler = new Dialler(
      address,
      transport,
      // A REQ, which pseud's own client is, would lose its place with the first call that is given up.
      { maxMessageBytes, security, socketType: "DEALER" },
      {
        opened: (link, end) => {
          this.#opened(link, Buffer.from(end?.routingId ?? NOTHING).toString("utf8"));
        },
        message: (frames) => {
          this.#receive(frames);
        },
        closed: (reason) => {
          this.#closed(reason);
        },
      },
    );
  }

  /** Sends a call as soon as that can be. One that waits already is forgotten: its caller has given it up. */
  call(call: SyncCall): void {
    this.#waiting = call;
    this.#tellTrouble();
    this.#send();
  }

  /** Ends the connection. */
  close(): void {
    this.#dialler.close();
  }

  #opened(link: Link, name: string): void {
    const { address, serverId, words, hello } = this.#data;
    if (serverId !== "" && name !== "" && name !== serverId) {
      const text = `the server at ${address} is known as ${JSON.stringify(name)}`;
      this.#trouble = rpcError("UNAVAILABLE", text, { service: address });
      this.#tellTrouble();
      return;
    }
    this.#link = link;
    this.#trouble = undefined;
    this.#login =
      hello &&
      new LogIn({
        hello,
        send: (frames) => {
          link.send(frames, () => undefined);
        },
        awaits: (number) => Atomics.load(words, Word.call) === -number,
        refused: (frames) => {
          this.#deliver(frames);
        },
      });
    Atomics.store(words, Word.connected, 1);
    this.#send();
  }

  #closed(reason: RpcError): void {
    this.#link = undefined;
    this.#login?.lost();
    this.#login = undefined;
    this.#trouble = reason;
    Atomics.store(this.#data.words, Word.connected, 0);
    const sent = this.#take();
    if (sent) this.#tell(broken("lost", sent, reason));
    this.#tellTrouble();
  }

  /** Tells the caller of a call that waits why it does. */
  #tellTrouble(): void {
    const { refusal } = this.#dialler;
    const waiting = this.#waiting;
    const trouble = refusal ?? this.#trouble;
    if (!waiting || !trouble || Atomics.load(this.#data.words, Word.call) !== waiting.number) return;
    if (!refusal) {
      this.#tell({ kind: "trouble", number: waiting.number, text: trouble.message });
      return;
    }
    this.#waiting = undefined;
    this.#tell(broken("unsent", waiting, refusal));
  }

  /** Sends the call that waits, unless a log-in is under way, which it would be in the way of. */
  #send(): void {
    const link = this.#link;
    const call = this.#waiting;
    if (!link || !call || this.#login?.settled) return;
    this.#waiting = undefined;
    const { number, frames } = call;
    const isWanted = Atomics.compareExchange(this.#data.words, Word.call, number, -number) === number;
    if (!isWanted) return;
    this.#sent = call;
    this.#login?.sent(number, frames);
    link.send(frames, (reason) => {
      if (this.#take()) this.#tell(broken("unsent", call, reason));
    });
  }

  #receive(frames: Frames): void {
    if (!isMessage(frames)) return;
    switch (typeOf(frames)) {
      case MessageType.ok:
      case MessageType.error:
        this.#login?.answered(frames);
        this.#deliver(frames);
        return;
      case MessageType.unauthorized:
        if (this.#login) this.#login.unauthorized(frames);
        else this.#deliver(frames);
        break;
      case MessageType.authenticated:
        this.#login?.authenticated();
        break;
      case MessageType.work: {
        const refusal = refuseJob(frames);
        if (refusal) this.#link?.send(refusal, () => undefined);
        return;
      }
      default:
        return;
    }
    // A log-in may have ended.
    this.#send();
  }

  /** Hands an answer over, if its call still waits for it. */
  #deliver(frames: Frames): void {
    const [, , uid = NOTHING] = frames;
    if (this.#sent?.frames[2] === undefined || Buffer.compare(this.#sent.frames[2], uid) !== 0) return;
    const sent = this.#take();
    if (sent) this.#tell({ kind: "answer", number: sent.number, frames });
  }

  /** The call that was sent last, if it still waits for its answer; no other answer to it will be looked at. */
  #take(): SyncCall | undefined {
    const sent = this.#sent;
    this.#sent = undefined;
    return sent && Atomics.load(this.#data.words, Word.call) === -sent.number ? sent : undefined;
  }
}

function broken(kind: Broken["kind"], { number }: SyncCall, { code, message }: RpcError): Broken {
  return { kind, number, code, text: message };
}

const NOTHING = new Uint8Array();
