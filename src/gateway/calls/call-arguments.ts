import type { IncomingMessage } from "node:http";
import { BadRequestError } from "../../errors.js";
import { isPlainObject } from "../../peer/arguments.js";
import { named } from "../../wire/named-arguments.js";
import { hasBody, mediaTypeOf, readBody, readForm, streamBody, toText } from "../body.js";
import { fromJson } from "../json-values.js";
import { HttpRefusal } from "../problem.js";
import type { CallRequest } from "./call-request.js";
import type { Callable } from "./callables.js";

/** What a method is called with. */
export interface CallArguments {
  /** As a proxy takes them. */
  readonly values: readonly unknown[];
  /** Bytes beside them. */
  readonly attachment?: Uint8Array;
  /** What was wrong with the body, where that was found out while it was passed on. */
  readonly fault?: () => unknown;
}

/** How much is read. */
export interface ArgumentLimits {
  /** Largest body in memory, in bytes. */
  readonly maxBodyBytes: number;
  /** Largest body that is passed on while it comes, in bytes. */
  readonly maxStreamBytes: number;
}

/**
 * Reads the arguments of a call: JSON, or the attachment with JSON elsewhere, or a form with both.
 *
 * @throws RpcError `BAD_REQUEST` or `TOO_LARGE`, `not-sent`
 * @throws HttpRefusal for a body of another type
 */
export async function readArguments(
  request: IncomingMessage,
  call: CallRequest,
  callable: Callable,
  limits: ArgumentLimits,
  signal: AbortSignal,
): Promise<CallArguments> {
  const type = mediaTypeOf(request);
  const { "content-encoding": encoding = "identity" } = request.headers;
  if (encoding !== "identity") {
    throw new HttpRefusal(415, "BAD_REQUEST", "The body of a call is not compressed", {
      "accept-encoding": "identity",
    });
  }
  if (type === "" && !hasBody(request)) return { values: toValues(call.argumentText, "The arguments") };
  if (type === "application/json") {
    const text = toText(await readBody(request, limits.maxBodyBytes, signal));
    return { values: toValues(text.trim() === "" ? call.argumentText : text, "The body") };
  }
  if (type === "application/octet-stream") {
    const values = toValues(call.argumentText, "The arguments");
    if (!isSmall(request) && (await takesStream(call, callable, signal))) {
      const body = streamBody(request, limits.maxStreamBytes);
      return { values: withStream(values, callable, body.chunks), fault: body.fault };
    }
    return { values, attachment: await readBody(request, limits.maxBodyBytes, signal) };
  }
  if (type === "multipart/form-data") {
    const form = await readForm(request, await readBody(request, limits.maxBodyBytes, signal));
    return await fromFormData(form, call);
  }
  throw new HttpRefusal(
    415,
    "BAD_REQUEST",
    `The body of a call is ${TYPES}; got ${type === "" ? "one without Content-Type" : type}`,
    { "accept-post": TYPES },
  );
}

const TYPES = "application/json, application/octet-stream, multipart/form-data";

/** An array gives arguments in order, an object by name; everything else is one argument. */
function toValues(text: string | undefined, what: string): readonly unknown[] {
  if (text === undefined) return [];
  const value = fromJson(text, what);
  return Array.isArray(value) ? value : [value];
}

/** The part `args` holds the arguments, the only part with a file the attachment. */
async function fromFormData(form: FormData, call: CallRequest): Promise<CallArguments> {
  let text = call.argumentText;
  let file: Blob | undefined;
  for (const [name, value] of form) {
    if (typeof value === "string") {
      if (name !== "args")
        throw new BadRequestError(`A form has the parts args and one file, got ${JSON.stringify(name)}`);
      text = value;
    } else if (file) throw new BadRequestError("A form has one file, got several");
    else file = value;
  }
  const values = toValues(text, "The part args");
  return file ? { values, attachment: new Uint8Array(await file.arrayBuffer()) } : { values };
}

/** Small bodies go as bytes, for a call without a stream can be tried again. */
function isSmall(request: IncomingMessage): boolean {
  const { "content-length": length } = request.headers;
  return length !== undefined && Number(length) <= SMALL_BYTES;
}

const SMALL_BYTES = 64 * 1024;

async function takesStream(
  call: CallRequest,
  { component, contract }: Callable,
  signal: AbortSignal,
): Promise<boolean> {
  if (!contract?.stream || contract.incoming === null) return false;
  const { instance } = component.invoker;
  // A component of this very call is connected by asking once more.
  if (!instance) await component.introspect({ signal, extensions: call.extensions });
  const ready = await component.invoker.instance?.prepare(component.name, {
    signal,
    extensions: call.extensions,
    needsContract: false,
  });
  return ready?.channel.attachments.canStream === true;
}

function withStream(
  values: readonly unknown[],
  { contract }: Callable,
  stream: AsyncIterable<Uint8Array>,
): readonly unknown[] {
  const incoming = contract?.incoming ?? "";
  const [first = {}, ...others] = values;
  return isPlainObject(first) && others.length === 0
    ? [{ ...first, [incoming]: stream }]
    : [...values, named({ [incoming]: stream })];
}
