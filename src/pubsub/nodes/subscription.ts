import type { RpcError } from "../../errors.js";

/** What a node is subscribed to under one address, and who waits until the dispatcher knows it. */
export class Subscription {
  /** As it was given. */
  readonly uri: string;
  #isKnown = false;
  #wasKnown = false;
  #isEnded = false;
  #waiters: { readonly resolve: () => void; readonly reject: (reason: RpcError) => void }[] = [];

  constructor(uri: string) {
    this.uri = uri;
  }

  /** Does the dispatcher that is there know it? */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Has a dispatcher ever taken it? */
  get wasKnown(): boolean {
    return this.#wasKnown;
  }

  /** Does nobody want it any more? */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Settles when the dispatcher has taken it, at once if it has before. */
  whenKnown(): Promise<void> {
    if (this.#isKnown) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** The dispatcher has taken it. */
  acknowledged(): void {
    this.#isKnown = true;
    this.#wasKnown = true;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  /** The dispatcher that knew it is gone. */
  forgotten(): void {
    this.#isKnown = false;
  }

  /** Nobody wants it any more, or it was refused. */
  refused(reason: RpcError): void {
    this.#isEnded = true;
    for (const { reject } of this.#waiters.splice(0)) reject(reason);
  }
}
