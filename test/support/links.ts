import type { RpcError } from "../../src/errors.js";
import {
  findTransport,
  type Link,
  type LinkOptions,
  type Listener,
  type ListenOptions,
  type Peer,
  type Transport,
  type TransportName,
} from "../../src/transport/index.js";
import type { Frames } from "../../src/wire/message.js";

/** A link in a test: what came, and a way to wait for it. */
export interface TestLink {
  readonly link: Link;
  /** Settles when open; rejects with the reason when it closes first. */
  readonly opened: Promise<void>;
  /** Settles with the reason for which it closed. */
  readonly closed: Promise<RpcError>;
  /** The next message. */
  next(): Promise<Frames>;
}

/** An echoing listener in a test. */
export interface TestListener {
  readonly listener: Listener;
  /** Peers that are there. */
  readonly peers: Set<Peer>;
  /** Peers that were not let in, and why. */
  readonly refused: RpcError[];
  /** Peers that asked for the routing id of another, by the users of both. */
  readonly taken: (readonly [asking: string | undefined, holder: string | undefined])[];
}

const MAX = { maxMessageBytes: 128 * 1024 * 1024 };

/** Opens links and listeners of one transport; all are closed after each test. */
export function useLinks(named: Transport | TransportName = "zmtp"): {
  connect(address: string, options?: Partial<LinkOptions>): TestLink;
  echo(address: string, options?: Partial<ListenOptions>): Promise<TestListener>;
} {
  const transport = findTransport(named);
  const links: Link[] = [];
  const listeners: Listener[] = [];
  afterEach(async () => {
    for (const link of links.splice(0)) link.close();
    await Promise.all(listeners.splice(0).map((listener) => listener.close(0)));
  });
  return {
    connect(address, options) {
      const waiting: ((frames: Frames) => void)[] = [];
      const queue: Frames[] = [];
      let open: () => void = () => undefined;
      let fail: (reason: RpcError) => void = () => undefined;
      let close: (reason: RpcError) => void = () => undefined;
      const opened = new Promise<void>((resolve, reject) => {
        open = resolve;
        fail = reject;
      });
      opened.catch(() => undefined);
      const closed = new Promise<RpcError>((resolve) => {
        close = resolve;
      });
      const link = transport.connect(
        address,
        {
          opened: () => {
            open();
          },
          message: (frames) => {
            const next = waiting.shift();
            if (next) next(frames);
            else queue.push(frames);
          },
          closed: (reason) => {
            fail(reason);
            close(reason);
          },
        },
        { ...MAX, ...options },
      );
      links.push(link);
      return {
        link,
        opened,
        closed,
        next: () =>
          new Promise((resolve) => {
            const ready = queue.shift();
            if (ready) resolve(ready);
            else waiting.push(resolve);
          }),
      };
    },
    async echo(address, options) {
      const peers = new Set<Peer>();
      const refused: RpcError[] = [];
      const taken: (readonly [string | undefined, string | undefined])[] = [];
      const listener = await transport.listen(
        address,
        {
          joined: (peer) => peers.add(peer),
          refused: (_peer, reason) => refused.push(reason),
          taken: (peer, holder) => taken.push([peer.identity.user, holder.identity.user]),
          gone: (peer) => peers.delete(peer),
          message: (peer, frames) => {
            listener.send(peer, frames);
          },
        },
        { ...MAX, ...options },
      );
      listeners.push(listener);
      return { listener, peers, refused, taken };
    },
  };
}
