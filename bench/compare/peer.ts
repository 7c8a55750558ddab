import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What is compared. */
export const PEERS = [
  "lamplighter",
  "lamplighter-libzmq",
  "lamplighter-pycom",
  "net-msgpackr",
  "zeromq",
  "ws-json",
  "rpc-websockets",
  "moleculer",
  "capnweb",
  "nats",
  "grpc",
] as const;
export type PeerName = (typeof PEERS)[number];

/** One kind of work, and how much of it is under way at once. */
export interface Work {
  readonly name: string;
  readonly inFlight: number;
}

/** What one slice told. */
export interface Measured {
  /** Calls per second. */
  readonly rate: number;
  /** CPU time of all processes, in microseconds for each call. */
  readonly cpu: number;
  /** Latency in microseconds; with one call in flight. */
  readonly p50?: number;
  readonly p99?: number;
}

/** The time from starting a process to its first answer. */
export const FIRST_CALL: Work = { name: "first call", inFlight: 1 };

// Without the flag V8 throws compiled code away between slices, and peers look slower than they are.
const FLAGS = ["--no-flush-bytecode", "--expose-gc"];
const fileOf = (name: string): string => new URL(name, import.meta.url).pathname;

/** One peer: its server, and its client in another process. */
export class Peer {
  readonly name: PeerName;
  readonly #server: ChildProcess;
  readonly #client: ChildProcess;
  readonly #address: string;

  private constructor(name: PeerName, server: ChildProcess, client: ChildProcess, address: string) {
    this.name = name;
    this.#server = server;
    this.#client = client;
    this.#address = address;
  }

  /** Starts both processes, and looks whether the answers are right. */
  static async start(name: PeerName): Promise<Peer> {
    const server = fork(fileOf("server.js"), [name], { execArgv: FLAGS, stdio: ["ignore", "pipe", "inherit", "ipc"] });
    if (!server.stdout) throw new Error("its server prints nothing");
    const address = (await firstLine(server, server.stdout)).replace("ready ", "");
    const client = fork(fileOf("client.js"), [name, address], {
      execArgv: FLAGS,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const peer = new Peer(name, server, client, address);
    try {
      await answerOf(client);
      if ((await peer.#ask("check", { bytes: name !== "lamplighter-pycom" })) !== true)
        throw new Error("it answers wrongly");
    } catch (error) {
      peer.stop();
      throw error;
    }
    return peer;
  }

  async measure({ name, inFlight }: Work, leadMs: number, ms: number): Promise<Measured> {
    const before = await this.#serverCpu();
    const told = (await this.#ask("measure", { work: name, inFlight, leadMs, ms })) as Measured & { calls: number };
    const used = (await this.#serverCpu()) - before;
    // The server has worked during the lead-in as well.
    const serverCpu = used * (ms / (leadMs + ms));
    return { ...told, cpu: (told.cpu + serverCpu) / told.calls };
  }

  /** Items per second of a stream; `undefined` where the peer has none. */
  async stream(items: number): Promise<number | undefined> {
    if (!(await this.#ask("can", { work: "stream" }))) return undefined;
    return ((await this.#ask("stream", { items })) as Measured).rate;
  }

  /** Starts one more client process, and waits for the answer to its first call. */
  async firstCallMs(): Promise<number | undefined> {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [fileOf("first-call.js"), this.name, this.#address], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const line = await firstLine(child, child.stdout);
    const ms = performance.now() - startedAt;
    if (child.exitCode === null) await once(child, "exit");
    return line === "answered" ? ms : undefined;
  }

  async bytesPerIdleProxy(many: number): Promise<number> {
    return (await this.#ask("idle", { many })) as number;
  }

  stop(): void {
    this.#client.kill();
    this.#server.kill();
  }

  async #serverCpu(): Promise<number> {
    this.#server.send({});
    const [{ user, system }] = (await once(this.#server, "message")) as [NodeJS.CpuUsage];
    return user + system;
  }

  #ask(command: string, options: object): Promise<unknown> {
    this.#client.send({ command, ...options });
    return answerOf(this.#client);
  }
}

async function answerOf(client: ChildProcess): Promise<unknown> {
  const [{ result, error }] = (await before(client, (signal) => once(client, "message", { signal }))) as [
    { result?: unknown; error?: string },
  ];
  if (error !== undefined) throw new Error(error);
  return result;
}

async function firstLine(child: ChildProcess, stream: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface(stream);
  const [line] = (await before(child, (signal) => once(lines, "line", { signal }))) as [string];
  return line;
}

/** Waits for something that only a process that lives does. */
async function before<T>(child: ChildProcess, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const ended = (): void => {
    over.abort(new Error("its process has ended"));
  };
  if (child.exitCode !== null || child.signalCode !== null) ended();
  child.once("exit", ended);
  const timer = setTimeout(() => {
    over.abort(new Error(`its process has not answered for ${PATIENCE_MS} ms`));
  }, PATIENCE_MS);
  try {
    return await wait(over.signal);
  } finally {
    child.off("exit", ended);
    clearTimeout(timer);
  }
}

/** Longer than any measurement takes. */
const PATIENCE_MS = 20_000;
