import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { RpcError } from "../../src/errors.js";
import type { WorkflowControl } from "../../src/workflow/control.js";
import { openRunJournal } from "../../src/workflow/journal/open-run-journal.js";
import type { RunJournal } from "../../src/workflow/journal/run-journal.js";
import type { RunInfo } from "../../src/workflow/run.js";
import { generator } from "./generator.js";
import type { Child, StartChild } from "./processes.js";
import { until } from "./until.js";
import { checkRun, type Effect, readEffects } from "./workflow-effects.js";

/** How the harness calls the services, over a client that is told nothing of the kills. */
export interface KilledServices {
  readonly workflow: WorkflowControl;
  /** What stands in the journal of one of the called services. */
  booked(service: string): Promise<readonly Effect[]>;
}

/** How much is to be killed. */
export interface KillPlan {
  /** Of the task of ten steps; beside four of them there is one of a task that fails and is undone. */
  readonly runs: number;
  /** At least so many processes are killed while the runs go on. */
  readonly kills: number;
  /** Runs at a time. */
  readonly concurrency: number;
  /** What is killed, and when, follows from it. */
  readonly seed: number;
  /** What is killed: `workflow`, `service 1`, `service 2`, `nameserver`; default all of them. */
  readonly only?: readonly string[] | undefined;
}

/** What has happened. */
export interface KillReport {
  /** All runs. */
  readonly runs: number;
  /** What is wrong, by run. */
  readonly wrong: ReadonlyMap<string, readonly string[]>;
  /** Kills by process. */
  readonly kills: Readonly<Record<string, number>>;
  /** Questions by step, and how they were answered. */
  readonly questions: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Effects by method. */
  readonly effects: Readonly<Record<string, number>>;
  /** From the first start to the last end, in milliseconds. */
  readonly tookMs: number;
}

/** A process that is killed and started again. */
class Victim {
  readonly name: string;
  /** Where it is. */
  address = "";
  kills = 0;
  readonly #start: (address: string) => Child;
  /** What it complained about in earlier lives. */
  readonly #told: string[] = [];
  #child: Child | undefined;

  constructor(name: string, start: (address: string) => Child) {
    this.name = name;
    this.#start = start;
  }

  /** Settles when it is ready. */
  async start(): Promise<void> {
    this.#child = this.#start(this.address);
    const [, address = ""] = await this.#child.waitFor(/^ready (\S+)$/m);
    this.address = address;
  }

  /** `kill -9`, to be started again. */
  async kill(): Promise<void> {
    this.kills++;
    await this.end();
  }

  /** `kill -9`. */
  async end(): Promise<void> {
    this.#told.push(...this.#complaining());
    this.#child?.process.kill("SIGKILL");
    await this.#child?.ended;
    this.#child = undefined;
  }

  /** What it has complained about. */
  complaints(): readonly string[] {
    return [...this.#told, ...this.#complaining()];
  }

  #complaining(): string[] {
    const lines = this.#child?.err().split("\n") ?? [];
    return lines.filter((line) => line !== "" && !/^(?:info|warn): /.test(line));
  }
}

/**
 * Runs of a task of ten steps, and of one that fails and is undone, while the workflow service, the two services that it calls and the nameserver are killed at random and started
 * again. Runs that ask what became of a step are answered with the truth.
 *
 * @param connect - gets the address of the nameserver
 */
