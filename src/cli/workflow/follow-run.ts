import { RpcError } from "../../errors.js";
import type { Logger } from "../../util/log.js";
import { sleep } from "../../util/sleep.js";
import type { ControlCall } from "../../workflow/client/control-call.js";
import type { RunProgress } from "../../workflow/control.js";
import { jsonLine } from "../json.js";
import { printLine } from "../print-line.js";
import { hasColours } from "../table.js";
import { isFarAway } from "./await-run.js";
import { entryLine } from "./describe-event.js";
import { drawRun, hasEnded } from "./draw-run.js";
import { coloured, plain } from "./paint.js";

/** Which run is followed. */
export interface FollowedRun {
  readonly service: string;
  readonly run: string;
  /** Lines are JSON. */
  readonly isJson: boolean;
}

/**
 * Shows a run until it ends or the signal fires, through restarts of its service: in a terminal its drawing, again and again in the same
 * place, else a line for each thing that happens, and the drawing at the end.
 */
export async function followRun(
  control: ControlCall,
  followed: FollowedRun,
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  const { run, isJson } = followed;
  const screen = process.stdout.isTTY && !isJson ? new Screen(control, followed) : undefined;
  let last = 0;
  let isKnown = false;
  let isOver = false;
  const isStopped = (): boolean => signal.aborted;
  while (!isOver && !isStopped()) {
    try {
      const steps = await control("progress", { run }, { signal });
      for await (const { run: info, entry } of untilStopped(steps, signal)) {
        isKnown = true;
        isOver = hasEnded(info);
        if (screen) screen.change();
        else if (entry && entry.number > last) {
          last = entry.number;
          await printLine(isJson ? jsonLine(entry).text : entryLine(entry));
        }
      }
      // A stream that ends is that of a run that has.
      if (!isStopped()) isOver = true;
    } catch (error) {
      if (isStopped()) break;
      if (!isKnown || !RpcError.isRpcError(error) || !isFarAway(error)) throw error;
      log.warn(`${followed.service} does not answer, and is waited for: ${error.message}`);
      await sleep(PAUSE_MS, signal);
    }
  }
  if (screen) await screen.end(isStopped());
  else if (!isJson && !isStopped()) await printLine(`\n${await drawing(control, followed)}`);
}

async function* untilStopped(
  steps: AsyncIterable<RunProgress>,
  signal: AbortSignal,
): AsyncGenerator<RunProgress, void> {
  const iterator = steps[Symbol.asyncIterator]();
  const stop = (): void => {
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) yield step.value;
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

async function drawing(control: ControlCall, { service, run }: FollowedRun): Promise<string> {
  const details = await control("show", { run });
  return drawRun(details, { service, now: Date.now(), paint: hasColours() ? coloured : plain }).join("\n");
}

/** The drawing of a run in a terminal, written anew in its old place. */
class Screen {
  readonly #control: ControlCall;
  readonly #followed: FollowedRun;
  readonly #timer: NodeJS.Timeout;
  #drawing: Promise<void> | undefined;
  #hasChanged = true;
  #lines = 0;

  constructor(control: ControlCall, followed: FollowedRun) {
    this.#control = control;
    this.#followed = followed;
    // Times go on where nothing else does.
    this.#timer = setInterval(() => {
      this.change();
    }, TICK_MS);
  }

  /** Draws it soon. */
  change(): void {
    this.#hasChanged = true;
    this.#drawing ??= this.#draw().finally(() => {
      this.#drawing = undefined;
    });
  }

  /** Draws it for the last time, unless it was enough. */
  async end(isStopped: boolean): Promise<void> {
    clearInterval(this.#timer);
    await this.#drawing;
    if (!isStopped) this.#write(await drawing(this.#control, this.#followed), Infinity);
  }

  async #draw(): Promise<void> {
    while (this.#hasChanged) {
      this.#hasChanged = false;
      try {
        this.#write(await drawing(this.#control, this.#followed), (process.stdout.rows || ROWS) - 1);
      } catch {
        // Whoever follows its progress learns it, too, and says so.
        return;
      }
      await sleep(DRAW_MS);
    }
  }

  /** What is more than the terminal has cannot be written over: its end is left out until the run is over. */
  #write(text: string, most: number): void {
    const all = text.split("\n");
    const lines = all.length > most ? [...all.slice(0, most - 1), `… ${all.length - most + 1} more lines`] : all;
    const up = this.#lines > 0 ? `\u001b[${this.#lines}A\r` : "";
    process.stdout.write(`${up}${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`);
    this.#lines = lines.length;
  }
}

const TICK_MS = 1_000;
/** Between two drawings. */
const DRAW_MS = 100;
/** Of a terminal that does not say how many it has. */
const ROWS = 24;
const PAUSE_MS = 500;
