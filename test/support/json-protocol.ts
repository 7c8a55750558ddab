import { createConnection, createServer, type Server, type Socket } from "node:net";
import {
  type Callee,
  CallerLoad,
  type CallOrigin,
  type Channel,
  type ErrorCode,
  givenArguments,
  type Outcome,
  type PendingCall,
  PendingCalls,
  type Protocol,
  type ProtocolConnectOptions,
  type ProtocolListener,
  type ProtocolListenOptions,
  RpcError,
  requirePlainCall,
  rpcError,
} from "../../src/index.js";

/** A call, or its answer, as a line. */
interface Line {
  readonly id: number;
  readonly interface?: string;
  readonly method?: string;
  readonly named?: Record<string, unknown>;
  readonly list?: unknown[];
  readonly result?: unknown;
  readonly error?: { readonly code: ErrorCode; readonly outcome: Outcome; readonly message: string };
}

/** A protocol of lines of JSON, with connections of its own. Its `tls` is only called so. */
export class JsonProtocol implements Protocol {
  readonly name: string = "jsonl";
  readonly schemes: readonly string[] = ["tls", "tcp"];
  readonly #idempotent: readonly string[];
  /** Channels that were opened so far. */
  readonly opened: JsonChannel[] = [];

  /** @param idempotent - methods that may be executed twice */
  constructor(idempotent: readonly string[] = []) {
    this.#idempotent = idempotent;
  }

  isSecret(address: string): boolean {
    return address.startsWith("tls://");
  }

  contractOf(_interface: string, method: string): { readonly idempotent: boolean } {
    return { idempotent: this.#idempotent.includes(method) };
  }

  connect(address: string, options: ProtocolConnectOptions): Channel {
    const channel = new JsonChannel(address, options);
    this.opened.push(channel);
    return channel;
  }

  async listen(address: string, options: ProtocolListenOptions): Promise<ProtocolListener> {
    const listener = new JsonListener(address, options);
    await listener.bound;
    return listener;
  }
}

class JsonChannel implements Channel {
  readonly address: string;
  readonly takesKeywords = true;
  readonly identity = undefined;
  readonly attachments;
  /** Milliseconds that the last call had when it was sent. */
  lastTimeoutMs = 0;
  closedReason: RpcError | undefined;
  isOpen = false;
  readonly #options: ProtocolConnectOptions;
  readonly #socket: Socket;
  readonly #pending: PendingCalls;
  readonly #opened: Promise<void>;

  constructor(address: string, options: ProtocolConnectOptions) {
    this.address = address;
    this.attachments = { wire: "jsonl", canStream: false, maxMessageBytes: options.maxMessageBytes };
    this.#options = options;
    this.#pending = new PendingCalls(options.wheel);
    this.#socket = createConnection(whereIs(address));
    this.#opened = new Promise((resolve, reject) => {
      this.#socket.on("connect", () => {
        this.isOpen = true;
        resolve();
      });
      this.#socket.on("close", () => {
        const reason = this.closedReason ?? rpcError("UNAVAILABLE", `${address} is gone`);
        this.isOpen = false;
        this.closedReason = reason;
        reject(reason);
        this.#pending.giveUpAll(reason.code === "CLOSED" ? "closed" : "lost", reason);
        options.onClosed(this);
      });
    });
    this.#opened.catch(() => undefined);
    this.#socket.on("error", () => undefined);
    eachLine(this.#socket, ({ id, result, error }) => {
      const answer = error
        ? ({ kind: "error", id, number: 0, ...error, remote: { message: error.message } } as const)
        : ({ kind: "result", id, result } as const);
      this.#pending.settle(id, answer);
    });
  }

  get pending(): number {
    return this.#pending.size;
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  get calls(): number {
    return this.#pending.lastId;
  }

  references(): [] {
    return [];
  }

  now(): number {
    return this.#options.wheel.now();
  }

  whenOpen(): Promise<void> {
    return this.#opened;
  }

  send(call: PendingCall): void {
    try {
      if (this.closedReason) throw this.closedReason;
      requirePlainCall(call, "jsonl");
      call.id = this.#pending.nextId();
      call.timeoutMs = call.deadlineAt - call.sentAt;
      this.lastTimeoutMs = call.timeoutMs;
      const { positional, named } = givenArguments(call);
      const args = positional.length > 0 ? { list: positional } : { named };
      this.#socket.write(lineOf({ id: call.id, interface: call.interface, method: call.method, ...args } as Line));
      if (call.isOneWay) call.answered({ kind: "result", id: call.id, result: undefined });
      else this.#pending.add(call);
    } catch (error) {
      call.failed(RpcError.from(error));
    }
  }

  canFollow(): boolean {
    return false;
  }

  close(reason = rpcError("CLOSED", "The client closes")): void {
    this.closedReason ??= reason;
    this.#socket.destroy();
  }
}

