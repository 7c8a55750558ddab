import type { Client } from "../../client/client.js";
import type { FullAnswer } from "../../client/component.js";
import { RpcError } from "../../errors.js";
import { isPlainObject } from "../../peer/arguments.js";
import { type NamedArguments, named } from "../../wire/named-arguments.js";
import { findWire } from "../../wire/registry.js";
import { type AmpFlags, ampProtocol, callErrorOf, parseAmpJson } from "../amp-call.js";
import { type ClientFlags, createClient } from "../client.js";
import { CommandError, EXIT, usageError } from "../exit.js";
import { jsonLine } from "../json.js";
import { printLine } from "../print-line.js";
import { timeoutSetting } from "../settings.js";
import { callWithFile, checkReadable, checkWritable, saveAttachment, takeStreamed } from "./attachment.js";

/** Flags of `lamplighter call`. */
export interface CallFlags extends ClientFlags, AmpFlags {
  readonly connect?: string;
  readonly wire?: string;
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

/** `lamplighter call INTERFACE METHOD [JSON...]`; on wires without interfaces `lamplighter call NAME [JSON...]` */
export async function callCommand(words: readonly string[], flags: CallFlags): Promise<void> {
  if (flags.wire !== undefined && flags.connect === undefined) {
    throw usageError("--wire wants --connect: with what a nameserver knows, the best wire that both speak is taken");
  }
  const isAmp = flags.wire === "amp";
  for (const flag of isAmp ? (["attach", "session"] as const) : (["command", "tlsCa"] as const)) {
    if (flags[flag] === undefined) continue;
    const name = flag === "tlsCa" ? "tls-ca" : flag;
    throw usageError(
      isAmp ? `--${name} is not for --wire amp, which has no such thing` : `--${name} is for --wire amp`,
    );
  }
  const takesKeywords = isAmp || (flags.wire !== undefined && findWire(flags.wire).abilities?.takesKeywords === true);
  const [interfaceName, method, ...texts] = takesKeywords ? ["", ...words] : words;
  if (interfaceName === undefined || method === undefined) {
    throw usageError(
      takesKeywords ? `call --wire ${flags.wire ?? ""} wants NAME [JSON...]` : "call wants INTERFACE METHOD [JSON...]",
    );
  }
  const parse = isAmp ? parseAmp : parseJson;
  const values: unknown[] = [];
  for (const [index, text] of texts.entries()) values.push(await parse(text, `argument ${index + 1}`));
  const byName = flags.named === undefined ? undefined : await parse(flags.named, "--named");
  if (byName !== undefined && !takesKeywords && values.length > 0) {
    throw usageError("--named and positional arguments do not mix");
  }
  if (takesKeywords && byName !== undefined) values.push(keywords(byName));
  const timeoutMs = timeoutSetting(flags.timeout);
  const wire = isAmp ? await ampProtocol(method, flags) : flags.wire;
  const login = loginOf(flags);
  if (flags.attach !== undefined) await checkReadable(flags.attach);
  if (flags.save !== undefined) await checkWritable(flags.save);
  await using client = createClient(flags, timeoutMs);
  if (login) await logIn(client, login);
  const component =
    flags.connect === undefined
      ? client.component(interfaceName, flags.service)
      : client.connectComponent(flags.connect, takesKeywords ? undefined : interfaceName, { wire });
  if (flags.session !== undefined) await component.resumeSession(flags.session, { timeoutMs });
  const answer =
    flags.attach !== undefined
      ? await callWithFile(component, method, { values, named: byName }, flags.attach)
      : byName === undefined || takesKeywords
        ? await component.callFull(method, values).catch((error: unknown) => {
            throw callErrorOf(error);
          })
        : await component.invokeFull(method, byName);
  await printAnswer({ ...answer, ...takeStreamed(answer.result, component, method) }, flags);
}

async function printAnswer(
  answer: FullAnswer & { readonly streamed?: ReadableStream<Uint8Array> },
  flags: CallFlags,
): Promise<void> {
  // The result first: whatever happens to the file, the method has run and this is what it answered.
  const { result, streamed } = answer;
  let holdsReferences = false;
  if (isStream(result)) {
    const unread = new AbortController();
    process.stdout.once("error", () => {
      unread.abort();
    });
    for await (const item of result) {
      holdsReferences = (await print(item)) || holdsReferences;
      // Nobody reads on, as behind `head`: the stream ends, too.
      if (unread.signal.aborted) break;
    }
  } else holdsReferences = await print(result);
  if (holdsReferences) {
    process.stderr.write(
      'reference: a function or object of the service, which ends with this command ("lamplighter repl" keeps it)\n',
    );
  }
  if (answer.sessionId !== undefined) process.stderr.write(`session: ${answer.sessionId}\n`);
  if (flags.save !== undefined) await saveAttachment(flags.save, streamed ?? answer.attachment);
  else if (streamed) {
    await streamed.cancel();
    process.stderr.write("attachment: a stream (--save FILE keeps it)\n");
  } else if (answer.attachment) {
    process.stderr.write(`attachment: ${answer.attachment.byteLength} bytes (--save FILE keeps it)\n`);
  }
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/**
 * A stream may be longer than its reader is quick: each line waits until there is room.
 *
 * @returns whether there are references in the value
 */
async function print(value: unknown): Promise<boolean> {
  const { text, holdsReferences } = jsonLine(value);
  await printLine(text);
  return holdsReferences;
}

/** A token that is known, or what the authenticator is asked with. */
type Login = { readonly token: string } | { readonly user: string; readonly credentials: unknown };

function loginOf({ user, credentials, token }: CallFlags): Login | undefined {
  if (token !== undefined) {
    if (user !== undefined || credentials !== undefined) throw usageError("--token needs no --user and --credentials");
    return { token };
  }
  if (user === undefined) {
    if (credentials !== undefined) throw usageError("--credentials wants the --user they belong to");
    return undefined;
  }
  return { user, credentials: credentials === undefined ? null : parseJson(credentials, "--credentials") };
}

async function logIn(client: Client, login: Login): Promise<void> {
  if ("token" in login) {
    await client.authenticate(login);
    return;
  }
  try {
    await client.authenticate(login.user, login.credentials);
  } catch (error) {
    if (!RpcError.isRpcError(error) || error.outcome !== "unknown") throw error;
    // What may have been executed is the login. The call that was asked for never left.
    throw new CommandError(`The call was not sent, for the login was not answered: ${error.message}`, EXIT.unreachable);
  }
}

/** Arguments by name, where others may stand before them. */
function keywords(value: unknown): NamedArguments {
  if (isPlainObject(value)) return named(value);
  throw usageError(`--named wants an object: ${JSON.stringify(value)}`);
}

async function parseAmp(text: string, what: string): Promise<unknown> {
  try {
    return await parseAmpJson(text);
  } catch (error) {
    if (RpcError.isRpcError(error)) throw usageError(`${what}: ${error.message}`, error);
    return parseJson(text, what);
  }
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`${what} is no JSON: ${text} (a string needs quotes of its own: '"text"')`, error);
  }
}
