/** The processes of the demo: a nameserver and providers, started, killed and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Execution, Runs } from "./checker.js";
import { ExecutionRecord } from "./record.js";

/** One process that can be killed and started again. */
export class Member {
  readonly name: string;
  /** Address of the running process. */
  address = "";
  readonly #command: () => readonly string[];
  #child: ChildProcess | undefined;
  #retired = false;

  constructor(name: string, command: () => readonly string[]) {
    this.name = name;
    this.#command = command;
  }

  /**
   * Starts the process; settles when it is ready.
   *
   * @returns when it said that it was ready, in milliseconds of `Date.now()`, if it said so
   */
  async start(): Promise<number | undefined> {
    if (this.#retired) throw new Error(`${this.name} is not started any more`);
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
    const [, address = "", at] = line.split(" ");
    this.address = address;
    return at === undefined ? undefined : Number(at);
  }

  /** Sends a signal; settles when the process has ended, for signals that end it. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await ended;
  }

  /** Kills the process at once, for good: it cannot be started again. */
  retire(): void {
    this.#retired = true;
    this.#child?.kill("SIGKILL");
  }
}

/** What one run of a provider writes down. */
interface RunRecord {
  /** Counted over all providers. */
  readonly run: number;
  readonly service: string;
  readonly record: ExecutionRecord;
  /** `false` once the run is over. */
  current: boolean;
}

/**
 * A nameserver and providers, with a record of every execution. However this program ends, short of `kill -9`, its processes
 * and files go with it.
 */
export class DemoMesh {
  readonly nameserver: Member;
  readonly providers: readonly Member[];
  readonly #folder = mkdtempSync(join(tmpdir(), "lamplighter-demo-"));
  /** One record for each run of each provider, until that run is over and its record read. */
  #records: RunRecord[] = [];
  #runs = 0;
  readonly #remove = (): void => {
    for (const member of [...this.providers, this.nameserver]) member.retire();
    rmSync(this.#folder, { recursive: true, force: true });
  };

  constructor(providers = 2) {
    const main = fileURLToPath(new URL("../../build/cli/main.js", import.meta.url));
    const provider = fileURLToPath(new URL("provider.ts", import.meta.url));
    // The first start takes a free port, which the nameserver keeps: its clients know no other.
    this.nameserver = new Member("nameserver", () => [
      main,
      "nameserver",
      "-a",
      this.nameserver.address === "" ? "tcp://127.0.0.1:0" : this.nameserver.address,
    ]);
    this.providers = Array.from({ length: providers }, (_, index) => {
      const service = `/demo/work/${index + 1}`;
      return new Member(`provider ${index + 1}`, () => [
        "--import",
        "tsx",
        provider,
        this.nameserver.address,
        service,
        this.#newRecord(service),
      ]);
    });
    process.once("exit", this.#remove);
  }

  /** Starts everything. */
  async start(): Promise<void> {
    await this.nameserver.start();
    await Promise.all(this.providers.map((provider) => provider.start()));
  }

  /** Executions that were written down since this was asked last. Records of runs that are over are removed. */
  newExecutions(): Execution[] {
    const found: Execution[] = [];
    for (const { record, current } of this.#records) {
      // A loop, since so many may not fit into the arguments of one push.
      for (const execution of record.read()) found.push(execution);
      if (!current) record.remove();
    }
    this.#records = this.#records.filter(({ current }) => current);
    return found;
  }

  /** Which runs of providers there are, as of the last {@link DemoMesh.newExecutions}. */
  get runs(): Runs {
    return { newest: this.#runs, oldest: Math.min(...this.#records.map(({ run }) => run)) };
  }

  /** A file for the next run of a provider, whose last run has ended. */
  #newRecord(service: string): string {
    for (const record of this.#records) if (record.service === service) record.current = false;
    const run = ++this.#runs;
    const path = join(this.#folder, `run-${run}`);
    this.#records.push({ run, service, record: new ExecutionRecord(path), current: true });
    return path;
  }

  /** Kills all processes, and settles when they have ended. What they wrote down can still be read. */
  async kill(): Promise<void> {
    await Promise.all([...this.providers, this.nameserver].map((member) => member.signal("SIGKILL")));
  }

  /** Ends all processes and removes the records. */
  async close(): Promise<void> {
    await this.kill();
    process.removeListener("exit", this.#remove);
    this.#remove();
  }
}

/** Ends this program on a signal, and with it what a {@link DemoMesh} has started. */
export function endOnSignals(): void {
  for (const [signal, status] of [
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(signal, () => process.exit(status));
  }
}
