import { EventEmitter, once } from "node:events";
import { findTransport, type Link } from "../../src/transport/index.js";
import { lampWire } from "../../src/wire/lamp/index.js";
import type { CallMessage, HelloMessage, Message } from "../../src/wire/message.js";
import type { BatchingCodec } from "../../src/wire/wire.js";

const MAX = { maxMessageBytes: 2 ** 26 };

/** Stands for a stream of the peer's, whose items the test sends, or not. */
export class PeerStream {
  /** Its number. */
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

/** A peer that says on the lamp wire whatever a test wants it to say. */
export class LampPeer {
  readonly #codec = lampWire.open(MAX, {
    refers: (value) => value instanceof PeerStream,
    refer: (value) => (value instanceof PeerStream ? { kind: "stream", content: [value.id, 1] } : undefined),
    revive: (kind, content) => ({ kind, content }),
  }) as BatchingCodec;
  readonly #link: Link;
  readonly #events = new EventEmitter();
  /** What came, by kind. */
  readonly heard: string[] = [];

  private constructor(address: string) {
    const note = (what: string): void => {
      this.heard.push(what);
      this.#events.emit(what);
    };
    const handlers = {
      opened: () => this.#events.emit("opened"),
      message: (frames: readonly Uint8Array[]) => {
        this.#codec.decodeAll(frames, ({ kind }) => {
          note(kind);
        });
      },
      closed: () => undefined,
    };
    this.#link = findTransport(undefined).connect(address, handlers, MAX);
  }

  /** Connects, and says nothing yet. */
  static async to(address: string): Promise<LampPeer> {
    const peer = new LampPeer(address);
    await once(peer.#events, "opened");
    return peer;
  }

  /** Sends messages together. */
  send(...messages: Message[]): void {
    for (const message of messages) this.#codec.add(message);
    this.#link.send(this.#codec.take(performance.now()), () => undefined);
  }

  /** Waits until something has come. */
  async hears(what: string): Promise<void> {
    if (!this.heard.includes(what)) await once(this.#events, what);
  }

  close(): void {
    this.#link.close();
  }
}

/** A hello. */
export function hello(told: Partial<HelloMessage> = {}): HelloMessage {
  return {
    kind: "hello",
    versions: [1, 1],
    incarnation: "test",
    connection: "connection-of-a-test",
    maxMessageBytes: 2 ** 26,
    ...told,
  };
}

/** A call without arguments. */
export function callOf(method: string, told: Partial<CallMessage> = {}): CallMessage {
  return { kind: "call", id: 1, interface: "demo.hostile", method, args: null, timeoutMs: 5_000, ...told };
}
