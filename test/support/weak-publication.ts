import { Publication } from "../../src/index.js";
import type { ProviderHost, ProviderPart } from "../../src/service/provider.js";
import type { SubscriberDesk } from "../../src/service/subscriber-desk.js";
import type { SubscriberSocket } from "../../src/service/subscriber-endpoint.js";

/** A publication whose SUB connections can be broken, and take nothing for a while, on whatever transport. */
export class WeakPublication<T> extends Publication<T> {
  readonly #sockets = new Set<SubscriberSocket>();
  readonly #drained = new Set<() => void>();
  #isStalled = false;

  /** Breaks them all, at once; they may come again. */
  break(): void {
    for (const socket of [...this.#sockets]) socket.disconnect();
    this.#sockets.clear();
  }

  /** From now on it is as if nothing that is sent were taken by the network; or it is again. */
  stall(isStalled: boolean): void {
    this.#isStalled = isStalled;
    if (!isStalled) for (const drained of [...this.#drained]) drained();
  }

  #watched(socket: SubscriberSocket): SubscriberSocket {
    const queuedBytes = (): number => (this.#isStalled ? Infinity : socket.queuedBytes);
    return {
      id: socket.id,
      identity: socket.identity,
      remoteAddress: socket.remoteAddress,
      send: (frames) => {
        socket.send(frames);
      },
      get queuedBytes() {
        return queuedBytes();
      },
      disconnect: (reason) => {
        socket.disconnect(reason);
      },
    };
  }

  override attachTo(host: ProviderHost): ProviderPart {
    const { subscribers: desk } = host;
    const watched: Pick<SubscriberDesk, "endpoints" | "claim"> = {
      get endpoints() {
        return desk.endpoints;
      },
      claim: (prefix, claim) => {
        const drained = (): void => {
          if (!this.#isStalled) claim.drained();
        };
        const release = desk.claim(prefix, {
          joined: (socket, wait) => {
            this.#sockets.add(socket);
            this.#drained.add(drained);
            claim.joined(this.#watched(socket), wait);
          },
          drained,
          left: () => {
            this.#drained.delete(drained);
            claim.left();
          },
        });
        return () => {
          this.#drained.delete(drained);
          release();
        };
      },
    };
    return super.attachTo({ ...host, subscribers: watched as SubscriberDesk });
  }
}

/** See {@link WeakPublication}. */
export function weakPublisher<T>(
  name: string,
  options: ConstructorParameters<typeof Publication>[2] = {},
): WeakPublication<T> {
  return new WeakPublication<T>(name, undefined, options);
}
