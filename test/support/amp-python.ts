import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const PYTHON = "/usr/bin/python3";
const FOLDER = "test/interop/python";
/** Longer than anything takes that a peer does at once. */
const DEADLINE_MS = 15_000;

/** Paths of PEM files. */
export interface AmpPems {
  /** What this end shows, and its key. */
  readonly cert?: string;
  readonly key?: string;
  /** The authority of whom the other end has to show a certificate. */
  readonly ca?: string;
}

/** Values by name, in the notation of the vectors; see `valueOf` in `amp-vectors.ts`. */
export type AmpTold = Readonly<Record<string, unknown>>;

/** An exception in Python; code and description where the library keeps them. */
export interface AmpPythonError {
  readonly class: string;
  readonly text: string;
  readonly code: string | null;
  readonly description: string | null;
}

/** How a call ended. */
export interface AmpOutcome {
  /** What came, `null` for a call without answer. */
  readonly result?: AmpTold | null;
  /** What came of a call by name: octets by key. */
  readonly box?: Readonly<Record<string, string>> | null;
  readonly error?: AmpPythonError;
  /** Whether one more call was answered; told if it was asked for. */
  readonly stays?: boolean;
  /** The common name of the other end's certificate, after StartTLS; told if it was asked for and the connection stays. */
  readonly peer?: string | null;
}

/** What goes with a call. */
export interface AmpCallOptions {
  /** The number of the connection; the last one without it. */
  readonly on?: number;
  /** Tells by one more call whether the connection stays. */
  readonly probe?: boolean;
}

/** Something that happened at a peer: `connected`, `lost`, `notified`, `logged`, `inner-lost`, or `failed` in secret. */
export type AmpEvent = { readonly event: string; readonly on?: number } & Readonly<Record<string, unknown>>;

type Answer = Readonly<Record<string, unknown>>;

const running = new Set<AmpPython>();

/** After each test, peers are ended that it left behind. */
export function useAmpCleanUp(): void {
  afterEach(async () => {
    await Promise.all(Array.from(running, (peer) => peer.close()));
  });
}

/** Makes `ca`, `server`, `client` and `stranger`, whom nobody knows, in a folder; returns what to show by name. */
export async function makeAmpCertificates(folder: string): Promise<Readonly<Record<string, Required<AmpPems>>>> {
  await promisify(execFile)(PYTHON, [`${FOLDER}/amp_certificates.py`, folder]);
  const pems = (name: string) => ({
    cert: `${folder}/${name}.pem`,
    key: `${folder}/${name}-key.pem`,
    ca: `${folder}/ca.pem`,
  });
  return { server: pems("server"), client: pems("client"), stranger: pems("stranger") };
}

/** A peer of AMP that runs in Python, and does what a test says; see `amp_program.py`. */
export class AmpPython {
  /** Where it listens, as `tcp://…`, `tls://…` or `ipc://…`; `""` for a client. */
  address = "";
  /** What happened so far. */
  readonly events: AmpEvent[] = [];
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #heard = new EventEmitter();
  readonly #closed: Promise<unknown>;
  #ended = false;
  #lastId = 0;
  #err = "";

