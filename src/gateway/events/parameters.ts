import type { IncomingMessage } from "node:http";
import { mediaTypeOf, readBody, readForm } from "../body.js";

/** How much of a form is read. */
export interface ParameterLimits {
  /** Bytes. */
  readonly maxBodyBytes: number;
  /** Time for all of it, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The parameters of a request, of its query and then of its form. Bodies of other types are left alone, as the original does.
 *
 * @throws RpcError `TOO_LARGE` or `BAD_REQUEST` for a form that is too large or none
 */
export async function readParameters(
  request: IncomingMessage,
  url: URL,
  { maxBodyBytes, timeoutMs }: ParameterLimits,
): Promise<URLSearchParams> {
  const parameters = new URLSearchParams(url.search);
  if (request.method !== "POST") return parameters;
  const type = mediaTypeOf(request);
  const read = (): Promise<Buffer> => readBody(request, maxBodyBytes, AbortSignal.timeout(timeoutMs));
  if (type === "application/x-www-form-urlencoded") {
    for (const [name, value] of new URLSearchParams((await read()).toString("utf8"))) parameters.append(name, value);
  } else if (type === "multipart/form-data") {
    const form = await readForm(request, await read());
    for (const [name, value] of form) if (typeof value === "string") parameters.append(name, value);
  }
  return parameters;
}