export async function killWorkflow(
  start: StartChild,
  connect: (nameserver: string) => KilledServices,
  plan: KillPlan,
): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), "lamplighter-kills-"));
  mkdirSync(join(folder, "keyed"));
  try {
    return await new Kills(start, connect, plan, folder).all();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of the workflow service, in its folder. */
const JOURNAL = "runs";
const SERVICES = ["/killed/steps/1", "/killed/steps/2"];
/** No run has ended for so long: they hang, in milliseconds. */
const HUNG_MS = 90_000;

class Kills {
  readonly #plan: KillPlan;
  readonly #folder: string;
  readonly #connect: (nameserver: string) => KilledServices;
  readonly #below: (limit: number) => number;
  readonly #nameserver: Victim;
  readonly #victims: readonly Victim[];
  readonly #wrong = new Map<string, string[]>();
  readonly #questions: Record<string, Record<string, number>> = {};
  readonly #over = new AbortController();
  #begun = 0;
  #ended = 0;
  #kills = 0;

  constructor(start: StartChild, connect: (nameserver: string) => KilledServices, plan: KillPlan, folder: string) {
    this.#plan = plan;
    this.#folder = folder;
    this.#connect = connect;
    this.#below = generator(plan.seed);
    const node = (...args: readonly string[]): Child => start(process.execPath, args);
    // It keeps its port, for others know no other.
    this.#nameserver = new Victim("nameserver", (address) =>
      node("build/cli/main.js", "nameserver", "-a", address === "" ? "tcp://127.0.0.1:0" : address),
    );
    const steps = (number: string): Victim =>
      new Victim(`service ${number}`, () =>
        node("test/fixtures/killed-steps.js", this.#nameserver.address, number, folder),
      );
    const workflow = new Victim("workflow", () =>
      node("test/fixtures/killed-workflow.js", this.#nameserver.address, folder),
    );
    this.#victims = [workflow, steps("1"), steps("2"), this.#nameserver];
  }

  async all(): Promise<KillReport> {
    await this.#nameserver.start();
    await Promise.all(this.#victims.filter((victim) => victim !== this.#nameserver).map((victim) => victim.start()));
    const services = this.#connect(this.#nameserver.address);
    // A service that was never there is missing, and one that was there comes back.
    await services.workflow.count();
    const { concurrency } = this.#plan;
    const begunAt = performance.now();
    const workers = Array.from({ length: concurrency }, () => this.#runSome(services.workflow));
    const answering = this.#answer(services.workflow);
    const killing = this.#killAll();
    // What goes wrong with the harness itself ends it.
    const broken = Promise.all([answering, killing]);
    await Promise.race([Promise.all(workers), this.#hung(services.workflow), broken]);
    const tookMs = performance.now() - begunAt;
    this.#over.abort();
    await broken;
    const effects = await this.#check(services);
    return {
      runs: this.#begun,
      wrong: this.#wrong,
      kills: Object.fromEntries(this.#victims.map(({ name, kills }) => [name, kills])),
      questions: this.#questions,
      effects,
      tookMs,
    };
  }

  #complain(run: string, text: string): void {
    const known = this.#wrong.get(run);
    if (known) known.push(text);
    else this.#wrong.set(run, [text]);
  }

  /** Kills, until all runs have ended. */
  async #killAll(): Promise<void> {
    const { only } = this.#plan;
    const victims = this.#victims.filter(({ name }) => only?.includes(name) ?? true);
    if (victims.length === 0) throw new Error(`There is nothing to be killed: ${only?.join(", ")}`);
    while (!this.#over.signal.aborted) {
      await pause(this.#below(200));
      // Mostly one, sometimes two together, and sometimes all that there is.
      const lot = this.#below(20);
      const count = lot === 0 ? victims.length : lot < 5 ? 2 : 1;
      const first = this.#below(victims.length);
      const chosen = victims.filter((_, index) => (index - first + victims.length) % victims.length < count);
      await Promise.all(
        chosen.map(async (victim) => {
          await victim.kill();
          await pause(this.#below(100));
          await victim.start();
          this.#kills++;
        }),
      );
    }
  }

  /** Begins runs, one after the other, as far as there were kills enough for those before. */
  async #runSome(workflow: WorkflowControl): Promise<void> {
    const { kills, seed } = this.#plan;
    const runs = Math.ceil(this.#plan.runs * 1.25);
    while (this.#begun < runs && !this.#over.signal.aborted) {
      const number = this.#begun++;
      const run = `${seed}-${number}`;
      try {
        await until(() => this.#kills >= (kills * number) / runs);
        const isUndone = number % 5 === 4;
        const options = { task: isUndone ? "undone" : "ten", input: { items: [0, 1, 2] }, id: run };
        // Who begins a run twice has begun it once.
        const same = number % 3 === 0 ? [options, options] : [options];
        const told = await Promise.all(same.map((one) => workflow.start(one)));
        for (const { id } of told) if (id !== run) this.#complain(run, `was begun as ${id}`);
        await workflow.wait({ run }).catch((error: unknown) => {
          const { number: code, outcome } = error as RpcError;
          if (!isUndone || code !== 418 || outcome !== "executed") throw error;
        });
      } catch (error) {
        this.#complain(run, `its caller was told: ${String(error)}`);
      }
      this.#ended++;
    }
  }

  /** Answers those who ask with the truth, until all have ended. */
  async #answer(workflow: WorkflowControl): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        for (const run of await workflow.list({ state: "asking", limit: 1_000 })) await this.#answerOne(workflow, run);
      } catch (error) {
        this.#complain("those who ask", String(error));
      }
      await pause(50);
    }
  }

  async #answerOne(workflow: WorkflowControl, { id: run, questions }: RunInfo): Promise<void> {
    for (const { step, kind } of questions) {
      if (kind !== "unknown") continue;
      const effect = readEffects(this.#folder).find((one) => one.run === run && one.step === step);
      const answer = effect ? "done" : "repeat";
      try {
        await workflow.resume({ run, step, answer, ...(effect && { result: effect.token }), by: "the truth" });
        const row = (this.#questions[step] ??= { done: 0, repeat: 0 });
        row[answer] = (row[answer] ?? 0) + 1;
      } catch (error) {
        // The service was killed while it was answered, perhaps after it was written down; if not, it asks again.
        if ((error as { readonly outcome?: string }).outcome === "executed") this.#complain(run, String(error));
      }
    }
  }

  /** Settles when nothing has ended for a long time. */
  async #hung(workflow: WorkflowControl): Promise<void> {
    let [ended, since] = [this.#ended, performance.now()];
    while (performance.now() - since < HUNG_MS) {
      await pause(500, undefined, { ref: false });
      if (this.#over.signal.aborted) return;
      if (this.#ended > ended) [ended, since] = [this.#ended, performance.now()];
    }
    const told = await workflow.list({ state: ["running", "waiting", "asking", "undoing"] }).catch(String);
    this.#complain("all", `no run has ended within ${HUNG_MS} ms: ${JSON.stringify(told)}`);
  }

  async #check(services: KilledServices): Promise<Record<string, number>> {
    const effects = [
      ...readEffects(this.#folder),
      ...(await Promise.all(SERVICES.map((service) => services.booked(service)))).flat(),
    ];
    const byRun = new Map<string, Effect[]>();
    const counts: Record<string, number> = {};
    for (const effect of effects) {
      counts[effect.method] = (counts[effect.method] ?? 0) + 1;
      const known = byRun.get(effect.run);
      if (known) known.push(effect);
      else byRun.set(effect.run, [effect]);
    }
    // The service tells nobody by which names hosts know calls; its journal does.
    await this.#victims.find(({ name }) => name === "workflow")?.end();
    const journal = await openRunJournal(join(this.#folder, JOURNAL));
    for (let number = 0; number < this.#begun; number++) {
      const run = `${this.#plan.seed}-${number}`;
      for (const text of await checkOne(journal, run, byRun.get(run) ?? [])) this.#complain(run, text);
    }
    await journal.close();
    // Whoever lives knows what they have done.
    const hasLost = this.#victims.some(({ name, kills }) => name.startsWith("service") && kills > 0);
    for (const step of Object.keys(this.#questions)) {
      if (!hasLost && step !== "stamp") this.#complain("all", `was asked about ${step}, whose service lived`);
    }
    for (const victim of this.#victims) for (const line of victim.complaints()) this.#complain(victim.name, line);
    return counts;
  }
}

async function checkOne(journal: RunJournal, run: string, effects: readonly Effect[]): Promise<string[]> {
  const stored = await journal.find(run);
  if (!stored) return ["is not in the journal"];
  return checkRun({ ...stored, questions: [] }, await journal.history(stored.key), effects);
}