  private constructor(args: readonly string[]) {
    this.#process = spawn(PYTHON, args);
    this.#heard.setMaxListeners(0);
    running.add(this);
    this.#closed = once(this.#process, "close").then(() => {
      running.delete(this);
      this.#ended = true;
      this.#heard.emit("ended");
    });
    // What is written to a peer that has ended is answered by its end.
    this.#process.stdin.on("error", () => undefined);
    this.#process.stderr.on("data", (chunk: Buffer) => {
      this.#err += chunk.toString();
      appendFileSync("test.log", chunk);
    });
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#hear(line);
    });
  }

  /** Twisted's server. */
  static twistedServer(address = "tcp:0", pems: AmpPems = {}): Promise<AmpPython> {
    return AmpPython.#start("amp_twisted_server.py", "--address", address, ...optionsOf(pems));
  }

  /** Twisted's client. */
  static twistedClient(pems: AmpPems = {}): Promise<AmpPython> {
    return AmpPython.#start("amp_twisted_client.py", ...optionsOf(pems));
  }

  /** A server that is like asyncio-amp's. */
  static asyncioServer(address = "tcp:0"): Promise<AmpPython> {
    return AmpPython.#start("asyncio_amp_peer.py", "server", address);
  }

  /** A client that is like asyncio-amp's. */
  static asyncioClient(): Promise<AmpPython> {
    return AmpPython.#start("asyncio_amp_peer.py", "client");
  }

  static async #start(script: string, ...args: readonly string[]): Promise<AmpPython> {
    const peer = new AmpPython([`${FOLDER}/${script}`, ...args]);
    try {
      const line = (await peer.#next("ready", "it is not ready")) as string;
      peer.address = line.split(" ")[1] ?? "";
    } catch (error) {
      await peer.close();
      throw error;
    }
    return peer;
  }

  /** What it said on standard error so far. */
  get err(): string {
    return this.#err;
  }

  /** Connects, with the certificate and authority given if the address is one of TLS; returns the connection's number. */
  async connect(address: string, pems: AmpPems = {}): Promise<number> {
    return (await this.ask("connect", { address, ...pems })).on as number;
  }

  /** Connects for {@link AmpPython.write} and {@link AmpPython.read} of any octets; returns the connection's number. */
  async open(address: string, pems: AmpPems = {}): Promise<number> {
    return (await this.ask("open", { address, ...pems })).on as number;
  }

  /** Calls a command. */
  call(command: string, args: AmpTold = {}, options: AmpCallOptions = {}): Promise<AmpOutcome> {
    return this.#outcome("call", { command, args, ...options });
  }

  /** Calls by name with values that are octets, `hex:…`; with `answer: false` without `_ask`. Twisted only. */
  low(command: string, values: AmpTold = {}, options: AmpCallOptions & { answer?: boolean } = {}): Promise<AmpOutcome> {
    return this.#outcome("low", { command, values, ...options });
  }

  /** So many sums at once; how many were right, wrong, and failed. */
  async many(count: number, on?: number): Promise<{ right: number; wrong: number; failed: number }> {
    return (await this.ask("many", { count, on })) as { right: number; wrong: number; failed: number };
  }

  /** Calls StartTLS. Twisted only. */
  startTls(pems: AmpPems = {}, options: AmpCallOptions = {}): Promise<AmpOutcome> {
    return this.#outcome("starttls", { ...pems, ...options });
  }

  /** Calls Switch, for `upper-echo` or `prefix-echo`. Twisted only. */
  switchTo(to: string, options: AmpCallOptions = {}): Promise<AmpOutcome> {
    return this.#outcome("switch", { to, ...options });
  }

  /** Sends any octets. */
  async write(octets: Uint8Array, on?: number): Promise<void> {
    await this.ask("write", { octets: `hex:${Buffer.from(octets).toString("hex")}`, on });
  }

  /**
   * So many octets that came on a connection that was opened or switched; without a count, or where the connection ends
   * sooner, all up to its end.
   */
  async read(count?: number, on?: number): Promise<{ octets: Buffer; ended: boolean }> {
    const { octets, ended } = (await this.ask("read", { count, on })) as { octets: string; ended: boolean };
    return { octets: Buffer.from(octets.slice("hex:".length), "hex"), ended };
  }

  /** Closes a connection; settles when it has ended. */
  async disconnect(on?: number): Promise<void> {
    await this.ask("close", { on });
  }

  /** Settles when a connection has ended, with the class of the reason. */
  async lost(on?: number): Promise<string> {
    return (await this.ask("lost", { on })).reason as string;
  }

  /** Has it do something. Rejects if it fails, which calls never do. */
  async ask(name: string, told: AmpTold = {}, deadlineMs = DEADLINE_MS): Promise<Answer> {
    const answer = await this.#tell(name, told, deadlineMs);
    if ("error" in answer) throw new Error(JSON.stringify(answer.error));
    return answer;
  }

  /** Settles with the first event of this kind that has these facts, be it one of the past. */
  async happens(kind: string, facts: AmpTold = {}): Promise<AmpEvent> {
    for (;;) {
      const found = this.events.find(
        (event) => event.event === kind && Object.entries(facts).every(([name, fact]) => event[name] === fact),
      );
      if (found) return found;
      await this.#next("event", `no event ${kind} ${JSON.stringify(facts)}`);
    }
  }

  /** Ends the process at once, without a word to anybody. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#closed;
  }

  /** Ends the process. */
  async close(): Promise<void> {
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 3_000);
    await this.#closed;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #outcome(name: string, told: AmpTold): Promise<AmpOutcome> {
    return await this.#tell(name, told, DEADLINE_MS);
  }

  #tell(name: string, told: AmpTold, deadlineMs: number): Promise<Answer> {
    const id = ++this.#lastId;
    this.#process.stdin.write(`${JSON.stringify({ id, do: name, ...told })}\n`);
    return this.#next(String(id), `no answer to ${name} ${JSON.stringify(told)}`, deadlineMs) as Promise<Answer>;
  }

  #hear(line: string): void {
    if (line.startsWith("ready")) {
      this.#heard.emit("ready", line);
      return;
    }
    const told = JSON.parse(line) as Answer;
    if ("id" in told) {
      const { id, ...answer } = told;
      this.#heard.emit(String(id as number), answer);
      return;
    }
    this.events.push(told as AmpEvent);
    this.#heard.emit("event");
  }

  #next(name: string, failure: string, deadlineMs = DEADLINE_MS): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        this.#heard.off(name, settle).off("ended", end);
      };
      const settle = (value: unknown): void => {
        stop();
        resolve(value);
      };
      const fail = (why: string): void => {
        stop();
        reject(
          new Error(`the peer in Python ${why}, ${failure}: ${JSON.stringify(this.events.slice(-5))} ${this.#err}`),
        );
      };
      const end = (): void => {
        fail("ended");
      };
      const timer = setTimeout(() => {
        fail(`took more than ${deadlineMs} ms`);
      }, deadlineMs);
      this.#heard.once(name, settle).once("ended", end);
      if (this.#ended) end();
    });
  }
}

function optionsOf(pems: AmpPems): string[] {
  return Object.entries(pems).flatMap(([name, path]) => [`--${name}`, path as string]);
}
