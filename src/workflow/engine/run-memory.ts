import type {
  AnsweredEvent,
  CancelledEvent,
  DoneEvent,
  FailedEvent,
  HistoryEntry,
  RunFailure,
  RunQuestion,
  WaitingEvent,
} from "../run.js";

/** A try of which nobody knows how it ended. */
export interface OpenTry {
  /** Its name at the host that got it. */
  readonly call: string | undefined;
  /** Who got it. */
  readonly target: string | undefined;
  /** Where they write it down. */
  readonly journal: string | undefined;
  readonly idempotent: boolean;
  /** When it was about to be sent, in milliseconds since 1970. */
  readonly at: number;
}

/** What a step waits for. */
export type OpenWait = WaitingEvent & {
  /** Since when, in milliseconds since 1970. */
  readonly at: number;
};

/** What is known of a step. */
export interface StepMemory {
  /** Tries that were begun. */
  attempts: number;
  /** Tries that have failed since it was begun, or begun again. */
  failures: number;
  startedAt: number | undefined;
  endedAt: number | undefined;
  open: OpenTry | undefined;
  /** Number of the line of the history that tells its result; 0: it has none. */
  doneNumber: number;
  result: unknown;
  failure: RunFailure | undefined;
  /** Number of the line of the history that tells its failure. */
  failedNumber: number | undefined;
  /** It is tried again then, in milliseconds since 1970. */
  retryAt: number | undefined;
  wait: OpenWait | undefined;
  question: RunQuestion | undefined;
  answer: AnsweredEvent | undefined;
}

/** What stands in paths for what undoes a step. */
export const UNDO = "~undo";
/** What stands in paths for what is done at the end in any case. */
export const FINALLY = "~finally";

/**
 * What is known of a run: its history, read line by line, when the run is taken up again as well as while it goes on.
 */
export class RunMemory {
  /** By path, in the order in which they were heard of. */
  readonly steps: Map<string, StepMemory> = new Map<string, StepMemory>();
  /** Lines of the history so far. */
  lines = 0;
  /** Why what was done is undone. */
  undoing: RunFailure | undefined;
  /** When it was retried last, in milliseconds since 1970; its time begins anew then. */
  retriedAt: number | undefined;
  /** It is to be cancelled. */
  cancelled: CancelledEvent | undefined;
  readonly #events = new Map<string, unknown[]>();
  /** Paths of all that something was known within when it was asked for first. */
  #begun: ReadonlySet<string> | undefined;
  /** Paths of steps that have asked, some of which were answered: a run may have many steps, and is often asked what it asks. */
  readonly #asking = new Set<string>();

  /** What is known of a step, to be added to. */
  at(path: string): StepMemory {
    const known = this.steps.get(path);
    if (known) return known;
    const fresh: StepMemory = {
      attempts: 0,
      failures: 0,
      startedAt: undefined,
      endedAt: undefined,
      open: undefined,
      doneNumber: 0,
      result: undefined,
      failure: undefined,
      failedNumber: undefined,
      retryAt: undefined,
      wait: undefined,
      question: undefined,
      answer: undefined,
    };
    this.steps.set(path, fresh);
    return fresh;
  }

