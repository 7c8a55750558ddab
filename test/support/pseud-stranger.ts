import { EventEmitter, once } from "node:events";
import { findTransport, type LinkOptions } from "../../src/transport/index.js";
import type { Frames } from "../../src/wire/message.js";
import { encodeBody } from "../../src/wire/pseud/encode-value.js";
import { MessageType, messageFrames, typeOf } from "../../src/wire/pseud/format.js";
import { TranslationTable } from "../../src/wire/pseud/translation-table.js";

const UID = Buffer.alloc(16, 1);

/** Somebody who connects to a server, says what no client of ours would, and sees all that comes back. */
export class Stranger {
  /** Messages that came. */
  readonly received: Frames[] = [];
  readonly #events = new EventEmitter();
  readonly #link;
  #closed: Error | undefined;

  constructor(address: string, options: Partial<LinkOptions> = {}) {
    this.#link = findTransport("zmtp").connect(
      address,
      {
        opened: () => this.#events.emit("opened"),
        message: (frames) => {
          this.received.push(frames);
          this.#events.emit("message");
        },
        closed: (reason) => {
          this.#closed = reason;
          this.#events.emit("closed");
        },
      },
      { maxMessageBytes: 1024 * 1024, probe: true, ...options },
    );
  }

  /** Settles when the connection is made; rejects when it is not. */
  async opened(): Promise<this> {
    await Promise.race([once(this.#events, "opened"), this.closed().then((reason) => Promise.reject(reason))]);
    return this;
  }

  /** Settles with why the connection has ended. */
  async closed(): Promise<Error> {
    if (!this.#closed) await once(this.#events, "closed");
    return this.#closed ?? new Error("closed");
  }

  /** Sends frames as they are. */
  send(frames: Frames): void {
    this.#link.send(frames, () => undefined);
  }

  /** Calls a job. */
  work(name: string, args: readonly unknown[] = [], uid: Uint8Array = UID): void {
    const body = encodeBody([name, args, {}], new TranslationTable(), "work");
    this.send(messageFrames(MessageType.work, uid, body));
  }

  /** The next message that is not the answer to a call of before. */
  async next(count = this.received.length + 1): Promise<Frames> {
    while (this.received.length < count) await once(this.#events, "message");
    return this.received[count - 1] ?? [];
  }

  /** Types of the messages that came. */
  get types(): number[] {
    return this.received.map(typeOf);
  }

  close(): void {
    this.#link.close();
  }
}