class JsonListener implements ProtocolListener {
  readonly bound: Promise<void>;
  readonly #scheme: string;
  readonly #options: ProtocolListenOptions;
  readonly #server: Server;
  readonly #sockets = new Map<string, Socket>();
  readonly #origins = new Map<string, CallOrigin>();
  #count = 0;

  constructor(address: string, options: ProtocolListenOptions) {
    this.#scheme = address.slice(0, address.indexOf(":"));
    this.#options = options;
    this.#server = createServer((socket) => {
      this.#accept(socket);
    });
    const { port, host } = whereIs(address);
    this.bound = new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, resolve);
    });
  }

  get address(): string {
    const { address, port } = this.#server.address() as { address: string; port: number };
    return `${this.#scheme}://${address}:${port}`;
  }

  *peers(): Iterable<import("../../src/index.js").ConnectedPeer> {
    for (const [id, { remoteAddress }] of this.#sockets) {
      yield { id, remoteAddress, identity: NOBODY, wire: "jsonl", incarnation: undefined };
    }
  }

  find(id: string): CallOrigin | undefined {
    return this.#origins.get(id);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => {
      this.#server.close(resolve);
    });
    for (const socket of this.#sockets.values()) socket.end(() => socket.destroy());
    await closed;
  }

  #accept(socket: Socket): void {
    const { dispatcher, limits, quota, maxMessageBytes } = this.#options;
    const counted = quota.open(socket.remoteAddress ?? "", () => socket.destroy());
    if (counted instanceof Error) {
      socket.destroy();
      return;
    }
    counted.shaken();
    const label = `jsonl-${++this.#count}`;
    this.#sockets.set(label, socket);
    const origin: CallOrigin = {
      connection: socket,
      label,
      connectionName: undefined,
      load: new CallerLoad(limits),
      attachments: { wire: "jsonl", canStream: false, maxMessageBytes },
      respond: (answer) => {
        const id = answer.id as number;
        if (answer.kind === "result") socket.write(lineOf({ id, result: answer.result }));
        else {
          const { code, outcome, remote } = answer;
          socket.write(lineOf({ id, error: { code, outcome, message: remote.message } }));
        }
      },
      peer: () => {
        throw rpcError("CONFIGURATION", "Nobody is called back by jsonl");
      },
    };
    this.#origins.set(label, origin);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      counted.closed();
      this.#sockets.delete(label);
      this.#origins.delete(label);
      dispatcher.abandon(socket, rpcError("CANCELLED", "The caller is gone"));
    });
    eachLine(socket, (line) => {
      serve(line, dispatcher, origin);
    });
  }
}

function serve({ id, interface: name = "", method = "", named, list }: Line, callee: Callee, origin: CallOrigin): void {
  const message = { kind: "call", id, interface: name, method, args: list ?? named, isPositional: list !== undefined };
  callee.dispatch({ ...message, kind: "call" }, origin, performance.now());
}

function eachLine(socket: Socket, handle: (line: Line) => void): void {
  let rest = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) handle(JSON.parse(line) as Line);
  });
}

function lineOf(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

function whereIs(address: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(address.replace(/^\w+:/, "http:"));
  return { host: hostname, port: Number(port) };
}

const NOBODY = { mechanism: "null", user: undefined, publicKey: undefined } as const;
