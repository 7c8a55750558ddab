/**
 * The two sides of each comparison. Run as a child with a peer's name it serves that peer and prints `ready ADDRESS`.
 *
 * - `lamplighter`: the full stack through a public proxy: contract, deadline, retry, sessions, concurrency limit;
 * - `bare`: what zeromq.js gives without a library for the same messages: DEALER and ROUTER, the wire's four frames
 *   (id, delimiter, `CALL`, JSON), a map of pending calls, one reader, sends not awaited;
 * - `bare-short`: the same with the id inside the JSON and no more frames than a ROUTER needs. No REQ/REP peer could match
 *   answers to pipelined calls like this; it shows what the wire itself costs.
 */

import { Dealer, Router } from "zeromq";
import { Client, currentCall, defineInterface, Host, reply } from "../build/index.js";

/** A client side that echoes values. */
export interface EchoPeer {
  /** Sends a value there and back. */
  echo(value: unknown): Promise<unknown>;
  /** Sends bytes there and back, beside an empty value. */
  echoBytes(bytes: Uint8Array): Promise<Uint8Array>;
  /** Closes the connection. */
  close(): Promise<void>;
}

export const PEERS = ["lamplighter", "bare", "bare-short"] as const;
export type PeerName = (typeof PEERS)[number];

/** Serves a peer; returns its address. */
export async function serve(name: PeerName): Promise<string> {
  if (name !== "lamplighter") return serveBare(FRAMINGS[name]);
  const echo = defineInterface("bench.echo", {
    methods: {
      echo: (value: unknown) => value,
      echoBytes: () => reply(null, { attachment: currentCall().attachment }),
    },
  });
  const host = new Host({ nameserver: false });
  host.provide(echo);
  await host.start();
  return host.address;
}

/** Connects to a peer. */
export function connect(name: PeerName, address: string): EchoPeer {
  return name === "lamplighter" ? new LamplighterClient(address) : new BareClient(address, FRAMINGS[name]);
}

class LamplighterClient implements EchoPeer {
  readonly #client = new Client({ maxInFlightBytes: 2 ** 31 });
  readonly #remote;
  readonly #component;

  constructor(address: string) {
    this.#remote = this.#client.connect<{ echo(value: unknown): unknown }>(address, "bench.echo");
    this.#component = this.#client.connectComponent(address, "bench.echo");
  }

  echo(value: unknown): Promise<unknown> {
    return this.#remote.echo(value);
  }

  async echoBytes(bytes: Uint8Array): Promise<Uint8Array> {
    const { attachment } = await this.#component.invokeFull("echoBytes", null, { attachment: bytes });
    return attachment ?? new Uint8Array(0);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

type Frame = string | Uint8Array;

/** How a bare peer lays its messages out. */
interface Framing {
  /** A call. */
  call(id: number, value: unknown): Frame[];
  /** The answer to the frames of a call, route included. */
  answer(frames: readonly Uint8Array[]): Frame[];
  /** What an answer says. */
  read(frames: readonly Uint8Array[]): { id: number; value: unknown; attachment: Uint8Array | undefined };
}

const FRAMINGS: Record<Exclude<PeerName, "lamplighter">, Framing> = {
  bare: {
    call: (id, value) => [
      String(id),
      "",
      "CALL",
      JSON.stringify({ version: "1.0", interface: "bench.echo", method: "echo", args: value }),
    ],
    answer: ([route = "", id = "", empty = "", , body, attachment]) => {
      const { args } = JSON.parse(String(body)) as { args: unknown };
      const frames = [route, id, empty, "OK", JSON.stringify({ code: 0, result: args })];
      return attachment ? [...frames, attachment] : frames;
    },
    read: ([id, , , body, attachment]) => {
      const { result } = JSON.parse(String(body)) as { result: unknown };
      return { id: Number(String(id)), value: result, attachment };
    },
  },
  "bare-short": {
    call: (id, value) => ["", JSON.stringify({ id, value })],
    answer: ([route = "", empty = "", body, attachment]) => {
      const { id, value } = JSON.parse(String(body)) as { id: number; value: unknown };
      const frames = [route, empty, JSON.stringify({ id, value })];
      return attachment ? [...frames, attachment] : frames;
    },
    read: ([, body, attachment]) => {
      const { id, value } = JSON.parse(String(body)) as { id: number; value: unknown };
      return { id, value, attachment };
    },
  },
};

const SOCKET = { sendTimeout: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 0 };

async function serveBare(framing: Framing): Promise<string> {
  const router = new Router(SOCKET);
  await router.bind("tcp://127.0.0.1:*");
  void (async () => {
    for (;;) router.send(framing.answer(await router.receive())).catch(() => undefined);
  })();
  return router.lastEndpoint ?? "";
}

class BareClient implements EchoPeer {
  readonly #dealer = new Dealer(SOCKET);
  readonly #framing: Framing;
  readonly #pending = new Map<number, (answer: ReturnType<Framing["read"]>) => void>();
  #nextId = 1;

  constructor(address: string, framing: Framing) {
    this.#framing = framing;
    this.#dealer.connect(address);
    void this.#read();
  }

  async echo(value: unknown): Promise<unknown> {
    return (await this.#call(value)).value;
  }

  async echoBytes(bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.#call(null, bytes)).attachment ?? new Uint8Array(0);
  }

  close(): Promise<void> {
    this.#dealer.close();
    return Promise.resolve();
  }

  #call(value: unknown, attachment?: Uint8Array): Promise<ReturnType<Framing["read"]>> {
    return new Promise((resolve) => {
      const id = this.#nextId++;
      this.#pending.set(id, resolve);
      const frames = this.#framing.call(id, value);
      if (attachment) frames.push(attachment);
      this.#dealer.send(frames).catch(() => undefined);
    });
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const answer = this.#framing.read(await this.#dealer.receive());
        this.#pending.get(answer.id)?.(answer);
        this.#pending.delete(answer.id);
      }
    } catch {
      // The socket was closed under the reader.
    }
  }
}

const [, , role, name] = process.argv;
if (role === "serve") {
  const address = await serve(name as PeerName);
  console.log(`ready ${address}`);
}
