import { randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { access, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Component, FullAnswer } from "../../client/component.js";
import { RpcError } from "../../errors.js";
import { isPlainObject } from "../../peer/arguments.js";
import { fromIntrospection, type MethodContract } from "../../peer/contract.js";
import { named } from "../../wire/named-arguments.js";
import { CommandError, EXIT, usageError } from "../exit.js";

/** What a method is called with: values in order, or what `--named` says. */
export interface GivenArguments {
  readonly values: readonly unknown[];
  readonly named: unknown;
}

/**
 * Calls a method with a file as its attachment: as a stream where method and wire take one, so that memory stays flat, else
 * as bytes. So are small files, for a call without a stream can be tried again.
 */
export async function callWithFile(
  component: Component,
  method: string,
  given: GivenArguments,
  file: string,
): Promise<FullAnswer> {
  const info = await stat(file);
  const isSmall = info.isFile() && info.size <= SMALL_BYTES;
  const incoming = isSmall ? undefined : await streamedArgument(component, method);
  if (incoming !== undefined) {
    const stream = createReadStream(file);
    const [first = {}, ...others] = given.named === undefined ? given.values : [given.named];
    const isByName = isPlainObject(first) && others.length === 0;
    return await component.callFull(
      method,
      isByName ? [{ ...first, [incoming]: stream }] : [first, ...others, named({ [incoming]: stream })],
    );
  }
  const attachment = await readAttachment(file);
  return given.named === undefined
    ? await component.callFull(method, given.values, { attachment })
    : await component.invokeFull(method, given.named, { attachment });
}

const SMALL_BYTES = 1024 * 1024;

/** The name of the argument that can be given as a stream; `undefined` when there is none. */
async function streamedArgument(component: Component, method: string): Promise<string | undefined> {
  let contract: MethodContract | undefined;
  try {
    contract = fromIntrospection(await component.introspect()).methods.get(method);
  } catch (error) {
    if (!RpcError.isRpcError(error) || error.outcome === "not-sent") throw error;
    // The service has answered, and does not tell: the call itself says what is wrong, if anything is.
    if (error.outcome !== "unknown") return undefined;
    const text = `The call was not sent, for its contract could not be had: ${error.message}`;
    throw new CommandError(text, EXIT.unreachable);
  }
  const { instance } = component.invoker;
  if (!contract?.stream || contract.incoming === null || !instance) return undefined;
  const { channel } = await instance.prepare(component.name, {
    signal: new AbortController().signal,
    extensions: undefined,
    needsContract: false,
  });
  return channel.attachments.canStream ? contract.incoming : undefined;
}

/** Said before the call, while nothing has been executed. */
export async function checkReadable(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
    if ((await stat(file)).isDirectory()) throw new Error("it is a folder");
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function readAttachment(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): CommandError {
  return usageError(`--attach ${file} cannot be read: ${(error as Error).message}`, error);
}

/** Takes the attachment out of a result, where it stands if it is streamed. Other streams are results like others. */
export function takeStreamed(
  result: unknown,
  component: Component,
  method: string,
): { readonly result: unknown; readonly streamed?: ReadableStream<Uint8Array> } {
  const outgoing = component.invoker.instance?.ready(component.name)?.contract?.methods.get(method)?.outgoing;
  if (typeof outgoing !== "string" || !isPlainObject(result)) return { result };
  const { [outgoing]: streamed, ...others } = result;
  return streamed instanceof ReadableStream
    ? { result: others, streamed: streamed as ReadableStream<Uint8Array> }
    : { result };
}

/** An absent attachment is no empty one: it leaves the file as it is. So does one that breaks off. */
export async function saveAttachment(
  file: string,
  attachment: Uint8Array | ReadableStream<Uint8Array> | undefined,
): Promise<void> {
  if (!attachment) {
    process.stderr.write(`attachment: none, ${file} is not written\n`);
    return;
  }
  try {
    await replaceFile(file, attachment);
  } catch (error) {
    // It is the service that failed.
    if (RpcError.isRpcError(error)) throw error;
    throw usageError(`The attachment cannot be written to ${file}: ${(error as Error).message}`, error);
  }
}

/** The file is there as a whole, or as it was: it is written beside itself first. */
async function replaceFile(file: string, content: Uint8Array | ReadableStream<Uint8Array>): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  if (before && !before.isFile()) {
    // Pipes and devices are written to, and not replaced.
    await writeFile(file, content);
    return;
  }
  const target = before ? await realpath(file) : file;
  const part = `${target}.${randomUUID()}.part`;
  try {
    await writeFile(part, content, { flag: "wx", mode: before ? before.mode & 0o777 : 0o666 });
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Said before the call, while nothing has been executed. */
export async function checkWritable(file: string): Promise<void> {
  try {
    await access(dirname(file), constants.W_OK);
  } catch (error) {
    throw usageError(`--save ${file} cannot be written: ${(error as Error).message}`, error);
  }
}
