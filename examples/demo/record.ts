import { closeSync, existsSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import type { Execution } from "./checker.js";

/**
 * Writes executions down, synchronously: a line that was written survives `kill -9` of its writer, since the kernel has it
 * by then. Only a power cut could lose it.
 */
export class ExecutionWriter {
  readonly #file: number;
  readonly #by: string;

  /** @param by - who writes; without spaces */
  constructor(path: string, by: string) {
    this.#file = openSync(path, "a");
    this.#by = by;
  }

  /** To be called before the call is answered. */
  write(id: string, idempotent: boolean): void {
    writeSync(this.#file, `${id} ${idempotent ? "idempotent" : "once"} ${this.#by}\n`);
  }
}

/** Reads what writers append to a file, a piece at a time. */
export class ExecutionRecord {
  readonly #path: string;
  readonly #chunk = Buffer.alloc(1024 * 1024);
  #offset = 0;
  #rest = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** Executions that were written since this was called last. */
  read(): Execution[] {
    if (!existsSync(this.#path)) return [];
    const file = openSync(this.#path, "r");
    const found: Execution[] = [];
    try {
      for (;;) {
        const length = readSync(file, this.#chunk, 0, this.#chunk.length, this.#offset);
        if (length === 0) return found;
        this.#offset += length;
        const lines = (this.#rest + this.#chunk.toString("latin1", 0, length)).split("\n");
        this.#rest = lines.pop() ?? "";
        for (const line of lines) found.push(parse(line));
      }
    } finally {
      closeSync(file);
    }
  }

  /** Removes the file. */
  remove(): void {
    rmSync(this.#path, { force: true });
  }
}

function parse(line: string): Execution {
  const [id, kind, by] = line.split(" ");
  if (id === undefined || by === undefined) throw new Error(`A provider wrote down what cannot be read: ${line}`);
  return { id, idempotent: kind === "idempotent", by };
}
