import { createInterface } from "node:readline";
import { configuration } from "../../client/default-client.js";
import { Host } from "../../nameserver/host.js";
import { onTopic } from "../../pubsub/generator-run.js";
import { Publication } from "../../pubsub/publication.js";
import { usageError } from "../exit.js";
import { createLogger } from "../log.js";
import { runHost } from "../run-host.js";
import { type ServeFlags, serveSettings } from "../settings.js";

/** Flags of `lamplighter publish`. */
export interface PublishFlags extends ServeFlags {
  readonly topic?: string;
  readonly retain?: boolean;
  readonly replay?: string;
  readonly keep?: boolean;
}

/** `lamplighter publish INTERFACE [JSON...]` */
export async function publishCommand(
  interfaceName: string,
  texts: readonly string[],
  flags: PublishFlags,
): Promise<void> {
  const values = texts.length > 0 ? parseAll(texts) : undefined;
  const log = createLogger(flags);
  let finish: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  const source = values ? values[Symbol.iterator]() : parseLines()[Symbol.asyncIterator]();
  // It begins with the first subscriber. When all leave, the next go on where they left.
  async function* generate(): AsyncGenerator<unknown, void> {
    try {
      for (let next = await source.next(); next.done !== true; next = await source.next()) {
        yield flags.topic === undefined ? next.value : onTopic(flags.topic, next.value);
      }
    } catch (error) {
      fail(error);
      return;
    }
    if (flags.keep !== true) finish();
  }
  const publication = new Publication(interfaceName, generate, {
    retain: flags.retain,
    ...(flags.replay !== undefined && { replay: replayOf(flags.replay) }),
  });
  const host = new Host({ ...serveSettings(flags, configuration(), log), log });
  host.provide(publication);
  await runHost(host, log, () => finished);
}

function parseAll(texts: readonly string[]): unknown[] {
  return texts.map((text, index) => parse(text, `value ${index + 1}`));
}

async function* parseLines(): AsyncGenerator<unknown, void> {
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    number++;
    if (line.trim() !== "") yield parse(line, `line ${number}`);
  }
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`${what} is no JSON: ${text} (a string needs quotes of its own: '"text"')`, error);
  }
}

function replayOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usageError(`--replay wants a whole number, got ${text}`);
}
