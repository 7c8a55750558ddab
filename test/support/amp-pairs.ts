import {
  type AmpRemote,
  type AmpServer,
  type CommandTable,
  type ConnectAmpOptions,
  connectAmp,
  type ListenAmpOptions,
  listen,
  type Responders,
} from "../../src/compat/amp/index.js";

/** Servers and connections of AMP, closed by a hook after each test. */
export interface AmpPairs {
  /** Listens at a free port, or at an address. */
  listen(responders: Responders, options?: ListenAmpOptions & { readonly address?: string }): Promise<AmpServer>;
  /** Connects. */
  connect<T extends CommandTable | undefined = undefined>(
    server: { readonly address: string } | string,
    options?: ConnectAmpOptions<T>,
  ): Promise<AmpRemote<T>>;
}

/** See {@link AmpPairs}. */
export function useAmpPairs(): AmpPairs {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  return {
    async listen(responders, { address = "tcp://127.0.0.1:0", ...options } = {}) {
      const server = await listen(address, responders, { drainTimeoutMs: 100, ...options });
      open.push(server);
      return server;
    },
    async connect(server, options) {
      const peer = await connectAmp(typeof server === "string" ? server : server.address, options);
      open.push(peer);
      return peer;
    },
  };
}
