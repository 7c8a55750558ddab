import type { IncomingMessage, ServerResponse } from "node:http";
import { type ItemIterator, iterate, type StreamSource } from "../../peer/streams/source.js";
import { names, preferred } from "../accept.js";
import { EventStream } from "../event-stream.js";
import { toJson } from "../json-values.js";
import { problemOf } from "../problem.js";
import { sendPart } from "../send.js";

/**
 * Sends the items of a stream as they come: as server-sent events to who asks for them, else a line of JSON each. Nobody is
 * asked for an item before the one before it is on its way; the stream ends with its reader.
 */
export async function sendItems(
  request: IncomingMessage,
  response: ServerResponse,
  source: StreamSource,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const items = iterate(source);
  const end = (): void => {
    Promise.resolve(items.return?.()).catch(() => undefined);
  };
  response.once("close", end);
  try {
    if (response.destroyed) return;
    if (wantsEvents(request)) await asEvents(request, response, items, headers);
    else await asLines(response, items, headers);
  } finally {
    response.off("close", end);
    end();
  }
}

async function asEvents(
  request: IncomingMessage,
  response: ServerResponse,
  items: ItemIterator,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const stream = new EventStream(request, response);
  try {
    let step = await items.next();
    while (!step.done && stream.send({ data: toJson(step.value) })) {
      await stream.drained();
      step = await items.next();
    }
    stream.send({ event: "end", data: "" });
  } catch (error) {
    stream.send({ event: "problem", data: toJson(problemOf(error)) });
  }
  stream.close();
}

/** A stream that fails ends with a line of its own, and without the end that HTTP has for answers that are whole. */
async function asLines(
  response: ServerResponse,
  items: ItemIterator,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  response.writeHead(200, {
    "content-type": "application/x-ndjson",
    "x-content-type-options": "nosniff",
    "x-accel-buffering": "no",
    ...headers,
  });
  // Whoever asked learns at once that it streams, and not with the first item.
  response.flushHeaders();
  try {
    let step = await items.next();
    while (!step.done && (await sendPart(response, `${toJson(step.value)}\n`))) step = await items.next();
    response.end();
  } catch (error) {
    await sendPart(response, `${toJson({ $type: "problem", value: problemOf(error) })}\n`);
    // What was written leaves before the connection ends.
    response.write("", () => response.destroy());
  }
}

function wantsEvents(request: IncomingMessage): boolean {
  const { accept } = request.headers;
  return (
    names(accept, "text/event-stream") &&
    preferred(accept, ["text/event-stream", "application/x-ndjson"]) === "text/event-stream"
  );
}
