/**
 * The two sides of each comparison. Run as a child with a peer's name it serves that peer and prints `ready ADDRESS`.
 *
 * `bare` is what zeromq.js gives without a library: DEALER and ROUTER, a JSON object per message, an id to match answers by,
 * one reader, sends not awaited. It has no deadlines, no contracts, no retries, no errors.
 */
import { Dealer, Router } from "zeromq";
import { Client, defineInterface, Host, reply, currentCall } from "lamplighter";

/** A client side that echoes values. */
export interface EchoPeer {
  /** Sends a value there and back. */
  echo(value: unknown): Promise<unknown>;
  /** Sends bytes there and back, beside an empty value. */
  echoBytes(bytes: Uint8Array): Promise<Uint8Array>;
  /** Closes the connection. */
  close(): Promise<void>;
}

export const PEERS = ["lamplighter", "bare"] as const;
export type PeerName = (typeof PEERS)[number];

/** Serves a peer; returns its address. */
export async function serve(name: PeerName): Promise<string> {
  if (name === "bare") return serveBare();
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
  return name === "bare" ? new BareClient(address) : new LamplighterClient(address);
}

class LamplighterClient implements EchoPeer {
  readonly #client = new Client();
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

async function serveBare(): Promise<string> {
  const router = new Router({ sendTimeout: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 0 });
  await router.bind("tcp://127.0.0.1:*");
  void (async () => {
    for (;;) {
      const [route, , body, attachment] = await router.receive();
      const { id, value } = JSON.parse(String(body)) as { id: number; value: unknown };
      const answer = JSON.stringify({ id, value });
      const frames = [route ?? "", "", answer];
      if (attachment) frames.push(attachment);
      router.send(frames).catch(() => undefined);
    }
  })();
  return router.lastEndpoint ?? "";
}

class BareClient implements EchoPeer {
  readonly #dealer = new Dealer({ sendTimeout: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 0 });
  readonly #pending = new Map<number, (answer: { value: unknown; attachment: Uint8Array | undefined }) => void>();
  #nextId = 1;

  constructor(address: string) {
    this.#dealer.connect(address);
    void this.#read();
  }

  async echo(value: unknown): Promise<unknown> {
    return (await this.#call(value, undefined)).value;
  }

  async echoBytes(bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.#call(null, bytes)).attachment ?? new Uint8Array(0);
  }

  close(): Promise<void> {
    this.#dealer.close();
    return Promise.resolve();
  }

  #call(
    value: unknown,
    attachment: Uint8Array | undefined,
  ): Promise<{ value: unknown; attachment: Uint8Array | undefined }> {
    return new Promise((resolve) => {
      const id = this.#nextId++;
      this.#pending.set(id, resolve);
      const frames: (string | Uint8Array)[] = ["", JSON.stringify({ id, value })];
      if (attachment) frames.push(attachment);
      this.#dealer.send(frames).catch(() => undefined);
    });
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const [, body, attachment] = await this.#dealer.receive();
        const { id, value } = JSON.parse(String(body)) as { id: number; value: unknown };
        this.#pending.get(id)?.({ value, attachment });
        this.#pending.delete(id);
      }
    } catch {
      // Closed.
    }
  }
}

const [, , role, name] = process.argv;
if (role === "serve") {
  const address = await serve(name as PeerName);
  console.log(`ready ${address}`);
}
process.on("SIGUSR2", () => process.exit(0));
