/** The processes of the demo: a nameserver and providers, started, killed and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** One process that can be killed and started again. */
export class Member {
  readonly name: string;
  /** Address of the running process. */
  address = "";
  readonly #command: () => readonly string[];
  #child: ChildProcess | undefined;

  constructor(name: string, command: () => readonly string[]) {
    this.name = name;
    this.#command = command;
  }

  /** Starts the process; settles when it is ready. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [...this.#command()], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let told = "";
    child.stderr.on("data", (chunk: Buffer) => {
      told = (told + chunk.toString()).slice(-2_000);
    });
    const died = once(child, "exit").then(() =>
      Promise.reject(new Error(`${this.name} ended before it was ready: ${told}`)),
    );
    const ready = once(createInterface(child.stdout), "line");
    died.catch(() => undefined);
    const [line] = (await Promise.race([ready, died])) as [string];
    this.address = line.replace("ready ", "");
  }

  /** Sends a signal; settles when the process has ended, for signals that end it. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await ended;
  }
}

/** A nameserver and two providers, with a record of every execution. */
export class DemoMesh {
  readonly nameserver: Member;
  readonly providers: readonly Member[];
  readonly #folder = mkdtempSync(join(tmpdir(), "lamplighter-demo-"));
  readonly #records: { readonly file: string; read: number; rest: string }[];

  constructor() {
    const main = fileURLToPath(new URL("../../build/cli/main.js", import.meta.url));
    const provider = fileURLToPath(new URL("provider.ts", import.meta.url));
    // The first start takes a free port, which the nameserver keeps: its clients know no other.
    this.nameserver = new Member("nameserver", () => [
      main,
      "nameserver",
      "-a",
      this.nameserver.address === "" ? "tcp://127.0.0.1:0" : this.nameserver.address,
    ]);
    this.#records = ["a", "b"].map((name) => ({ file: join(this.#folder, name), read: 0, rest: "" }));
    this.providers = this.#records.map(
      ({ file }, index) =>
        new Member(`provider ${index + 1}`, () => [
          "--import",
          "tsx",
          provider,
          this.nameserver.address,
          `/demo/work/${index + 1}`,
          file,
        ]),
    );
  }

  /** Starts everything. */
  async start(): Promise<void> {
    await this.nameserver.start();
    await Promise.all(this.providers.map((provider) => provider.start()));
  }

  /** Executions that were written down since this was asked last. */
  newExecutions(): string[] {
    return this.#records.flatMap((record) => {
      const file = openSync(record.file, "a+");
      try {
        const bytes = Buffer.alloc(fstatSync(file).size - record.read);
        readSync(file, bytes, 0, bytes.length, record.read);
        record.read += bytes.length;
        const lines = (record.rest + bytes.toString("latin1")).split("\n");
        record.rest = lines.pop() ?? "";
        return lines;
      } finally {
        closeSync(file);
      }
    });
  }

  /** Ends all processes and removes the records. */
  async close(): Promise<void> {
    for (const member of [...this.providers, this.nameserver]) {
      await member.signal("SIGCONT");
      await member.signal("SIGKILL");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
