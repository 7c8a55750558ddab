import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** An end of a connection that knows octets and nothing else. */
export class RawEnd {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #hasEnded = false;
  #tell: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#tell();
    });
    const ended = (): void => {
      this.#hasEnded = true;
      this.#tell();
    };
    socket.on("end", ended);
    socket.on("close", ended);
    // A reset is an end like any other here.
    socket.on("error", () => undefined);
  }

  /** All that came, in hex. */
  get hex(): string {
    return this.#received.toString("hex");
  }

  /** Sends octets. */
  send(octets: string | Uint8Array): void {
    this.#socket.write(typeof octets === "string" ? Buffer.from(octets, "hex") : octets);
  }

  /** Reads no more. */
  pause(): void {
    this.#socket.pause();
  }

  /** Ends its side. */
  end(): void {
    this.#socket.end();
  }

  /** Breaks the connection off. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Waits until what came, in hex, is as wanted; fails at the end of the connection. */
  async until(isThere: (hex: string) => boolean): Promise<string> {
    while (!isThere(this.hex)) {
      if (this.#hasEnded) throw new Error(`The connection has ended after ${this.hex}`);
      await this.#change();
    }
    return this.hex;
  }

  /** Waits for the end of the connection; all that came, in hex. */
  async ended(): Promise<string> {
    while (!this.#hasEnded) await this.#change();
    return this.hex;
  }

  /** Drops the connection. */
  close(): void {
    this.#socket.destroy();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }
}

/** Raw ends on real sockets, closed by a hook after each test. */
export interface RawEnds {
  /** Connects to `tcp://HOST:PORT`. */
  connect(address: string): Promise<RawEnd>;
  /** Waits for one connection on a free port. */
  listen(): Promise<{ readonly address: string; readonly accepted: Promise<RawEnd> }>;
}

/** See {@link RawEnds}. */
export function useRawEnds(): RawEnds {
  const ends: RawEnd[] = [];
  const servers: Server[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) end.close();
    for (const server of servers.splice(0)) {
      server.close();
      await once(server, "close");
    }
  });
  const own = (socket: Socket): RawEnd => {
    const end = new RawEnd(socket);
    ends.push(end);
    return end;
  };
  return {
    async connect(address) {
      const { hostname, port } = new URL(address);
      const socket = connect(Number(port), hostname);
      const end = own(socket);
      await once(socket, "connect");
      return end;
    },
    async listen() {
      const server = createServer();
      servers.push(server);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const accepted = once(server, "connection").then(([socket]) => own(socket as Socket));
      return { address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted };
    },
  };
}
