import type { IncomingMessage, ServerResponse } from "node:http";

/** One event of a stream. */
export interface StreamedEvent {
  /** What the browser's listener is registered for; default `message`. No line breaks. */
  readonly event?: string | undefined;
  /** What the browser says when it comes back (`Last-Event-ID`). No line breaks. */
  readonly id?: string | undefined;
  /** Any text; its lines travel one by one. */
  readonly data: string;
}

/** Options of {@link EventStream}. */
export interface EventStreamOptions {
  /** Bytes that may wait for a reader that does not read, before it is given up; default 1 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** A comment is sent after so much silence, so that what lies between sees that the stream lives; in milliseconds, default 15,000. */
  readonly keepAliveMs?: number | undefined;
  /** After so long the browser comes back when the connection broke, in milliseconds; default 1,000. */
  readonly retryMs?: number | undefined;
}

/**
 * An answer that does not end: server-sent events (WHATWG HTML, "Server-sent events"). Ends with the request, with
 * {@link EventStream.close}, or when its reader does not read.
 */
export class EventStream {
  /** Settles when the stream has ended, however that came about. Never rejects. */
  readonly closed: Promise<void>;
  readonly #response: ServerResponse;
  readonly #maxQueuedBytes: number;
  readonly #keepAlive: NodeJS.Timeout;
  #isClosed = false;

  /** Answers the request: status 200, and nothing more until something is sent. */
  constructor(request: IncomingMessage, response: ServerResponse, options: EventStreamOptions = {}) {
    this.#response = response;
    this.#maxQueuedBytes = options.maxQueuedBytes ?? 1024 * 1024;
    this.closed = new Promise((resolve) => {
      const onClose = (): void => {
        this.#isClosed = true;
        clearInterval(this.#keepAlive);
        resolve();
      };
      // Of one that is over already nobody says so again.
      if (response.destroyed) queueMicrotask(onClose);
      else response.once("close", onClose);
    });
    if (response.destroyed) this.#isClosed = true;
    this.#keepAlive = setInterval(() => {
      this.#write(":\n\n");
    }, options.keepAliveMs ?? 15_000).unref();
    request.socket.setNoDelay(true);
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // Proxies such as nginx would wait until there is more.
      "x-accel-buffering": "no",
    });
    this.#write(`retry: ${options.retryMs ?? 1_000}\n\n`);
  }

  /** Has it ended, or been closed? Nothing is sent any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** What the browser saw last, when it comes back after a break; `undefined` at its first visit. */
  static lastEventId(request: IncomingMessage): string | undefined {
    const { "last-event-id": id } = request.headers;
    return typeof id === "string" && id !== "" ? id : undefined;
  }

  /**
   * Sends an event.
   *
   * @returns whether the stream is still there
   */
  send({ event, id, data }: StreamedEvent): boolean {
    let text = "";
    if (event !== undefined) text += `event: ${oneLine(event)}\n`;
    if (id !== undefined) text += `id: ${oneLine(id)}\n`;
    for (const line of data.split(LINE_BREAK)) text += `data: ${line}\n`;
    this.#write(`${text}\n`);
    return !this.#isClosed;
  }

  /** Settles when what was sent is on its way, so that there is room for more, or the stream has ended. Never rejects. */
  async drained(): Promise<void> {
    if (this.#isClosed || !this.#response.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        this.#response.off("drain", settle).off("close", settle);
        resolve();
      };
      this.#response.on("drain", settle).on("close", settle);
    });
  }

  /** Ends the answer. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#response.end();
  }

  #write(text: string): void {
    if (this.#isClosed) return;
    this.#response.write(text);
    if (this.#response.writableLength > this.#maxQueuedBytes) this.#response.destroy();
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, " ");
}

const LINE_BREAK = /\r\n|\r|\n/;
