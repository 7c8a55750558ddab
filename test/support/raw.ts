import { Context, Dealer, Request, Router } from "zeromq";

/** Text of a frame. */
export const text = (frame: Uint8Array | undefined): string => Buffer.from(frame ?? []).toString("utf8");

/** The JSON frame of an answer. */
export const json = (frames: readonly Uint8Array[]): Record<string, unknown> =>
  JSON.parse(text(frames[1])) as Record<string, unknown>;

/** Raw peers that speak frames and nothing else; closed after each test. */
export interface RawPeers {
  /** One request on a REQ socket; the frames of the answer. */
  request(address: string, ...frames: (string | Uint8Array)[]): Promise<Uint8Array[]>;
  /** One call on a REQ socket; the parsed answer. */
  call(address: string, request: unknown, ...more: (string | Uint8Array)[]): Promise<Record<string, unknown>>;
  /** A DEALER. */
  dealer(address: string): Dealer;
  /** A ROUTER on a free port that answers each message with what `serve` returns; its address. */
  router(serve: (frames: Uint8Array[]) => (string | Uint8Array)[] | undefined): Promise<string>;
}

/** See {@link RawPeers}. */
export function useRawPeers(): RawPeers {
  const open: (Dealer | Request | Router)[] = [];
  const context = new Context({ blocky: false });
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close();
  });
  const request = async (address: string, ...frames: (string | Uint8Array)[]): Promise<Uint8Array[]> => {
    const socket = new Request({ context, linger: 0, receiveTimeout: 5_000 });
    open.push(socket);
    socket.connect(address);
    await socket.send(frames);
    return await socket.receive();
  };
  return {
    request,
    async call(address, body, ...more) {
      return json(await request(address, "CALL", JSON.stringify(body), ...more));
    },
    dealer(address) {
      const socket = new Dealer({ context, linger: 0, receiveTimeout: 5_000 });
      open.push(socket);
      socket.connect(address);
      return socket;
    },
    async router(serve) {
      const socket = new Router({ context, linger: 0 });
      open.push(socket);
      await socket.bind("tcp://127.0.0.1:*");
      void (async () => {
        try {
          for (;;) {
            const answer = serve(await socket.receive());
            if (answer) await socket.send(answer);
          }
        } catch {
          // Closed by the hook.
        }
      })();
      return socket.lastEndpoint ?? "";
    },
  };
}
