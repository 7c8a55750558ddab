import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** What a peer in Python is started with; see `pseud_peer.py`. */
export interface PeerOptions {
  /** A Server, a Client, or the Client that blocks. */
  readonly role: "server" | "client" | "sync";
  /** Where it binds; port `*` is any free one. Either role may. */
  readonly bind?: string | readonly string[];
  /** Where it connects. Either role may. */
  readonly connect?: string | readonly string[];
  /** The routing id of a server, `service` without it. */
  readonly id?: string;
  /** The routing id of the server that a client calls, `service` without it. */
  readonly peer?: string;
  /** The name a client goes by. */
  readonly user?: string;
  readonly password?: string;
  readonly plugin?: "noop" | "plain" | "trusted_peer" | "trusted_curve" | "untrusted_curve";
  /** Passwords by name: for `plain`, which without it takes the name for the password, and `untrusted_curve`. */
  readonly users?: Readonly<Record<string, string>>;
  /** Public keys by name, for `trusted_curve`. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Who may call the jobs of the domain `restricted`. */
  readonly admins?: readonly string[];
  /** Keys are Z85. */
  readonly publicKey?: string;
  readonly secretKey?: string;
  /** The key of the server. */
  readonly peerKey?: string;
  /** In seconds, 5 without it. */
  readonly timeout?: number;
  readonly heartbeat?: "noop" | "testing";
  /** Seconds between the heartbeats of a client, 0.1 without it. */
  readonly interval?: number;
  /** Seconds of silence after which a server takes a user for gone, 0.2 without it. */
  readonly limit?: number;
  /** Where a server with heartbeats publishes them. */
  readonly publish?: string;
  /** Whether probes are sent and understood, true without it. Releases up to 1.0.0-a1 die of one. */
  readonly probe?: boolean;
  /** Another endpoint of the same process answers what this one has no job for. */
  readonly proxy?: boolean;
  /** The extension code that stands for Python's decimals. */
  readonly decimal?: number;
  /** Whether it reads before it has made a call, true without it. */
  readonly start?: boolean;
}

/** How a call of a peer ended. Values are in the notation of the vectors, see `valueOf`. */
export type Outcome =
  | { readonly result: unknown }
  | { readonly error: { readonly class: string; readonly module: string; readonly text: string } }
  /** The call killed the reader in a way that leaves its caller waiting. */
  | { readonly waitsForEver: true };

/** What a peer tells of itself. */
export interface PeerState {
  /** Whether it reads still. */
  readonly alive: boolean;
  /** Why it does not. */
  readonly reason: string | null;
  /** How many of its calls wait for an answer. */
  readonly pending: number;
  /** Each pair that was seen, in that order. */
  readonly users: readonly { readonly user: Octets; readonly routing: Octets }[];
  /** How many messages of each type came. */
  readonly messages: Readonly<Record<string, number>>;
  /** Users whose heartbeats ceased, in that order. */
  readonly gone: readonly Octets[];
}

/** Octets in hex, in the notation of the vectors. */
export interface Octets {
  readonly $bytes: string;
}

/** Makes calls to somebody. */
export interface Caller {
  call(name: string, args?: readonly unknown[], kwargs?: Readonly<Record<string, unknown>>): Promise<Outcome>;
}

/** Something that happened at a peer: `ready`, each `message` it got, a new `user`, `gone`, `callback` ended, reader `died`. */
export type PeerEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

type Answer = { readonly id: number } & Readonly<Record<string, unknown>>;

const running = new Set<PythonPseud>();

/** After each test, peers are ended that it left behind: one that timed out does not come to that itself. */
export function useCleanUp(): void {
  afterEach(async () => {
    await Promise.all(Array.from(running, (peer) => peer.close()));
  });
}

/** A peer of the pseud wire that runs in Python, and does what a test says. */
export class PythonPseud implements Caller {
  /** Where it is bound, or else connected. */
  address = "";
  /** What happened so far. */
  readonly events: PeerEvent[] = [];
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answered = new EventEmitter();
  readonly #happened = new EventEmitter();
  readonly #closed: Promise<unknown>;
  #ended = false;
  #lastId = 0;
  #err = "";

