import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { ConfigurationError } from "../../errors.js";
import type { Frames } from "../../wire/message.js";
import {
  type Answered,
  type Broken,
  type FromThread,
  portable,
  type SyncThreadData,
  type ToThread,
  WORDS,
  Word,
} from "./sync-channel.js";

/** A call whose deadline has passed. */
export interface Expired {
  /** Tells it apart. */
  readonly kind: "expired";
  /** Was it sent? */
  readonly isSent: boolean;
  /** What it waited for meanwhile, for people, if that is known. */
  readonly trouble: string | undefined;
}

/** What became of a call. */
export type Settlement = Answered | Broken | Expired;

/** The thread that keeps a connection while the one that calls is blocked. It does not keep the process alive. */
export class SyncThread {
  readonly #words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
  readonly #port: MessagePort;
  #number = 0;
  /** Why it is no more. */
  #ended: string | undefined;

  /**
   * Starts it.
   *
   * @throws ConfigurationError when its program is not there
   */
  constructor(settings: Omit<SyncThreadData, "port" | "words">) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const data: SyncThreadData = { ...settings, port: port2, words: this.#words };
    const worker = startWorker(data, port2);
    worker.on("error", (error: Error) => {
      this.#ended = error.message;
    });
    worker.on("exit", () => {
      this.#ended ??= "it has ended";
    });
    worker.unref();
  }

  /** Is a server connected? */
  get isConnected(): boolean {
    return Atomics.load(this.#words, Word.connected) === 1;
  }

  /** Why it is no more; `undefined` as long as nothing is known of an end. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** A number for the next call. */
  nextNumber(): number {
    this.#number = (this.#number % MAX_NUMBER) + 1;
    return this.#number;
  }

  /**
   * Hands a call over, and sleeps until it is settled.
   *
   * @param deadlineAt - in milliseconds of `performance.now()`
   */
  exchange(number: number, frames: Frames, deadlineAt: number): Settlement {
    const words = this.#words;
    const copies = portable(frames);
    Atomics.store(words, Word.call, number);
    this.#tell({ kind: "call", number, frames: copies.frames }, copies.handedOver);
    let trouble: string | undefined;
    for (;;) {
      const told = Atomics.load(words, Word.told);
      for (const message of this.#received()) {
        // Whatever came too late for an earlier call is nobody's.
        if (message.number !== number) continue;
        if (message.kind === "trouble") trouble = message.text;
        else {
          Atomics.store(words, Word.call, 0);
          return message;
        }
      }
      const leftMs = deadlineAt - performance.now();
      if (leftMs <= 0) return { kind: "expired", isSent: Atomics.exchange(words, Word.call, 0) !== number, trouble };
      Atomics.wait(words, Word.told, told, leftMs);
    }
  }

  /** Ends it. */
  close(): void {
    this.#tell({ kind: "close" });
  }

  #tell(message: ToThread, handedOver: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, handedOver);
  }

  *#received(): Generator<FromThread> {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: FromThread } | undefined;
      if (!received) return;
      yield received.message;
    }
  }
}

function startWorker(data: SyncThreadData, port: MessagePort): Worker {
  const options = { name: "lamplighter sync", workerData: data, transferList: [port] };
  // What the program preloads for itself would be loaded here once more, before anything else.
  if (!import.meta.url.endsWith(".ts")) return new Worker(programFile(), { ...options, execArgv: [] });
  // Node gives a thread none of the hooks that its parent loads sources with. As with `--import tsx`, tsx is looked for from the
  // current folder.
  const program = JSON.stringify(new URL("./sync-worker.ts", import.meta.url).href);
  return new Worker(`import("tsx/esm/api").then(({ register }) => { register(); return import(${program}); })`, {
    ...options,
    eval: true,
  });
}

/** Beside this file, or where this file was before it was bundled with others. */
function programFile(): URL {
  const files = PROGRAMS.map((path) => new URL(path, import.meta.url));
  const found = files.find((file) => existsSync(file));
  if (found) return found;
  throw new ConfigurationError(
    `The program of the thread behind a SyncClient is not at ${fileURLToPath(files[0] ?? "")}. A bundler that takes this package ` +
      "apart leaves it behind: mark lamplighter as external",
  );
}

const PROGRAMS = ["./sync-worker.js", "../compat/pseud/sync-worker.js"];
/** The greatest that a word of the shared memory holds. */
const MAX_NUMBER = 2 ** 31 - 1;
