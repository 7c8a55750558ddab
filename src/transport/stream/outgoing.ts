import type { Socket } from "node:net";
import { OutBuffer } from "../out-buffer.js";

/** What leaves a stream. Small pieces of one turn of the event loop leave in one system call. */
export class Outgoing {
  readonly #out = new OutBuffer();
  readonly #target: () => Socket | undefined;
  #isFlushing = false;

  /** @param target - where octets leave by now; `undefined` while none may */
  constructor(target: () => Socket | undefined) {
    this.#target = target;
  }

  /** Octets that no socket has got. */
  get bytes(): number {
    return this.#out.bytes;
  }

  /** Queues octets, which must not change any more. */
  add(octets: Uint8Array): void {
    this.#out.add(octets);
  }

  /** Lets what is queued leave when this turn is over, if it may. */
  schedule(): void {
    if (this.#isFlushing || this.#out.bytes === 0 || !this.#target()) return;
    this.#isFlushing = true;
    // Runs when the microtasks of this turn are through, before any input is read.
    process.nextTick(this.#flush);
  }

  /** Lets what is queued leave now. */
  writeTo(socket: Socket): void {
    const parts = this.#out.take();
    if (parts.length > 1) socket.cork();
    for (const part of parts) socket.write(part);
    if (parts.length > 1) socket.uncork();
  }

  /** Forgets what is queued. */
  drop(): void {
    this.#out.take();
  }

  readonly #flush = (): void => {
    this.#isFlushing = false;
    const socket = this.#target();
    if (socket) this.writeTo(socket);
  };
}
