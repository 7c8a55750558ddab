import { readFile, writeFile } from "node:fs/promises";
import { Client } from "../../client/client.js";
import type { FullAnswer } from "../../client/component.js";
import { usageError } from "../exit.js";
import { createLogger, type LogOptions } from "../log.js";
import { nameserverSetting } from "../settings.js";

/** Flags of `lamplighter call`. */
export interface CallFlags extends LogOptions {
  readonly nameserver?: string;
  readonly connect?: string;
  readonly named?: string;
  readonly service?: string;
  readonly attach?: string;
  readonly save?: string;
  readonly timeout?: string;
  readonly session?: string;
  readonly user?: string;
  readonly credentials?: string;
  readonly token?: string;
}

/** `lamplighter call INTERFACE METHOD [JSON...]` */
export async function callCommand(words: readonly string[], flags: CallFlags): Promise<void> {
  const [interfaceName, method, ...texts] = words;
  if (interfaceName === undefined || method === undefined) throw usageError("call wants INTERFACE METHOD [JSON...]");
  const values = texts.map((text, index) => parseJson(text, `argument ${index + 1}`));
  const named = flags.named === undefined ? undefined : parseJson(flags.named, "--named");
  if (named !== undefined && values.length > 0) throw usageError("--named and positional arguments do not mix");
  const timeoutMs = flags.timeout === undefined ? undefined : Number(flags.timeout);
  if (timeoutMs !== undefined && !(timeoutMs > 0))
    throw usageError(`--timeout wants milliseconds, got ${flags.timeout}`);
  const attachment = flags.attach === undefined ? undefined : await readAttachment(flags.attach);
  const log = createLogger(flags);
  await using client = new Client({ nameserver: nameserverSetting(flags.nameserver), timeoutMs, log });
  await authenticate(client, flags);
  const component =
    flags.connect === undefined
      ? client.component(interfaceName, flags.service)
      : client.connectComponent(flags.connect, interfaceName);
  if (flags.session !== undefined) await component.resumeSession(flags.session, { timeoutMs });
  const answer =
    named === undefined
      ? await component.callFull(method, values, { attachment })
      : await component.invokeFull(method, named, { attachment });
  await printAnswer(answer, flags);
}

async function printAnswer(answer: FullAnswer, flags: CallFlags): Promise<void> {
  if (flags.save !== undefined) await writeFile(flags.save, answer.attachment ?? new Uint8Array(0));
  else if (answer.attachment) {
    process.stderr.write(`attachment: ${answer.attachment.byteLength} bytes (--save FILE keeps it)\n`);
  }
  if (answer.sessionId !== undefined) process.stderr.write(`session: ${answer.sessionId}\n`);
  process.stdout.write(`${JSON.stringify(answer.result)}\n`);
}

async function authenticate(client: Client, flags: CallFlags): Promise<void> {
  if (flags.token !== undefined) await client.authenticate({ token: flags.token });
  else if (flags.user !== undefined) {
    const credentials = flags.credentials === undefined ? null : parseJson(flags.credentials, "--credentials");
    await client.authenticate(flags.user, credentials);
  }
}

async function readAttachment(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw usageError(`--attach ${file} cannot be read: ${(error as Error).message}`, error);
  }
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`${what} is no JSON: ${text} (a string needs quotes of its own: '"text"')`, error);
  }
}
