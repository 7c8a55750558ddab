import type { IncomingMessage, ServerResponse } from "node:http";
import type { Client } from "../../client/client.js";
import { Gap } from "../../pubsub/gap.js";
import type { Position } from "../../pubsub/publisher-link.js";
import { Subscriber } from "../../pubsub/subscriber.js";
import type { Callables } from "../calls/callables.js";
import { EventStream } from "../event-stream.js";
import { toJson } from "../json-values.js";
import type { OpenStreams } from "../open-streams.js";
import { HttpRefusal, methodNotAllowed, problemOf } from "../problem.js";
import type { RequestHandler } from "../request-handler.js";
import { formatPositions, parsePositions } from "./positions.js";

/** What reading publications needs. */
export interface PublicationsHandlerOptions {
  /** Finds the publishers. */
  readonly client: Client;
  /** Says what is offered. */
  readonly callables: Callables;
  /** Where answers that go on are counted. */
  readonly streams: OpenStreams;
  /** How long a publisher is waited for, and how much waits for who does not read. */
  readonly limits: { readonly timeoutMs: number; readonly maxQueuedBytes: number };
}

/**
 * `GET /events/INTERFACE`: what is published under the name of an interface, as server-sent events (docs/http.md, "Publications"). Each has
 * an id by which a browser that comes back goes on where it stopped, as far as the publishers keep it.
 */
export function publicationsHandler(options: PublicationsHandlerOptions): RequestHandler {
  return async (request, response, url) => {
    const [, name] = /^\/events\/([^/]+)$/.exec(url.pathname) ?? [];
    if (name === undefined) return false;
    if (request.method !== "GET") throw methodNotAllowed(request, "GET");
    await new Reader(options, decodeName(name), url.searchParams).serve(request, response);
    return true;
  };
}

/** One reader. */
class Reader {
  readonly #options: PublicationsHandlerOptions;
  readonly #name: string;
  readonly #isFull: boolean;
  readonly #topics: readonly string[] | undefined;
  readonly #replay: number;
  readonly #positions = new Map<string, Position>();

  /** @throws HttpRefusal for what may not be read, or parameters that are wrong */
  constructor(options: PublicationsHandlerOptions, name: string, parameters: URLSearchParams) {
    if (!options.callables.isAllowed(name, "subscribe")) {
      throw new HttpRefusal(403, "ACCESS_DENIED", `${name} is not offered here; the option allow names what is`);
    }
    this.#options = options;
    this.#name = name;
    this.#isFull = parameters.has("full");
    const topics = parameters.getAll("topic");
    this.#topics = topics.length === 0 ? undefined : topics;
    const replay = parameters.get("replay") ?? "0";
    if (!/^\d{1,6}$/.test(replay)) throw new HttpRefusal(400, "BAD_REQUEST", "The parameter replay is a whole number");
    this.#replay = Number(replay);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { client, streams, limits } = this.#options;
    const lastId = EventStream.lastEventId(request);
    const resume = lastId === undefined ? undefined : (parsePositions(lastId) ?? []);
    for (const position of resume ?? []) this.#positions.set(position.service, position);
    streams.add(response);
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort();
    });
    if (response.destroyed) return;
    await using subscriber = new Subscriber(this.#name, {
      client,
      signal: gone.signal,
      topics: this.#topics,
      replay: this.#replay,
      timeoutMs: Math.min(limits.timeoutMs, WAIT_MS),
      // Who does not read has no more than this of the gateway's memory, and is told of the gap.
      bufferBytes: limits.maxQueuedBytes,
      ...(resume && { resume }),
    });
    // Who comes back waits for as long as it takes; who comes for the first time learns when there is nobody.
    if (resume === undefined) await subscriber.ready;
    const stream = new EventStream(request, response, { maxQueuedBytes: limits.maxQueuedBytes });
    try {
      for await (const one of subscriber.publications()) {
        const isThere = stream.send(one instanceof Gap ? gapEvent(one) : this.#itemEvent(one));
        if (!isThere) break;
        await stream.drained();
      }
    } catch (error) {
      stream.send({ event: "problem", data: toJson(problemOf(error)) });
    }
    stream.close();
  }

  #itemEvent(one: {
    value: unknown;
    topic: string;
    sequence: number;
    service: string;
    incarnation: string | undefined;
  }): {
    id: string;
    data: string;
  } {
    const { value, service, incarnation = "", sequence } = one;
    this.#positions.delete(service);
    this.#positions.set(service, { service, incarnation, sequence });
    // Of more publishers the text would be longer than what it goes with. Those that were not heard for long are left out: whoever comes
    // back is told of a gap there, but of nothing twice.
    for (const [oldest] of this.#positions) {
      if (this.#positions.size <= MAX_POSITIONS) break;
      this.#positions.delete(oldest);
    }
    return { id: formatPositions(this.#positions), data: toJson(this.#isFull ? one : value) };
  }
}

function gapEvent({ reason, missed, service, incarnation }: Gap): { event: string; data: string } {
  return { event: "gap", data: toJson({ reason, missed: missed ?? null, service, incarnation: incarnation ?? null }) };
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpRefusal(400, "BAD_REQUEST", "The name of the interface is wrongly encoded");
  }
}

/** How long a first visit waits for a publisher, in milliseconds. */
const WAIT_MS = 2_000;
/** Publishers whose positions go with each event. */
const MAX_POSITIONS = 20;