  private constructor(options: PeerOptions) {
    this.#process = spawn("/usr/bin/python3", ["test/interop/python/pseud_peer.py", JSON.stringify(options)]);
    this.#answered.setMaxListeners(0);
    this.#happened.setMaxListeners(0);
    running.add(this);
    this.#closed = once(this.#process, "close").then(() => {
      running.delete(this);
      this.#ended = true;
      this.#answered.emit("ended");
      this.#happened.emit("ended");
    });
    // What is written to a peer that has ended is answered by its end.
    this.#process.stdin.on("error", () => undefined);
    this.#process.stderr.on("data", (chunk: Buffer) => {
      this.#err += chunk.toString();
      appendFileSync("test.log", chunk);
    });
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#hear(JSON.parse(line) as Answer | PeerEvent);
    });
  }

  /** Starts one; it is bound or connected then. */
  static async start(options: PeerOptions): Promise<PythonPseud> {
    const peer = new PythonPseud(options);
    try {
      peer.address = (await peer.happens("ready")).address as string;
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

  /** Calls a job of its peer. Values are in the notation of the vectors. */
  call(name: string, args: readonly unknown[] = [], kwargs: Readonly<Record<string, unknown>> = {}): Promise<Outcome> {
    return this.#call({ name, args, kwargs });
  }

  /** Calls to one user, by name, or by routing id where the plugin knows no names. */
  sendTo(to: string | Octets): Caller {
    return { call: (name, args, kwargs) => this.#call({ name, args, kwargs, to }) };
  }

  /** How it is. */
  async state(): Promise<PeerState> {
    return (await this.#ask("state")) as unknown as PeerState;
  }

  /** The messages that came, each as its frames on the wire, in hex. */
  async received(): Promise<string[][]> {
    return (await this.#ask("received")).received as string[][];
  }

  /** Sends any frames whatever, in hex: those on the wire, the delimiter first. */
  async send(frames: readonly string[], to?: string | Octets): Promise<void> {
    await this.#ask("send", { frames, to });
  }

  /** Connects to one more address. */
  async connect(address: string): Promise<void> {
    await this.#ask("connect", { address });
  }

  /** Takes an address back that it connected to. */
  async disconnect(address: string): Promise<void> {
    await this.#ask("disconnect", { address });
  }

  /** Stops the endpoint; the process goes on. */
  async stop(): Promise<void> {
    await this.#ask("stop");
  }

  /** Settles with the first event of this kind that fits, be it one of the past. */
  async happens(kind: string, fits: (event: PeerEvent) => boolean = () => true): Promise<PeerEvent> {
    for (;;) {
      const found = this.events.find((event) => event.event === kind && fits(event));
      if (found) return found;
      await this.#next(this.#happened, "event", `no event ${kind}`);
    }
  }

  /** Holds the process: its connections stay, and nothing of what comes is read. */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  /** Lets it go on. */
  resume(): void {
    this.#process.kill("SIGCONT");
  }

  /** Ends the process. */
  async close(): Promise<void> {
    this.resume();
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 3_000);
    await this.#closed;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #call(told: Readonly<Record<string, unknown>>): Promise<Outcome> {
    return (await this.#ask("call", told)) as unknown as Outcome;
  }

  async #ask(name: string, told: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const id = ++this.#lastId;
    this.#process.stdin.write(`${JSON.stringify({ id, do: name, ...told })}\n`);
    const answer = (await this.#next(this.#answered, String(id), `no answer to ${name}`)) as Answer;
    // A call may end with an error, no other command may.
    if (name !== "call" && "error" in answer) throw new Error(JSON.stringify(answer.error));
    const { id: _, ...rest } = answer;
    return rest as Answer;
  }

  #hear(told: Answer | PeerEvent): void {
    if ("id" in told) {
      this.#answered.emit(String(told.id), told);
      return;
    }
    this.events.push(told);
    this.#happened.emit("event");
  }

  #next(emitter: EventEmitter, name: string, failure: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (value: unknown): void => {
        emitter.off(name, settle).off("ended", end);
        resolve(value);
      };
      const end = (): void => {
        emitter.off(name, settle);
        reject(new Error(`the peer in Python ended, ${failure}: ${this.#err}`));
      };
      if (this.#ended) {
        end();
        return;
      }
      emitter.once(name, settle).once("ended", end);
    });
  }
}

/** Pairs of keys, in Z85, that are good for nothing but tests. */
export const CURVE_KEYS = {
  server: {
    publicKey: "H[Go$D?a:xQ(UIkSXncgb5H>qK:W<5CN[tQTZd&h",
    secretKey: "C5Eu8^MoTUVeK18iO$BUOIN<r/Xdb{8EQ:MLlDQv",
  },
  bob: {
    publicKey: "L>ULhY9N85Vl2}.&oh}63]*J]0KD%6x4=DZQPt)}",
    secretKey: "=:f+*pcpJRw[*%$jU4LDX9)Qld@Oddi7DM$o}5m(",
  },
  john: {
    publicKey: "5K1Z.:7itfTPY#+&Q{>bkJ81!0y6Rnae}:4+$}.p",
    secretKey: "QsuifD6J]kCB<PG]T:OcrKT1TY!*$<5nxTnOIe$g",
  },
} as const;

/** Octets of a text. */
export function octetsOf(text: string): Octets {
  return { $bytes: Buffer.from(text).toString("hex") };
}
