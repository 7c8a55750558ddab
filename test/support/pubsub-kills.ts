import type { Child, StartChild } from "./processes.js";
import { until } from "./until.js";

/** What a process of test/fixtures/subscribing.js reports. */
export interface SubscriberReport {
  /** Values that it took. */
  readonly values: number;
  /** What nobody told it: values that are missing without a gap, that came twice, or in another order. */
  readonly wrong: readonly string[];
  /** Each run of a publisher that it got anything of. */
  readonly runs: readonly {
    readonly incarnation: string;
    readonly missing: number;
    readonly told: number;
    readonly isUnknown: boolean;
    readonly isGone: boolean;
  }[];
  /** Values that wait to be taken. */
  readonly waiting: number;
  /** Code of the error that ended it. */
  readonly ended?: string;
  /** Bytes in use in the process. */
  readonly memory: number;
}

/** A process that subscribes, and checks what it gets. */
export class WatchedSubscriber {
  readonly name: string;
  readonly child: Child;

  private constructor(name: string, child: Child) {
    this.name = name;
    this.child = child;
  }

  /** Settles when it is ready. */
  static async start(start: StartChild, nameserver: string, options: object): Promise<WatchedSubscriber> {
    const told = JSON.stringify(options);
    const args = ["--expose-gc", "test/fixtures/subscribing.js", nameserver, told];
    const child = start(process.execPath, args, { interactive: true });
    await child.waitFor(/^ready$/m);
    return new WatchedSubscriber(told, child);
  }

  /** What it knows now. */
  async report(): Promise<SubscriberReport> {
    const before = this.child.out().length;
    this.child.process.stdin?.write("report\n");
    const answer = (): RegExpExecArray | null => /^report (\{.*\})$/m.exec(this.child.out().slice(before));
    await until(() => answer() !== null || this.child.process.exitCode !== null);
    return JSON.parse(
      answer()?.[1] ?? `{"wrong":["ended: ${this.child.process.exitCode}"],"runs":[]}`,
    ) as SubscriberReport;
  }
}

/** A process that publishes; it can be killed and started again. */
export class DoomedPublisher {
  readonly #start: StartChild;
  readonly #args: readonly string[];
  #child: Child | undefined;

  constructor(start: StartChild, nameserver: string, service: string, options: object) {
    this.#start = start;
    this.#args = ["test/fixtures/publishing.js", nameserver, service, JSON.stringify(options)];
  }

  /** @returns its incarnation */
  async start(): Promise<string> {
    this.#child = this.#start(process.execPath, this.#args);
    const [, incarnation = ""] = await this.#child.waitFor(/^ready \S+ (\S+)$/m);
    return incarnation;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#child?.process.kill("SIGKILL");
    await this.#child?.ended;
  }
}

const SUBSCRIBERS = [
  { policy: "block", buffer: 50 },
  { policy: "block", buffer: 500, replay: 200 },
  { policy: "drop-oldest", buffer: 200, slowMs: 5 },
  { policy: "drop-newest", buffer: 200, slowMs: 5 },
  { policy: "disconnect", buffer: 1_000_000 },
  { policy: "drop-oldest", buffer: 100_000, topics: "a" },
];

/**
 * Two publishers that are killed in turn and started again, under the load of subscribers of all policies, in processes of their own.
 *
 * @param isRight - told after each kill: whether all subscribers got values again, and had nothing to complain about
 * @returns what was wrong
 */
export async function killPublishers(
  start: StartChild,
  nameserver: string,
  kills: number,
  isRight: (kill: number, wrong: readonly string[]) => void = () => undefined,
): Promise<string[]> {
  const publishers = [
    new DoomedPublisher(start, nameserver, "/killed/one", { topics: ["", "a"], burst: 20 }),
    new DoomedPublisher(start, nameserver, "/killed/two", {
      topics: ["a", "b"],
      burst: 20,
      replay: 1_000,
      retain: true,
    }),
  ];
  const incarnations = await Promise.all(publishers.map((publisher) => publisher.start()));
  const subscribers = await Promise.all(
    SUBSCRIBERS.map((options) => WatchedSubscriber.start(start, nameserver, options)),
  );
  const wrong: string[] = [];
  const collect = (name: string, found: readonly string[]): void => {
    for (const line of found) if (!wrong.includes(`${name}: ${line}`)) wrong.push(`${name}: ${line}`);
  };
  const hasValuesOf = async (incarnation: string): Promise<void> => {
    await Promise.all(subscribers.map(({ child }) => child.waitFor(new RegExp(`^value ${incarnation}$`, "m"))));
  };
  for (const incarnation of incarnations) await hasValuesOf(incarnation);
  for (let kill = 0; kill < kills; kill++) {
    const publisher = publishers[kill % publishers.length];
    await publisher?.kill();
    const incarnation = (await publisher?.start()) ?? "";
    incarnations.push(incarnation);
    // The subscription was acknowledged once; nobody has to do anything for it to go on.
    await hasValuesOf(incarnation);
    const before = wrong.length;
    for (const { name, report } of await reports(subscribers)) collect(name, report.wrong);
    isRight(kill + 1, wrong.slice(before));
  }
  for (const publisher of publishers) await publisher.kill();
  const isOver = ({ waiting, runs }: SubscriberReport): boolean => waiting === 0 && runs.every(({ isGone }) => isGone);
  await until(async () => (await reports(subscribers)).every(({ report }) => isOver(report)));
  for (const { name, report } of await reports(subscribers)) {
    collect(name, report.wrong);
    if (report.ended !== undefined) collect(name, [`ended with ${report.ended}`]);
    for (const incarnation of incarnations) {
      if (!report.runs.some((run) => run.incarnation === incarnation)) collect(name, [`nothing of ${incarnation}`]);
    }
  }
  return wrong;
}

async function reports(
  subscribers: readonly WatchedSubscriber[],
): Promise<{ name: string; report: SubscriberReport }[]> {
  return Promise.all(subscribers.map(async (one) => ({ name: one.name, report: await one.report() })));
}