  /** Has something of that name been delivered that nobody has waited for yet? */
  hasEvent(name: string): boolean {
    return (this.#events.get(name)?.length ?? 0) > 0;
  }

  /** What came with the oldest such event. */
  firstEvent(name: string): unknown {
    return this.#events.get(name)?.[0];
  }

  /** Had something been written down of steps within this one when the run was taken up? */
  hasBegun(path: string): boolean {
    this.#begun ??= new Set([...this.steps.keys()].flatMap((path) => [...withAbove(path)].slice(1)));
    return this.#begun.has(path);
  }

  /** Questions that nobody has answered. */
  questions(): RunQuestion[] {
    const open: RunQuestion[] = [];
    for (const path of this.#asking) {
      const step = this.steps.get(path);
      if (step?.question && !step.answer) open.push(step.question);
      else this.#asking.delete(path);
    }
    return open;
  }

  /** Paths of steps that may have been executed, or not, and stay so when the run stops. */
  *doubtful(): Iterable<string> {
    for (const [path, { open, question, answer }] of this.steps) {
      // What undoes a step, or stands at the end, is gone on with.
      if (path.split("/").some((key) => key === UNDO || key === FINALLY)) continue;
      const isAsked = question?.kind === "unknown" && !answer;
      if (isAsked || (open && !open.idempotent)) yield path;
    }
  }

  /** By path, the highest number of a line that tells of the end of a step, or of one within it. */
  lastDone(): ReadonlyMap<string, number> {
    const last = new Map<string, number>();
    for (const [path, { doneNumber }] of this.steps) {
      if (doneNumber === 0) continue;
      for (const above of withAbove(path)) if ((last.get(above) ?? 0) < doneNumber) last.set(above, doneNumber);
    }
    return last;
  }

  /** A line of the history. */
  apply({ number, at, event }: HistoryEntry): void {
    this.lines = number;
    switch (event.kind) {
      case "started": {
        const step = this.at(event.step);
        step.attempts++;
        step.startedAt ??= at;
        // Of this try nothing is known yet.
        step.failure = undefined;
        step.retryAt = undefined;
        step.question = undefined;
        step.answer = undefined;
        const { call, target, journal } = event;
        step.open = { call, target, journal, idempotent: event.idempotent === true, at };
        return;
      }
      case "done":
        this.#done(event, number, at);
        return;
      case "failed":
        this.#failed(event, number, at);
        return;
      case "waiting": {
        const step = this.at(event.step);
        step.startedAt ??= at;
        step.attempts++;
        step.wait = { ...event, at };
        return;
      }
      case "asked": {
        const step = this.at(event.question.step);
        step.startedAt ??= at;
        step.question = event.question;
        step.answer = undefined;
        this.#asking.add(event.question.step);
        return;
      }
      case "answered": {
        const step = this.at(event.step);
        step.answer = event;
        // Whoever has answered knows what became of it.
        step.open = undefined;
        return;
      }
      case "event": {
        const queued = this.#events.get(event.event);
        if (queued) queued.push(event.payload);
        else this.#events.set(event.event, [event.payload]);
        return;
      }
      case "undoing":
        this.undoing = event.error;
        return;
      case "cancelled":
        this.cancelled = event;
        return;
      case "retried":
        this.retriedAt = at;
        this.#retried();
        return;
      case "begun":
      case "ended":
        return;
    }
  }

  #done({ step: path, result, timedOut }: DoneEvent, number: number, at: number): void {
    const step = this.at(path);
    // What came too late for one step is there for the next one that waits for it.
    if (step.wait?.event !== undefined && timedOut !== true) this.#events.get(step.wait.event)?.shift();
    step.doneNumber = number;
    step.result = result;
    step.endedAt = at;
    settle(step);
  }

  #failed({ step: path, error, retryAt }: FailedEvent, number: number, at: number): void {
    const step = this.at(path);
    step.failures++;
    step.failure = error;
    step.failedNumber = number;
    step.retryAt = retryAt;
    step.startedAt ??= at;
    step.endedAt = at;
    const { open } = step;
    settle(step);
    // Should it be tried again, it is by the name by which the service may know it.
    if (open?.call !== undefined && open.idempotent && error.outcome === "unknown") step.open = open;
    if (retryAt === undefined) return;
    // What is tried again goes on where it failed.
    const isWithin = (other: string): boolean => other.startsWith(`${path}/`);
    this.#forgetEnds(isWithin);
    this.#forgive(isWithin);
  }

  /** What stood at the end comes again, unless what it ended had succeeded. */
  #forgetEnds(isMeant: (path: string) => boolean): void {
    for (const path of [...this.steps.keys()]) {
      const at = `/${path}/`.indexOf(`/${FINALLY}/`);
      if (at < 0 || !isMeant(path)) continue;
      const owner = this.steps.get(path.slice(0, Math.max(0, at - 1)));
      if (!owner || owner.doneNumber === 0) this.steps.delete(path);
    }
  }

  /** Steps that failed are as new. */
  #forgive(isMeant: (path: string) => boolean): void {
    for (const [path, step] of this.steps) {
      if (!isMeant(path) || !step.failure) continue;
      step.failure = undefined;
      step.failures = 0;
      step.retryAt = undefined;
    }
  }

  #retried(): void {
    this.#begun = undefined;
    this.undoing = undefined;
    const undone = new Set<string>();
    for (const [path, { doneNumber }] of this.steps) {
      if (path.endsWith(`/${UNDO}`) && doneNumber > 0) undone.add(path.slice(0, -UNDO.length - 1));
    }
    this.#forgetEnds(() => true);
    // What was undone has to be done again.
    for (const path of [...this.steps.keys()]) {
      for (const above of withAbove(path)) if (undone.has(above)) this.steps.delete(path);
    }
    // The time of what consists of steps begins anew, too.
    for (const step of this.steps.values())
      if (step.open?.idempotent && step.open.call === undefined) step.open = undefined;
    this.#forgive(() => true);
  }
}

/** A path, and those of what it stands in. */
function* withAbove(path: string): Generator<string, void> {
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) yield path.slice(0, end);
}

/** Nothing of a step is open any more. */
function settle(step: StepMemory): void {
  step.open = undefined;
  step.wait = undefined;
  step.question = undefined;
  step.answer = undefined;
}
