import { connect, createServer, type Server, type Socket } from "node:net";
import { encodeCommand, encodeMetadata } from "../../src/transport/zmtp/command.js";
import { encodeGreeting } from "../../src/transport/zmtp/greeting.js";

/** A frame with its flags: 1 more, 2 long, 4 command. */
export function frame(flags: number, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body as Uint8Array);
  if (bytes.length < 256) return Buffer.concat([Buffer.from([flags, bytes.length]), bytes]);
  const head = Buffer.alloc(9);
  head[0] = flags | 2;
  head.writeUInt32BE(bytes.length, 5);
  return Buffer.concat([head, bytes]);
}

/** A command's frame. */
export const command = (name: string, body: Uint8Array | string = ""): Buffer =>
  frame(4, encodeCommand(name, Buffer.from(body as Uint8Array)));

/** What a peer without security says first: its greeting … */
export function greeting(minor = 1): Buffer {
  const bytes = encodeGreeting("NULL");
  bytes[11] = minor;
  return bytes;
}

/** … and what it is. */
export const ready = (socketType: string): Buffer => command("READY", encodeMetadata({ "Socket-Type": socketType }));

/** A socket that speaks no more ZMTP than a test writes itself. */
export class RawZmtp {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  #count = 0;
  #closed = false;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#count += chunk.length;
      this.#look();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#closed = true;
      this.#look();
    });
  }

  /** Everything that has come. */
  get received(): Buffer {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  /** Writes. */
  write(...parts: readonly Uint8Array[]): this {
    this.socket.write(Buffer.concat(parts));
    return this;
  }

  /** Settles when this has come. */
  has(what: Buffer | string): Promise<void> {
    return this.#until(() => this.received.includes(what));
  }

  /** Settles when so many bytes have come. */
  hasBytes(count: number): Promise<void> {
    return this.#until(() => this.#count >= count);
  }

  /** Settles when the other end has closed. */
  closed(): Promise<void> {
    return this.#until(() => this.#closed);
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (condition()) resolve();
        else if (this.#closed) reject(new Error(`closed after ${this.received.toString("latin1")}`));
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** Raw ends; all are closed after each test. */
export function useRawZmtp(): {
  connect(address: string): RawZmtp;
  /** Listens; its address, and who connects. */
  listen(): Promise<{ address: string; next: Promise<RawZmtp> }>;
} {
  const open = new Set<Socket>();
  const servers: Server[] = [];
  const own = (socket: Socket): RawZmtp => {
    open.add(socket);
    return new RawZmtp(socket);
  };
  afterEach(async () => {
    for (const socket of open) socket.destroy();
    open.clear();
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });
  return {
    connect(address) {
      const { hostname, port } = new URL(address);
      return own(connect(Number(port), hostname));
    },
    async listen() {
      const server = createServer();
      servers.push(server);
      const next = new Promise<RawZmtp>((resolve) => {
        server.once("connection", (socket) => {
          resolve(own(socket));
        });
      });
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
      });
      const bound = server.address();
      return { address: `tcp://127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`, next };
    },
  };
}
