import {
  Client,
  type ClientOptions,
  type PeerInfo,
  type PseudEvent,
  Server,
  type ServerOptions,
} from "../../src/compat/pseud/index.js";
import type { Dynamic } from "../../src/index.js";
import { generateKeyPair, type KeyPair } from "../../src/transport/index.js";
import { until } from "./until.js";

/** What a test opens through {@link usePseud} is stopped after each test. */
export interface PseudEndpoints {
  /** Makes a server. */
  server(options: ServerOptions): Server;
  /** Makes a client. */
  client<T = Dynamic>(options?: ClientOptions): Client<T>;
  /** Peers that have come to a server, in order; gone ones too. */
  joined(server: Server): readonly PeerInfo[];
  /** Makes a pair of keys. */
  keys(): KeyPair;
  /** Waits for a condition. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
}

/** Servers and clients of pseud on real sockets, stopped by a hook after each test. */
export function usePseud(): PseudEndpoints {
  const open: { stop(): Promise<void> }[] = [];
  const peers = new WeakMap<object, PeerInfo[]>();
  afterEach(async () => {
    for (const endpoint of open.splice(0).reverse()) await endpoint.stop();
  });
  return {
    server(options) {
      const joined: PeerInfo[] = [];
      const onEvent = (event: PseudEvent): void => {
        if (event.type === "joined") joined.push(event.peer);
        options.onEvent?.(event);
      };
      const server = new Server({ ...options, onEvent });
      open.push(server);
      peers.set(server, joined);
      return server;
    },
    client<T>(options?: ClientOptions) {
      const client = new Client<T>(options);
      open.push(client);
      return client;
    },
    joined: (server) => peers.get(server) ?? [],
    keys: generateKeyPair,
    until,
  };
}
