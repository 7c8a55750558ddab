import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RpcError } from "../../src/errors.js";
import {
  connectStream,
  listenStreams,
  type OctetStream,
  type StreamHandlers,
  type StreamListener,
  type StreamListenOptions,
  type StreamOptions,
  type StreamTls,
} from "../../src/transport/stream/index.js";

/** A certificate of test/fixtures/tls with its key. */
export const certified = (name: string): StreamTls => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });
/** A file of test/fixtures/tls. */
export const pem = (file: string): string => readFileSync(`test/fixtures/tls/${file}`, "utf8");

/** How a stream ended. */
export interface StreamEnd {
  readonly reason: RpcError;
}

/** An end of a stream in a test: what it was told, and ways to wait for it. */
export interface TestStream {
  readonly stream: OctetStream;
  /** What was told, in order; octets that follow each other are one. */
  readonly events: string[];
  readonly opened: Promise<void>;
  readonly secured: Promise<void>;
  /** The other end has gone while this one was paused. */
  readonly gone: Promise<RpcError>;
  readonly ended: Promise<StreamEnd>;
  /** All that came. */
  readonly got: () => Buffer;
  /** Settles with all that came when it is this much. */
  readonly received: (length: number) => Promise<Buffer>;
}

/** Does something of its own when it is told something; what it leaves out is only written down. */
export type Reaction = Partial<{ [K in keyof StreamHandlers]: (end: TestStream, chunk: Buffer) => void }>;

/** A bound address in a test. */
export interface TestStreams {
  readonly listener: StreamListener;
  readonly refused: (readonly [remoteAddress: string, reason: RpcError])[];
  /** The next stream that is accepted. */
  readonly next: () => Promise<TestStream>;
}

/** Opens streams and listeners; all are closed after each test. */
export function useStreams() {
  const streams: TestStream[] = [];
  const listeners: StreamListener[] = [];
  const folders: string[] = [];
  const add = (end: TestStream): TestStream => {
    streams.push(end);
    return end;
  };
  afterEach(async () => {
    for (const { stream } of streams.splice(0)) stream.destroy();
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const path = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "streams-"));
    folders.push(folder);
    return join(folder, "socket");
  };
  const connect = (address: string, options?: StreamOptions, reaction?: Reaction): TestStream => {
    const { end, handlers } = makeEnd(reaction);
    end.stream = connectStream(address, handlers, options);
    return add(end);
  };
  const listen = async (
    address: string,
    options: StreamListenOptions = {},
    reaction?: Reaction,
  ): Promise<TestStreams> => {
    const came: TestStream[] = [];
    const waiting: ((end: TestStream) => void)[] = [];
    const refused: TestStreams["refused"] = [];
    const accept = (stream: OctetStream): StreamHandlers => {
      const { end, handlers } = makeEnd(reaction);
      end.stream = stream;
      add(end);
      const wait = waiting.shift();
      if (wait) wait(end);
      else came.push(end);
      return handlers;
    };
    const onRefused = (origin: string, reason: RpcError): void => {
      refused.push([origin, reason]);
    };
    const listener = await listenStreams(address, accept, { onRefused, ...options });
    listeners.push(listener);
    const next = (): Promise<TestStream> => {
      const end = came.shift();
      return end ? Promise.resolve(end) : new Promise((resolve) => waiting.push(resolve));
    };
    return { listener, refused, next };
  };
  /** Both ends of an open connection. */
  const pair = async (kind: Kind, options: StreamOptions = {}, reactions: { near?: Reaction; far?: Reaction } = {}) => {
    const address = kind === "unix" ? `unix://${path()}` : `${kind}://127.0.0.1:0`;
    const server = await listen(address, { ...options, tls: options.tls ?? certified("server") }, reactions.far);
    const near = connect(server.listener.address, { ...options, tls: { ca: pem("ca.pem") } }, reactions.near);
    const far = await server.next();
    await near.opened;
    return { near, far, ...server };
  };
  return { connect, listen, pair, path };
}

/** Kinds of streams. */
export const KINDS = ["tcp", "tls", "unix"] as const;
export type Kind = (typeof KINDS)[number];

/** An end of a stream that has no stream yet, and what tells it. */
export function makeEnd(reaction: Reaction = {}): { end: Writable<TestStream>; handlers: StreamHandlers } {
  const events: string[] = [];
  const waiting: { length: number; resolve: (octets: Buffer) => void }[] = [];
  let chunks: Buffer[] = [];
  let length = 0;
  const got = (): Buffer => {
    const all = Buffer.concat(chunks);
    chunks = [all];
    return all;
  };
  const opened = signal<undefined>();
  const secured = signal<undefined>();
  const gone = signal<RpcError>();
  const ended = signal<StreamEnd>();
  const end: Writable<TestStream> = {
    stream: undefined as unknown as OctetStream,
    events,
    opened: opened.promise as Promise<unknown> as Promise<void>,
    secured: secured.promise as Promise<unknown> as Promise<void>,
    gone: gone.promise,
    ended: ended.promise,
    got,
    received: (wanted) =>
      length >= wanted ? Promise.resolve(got()) : new Promise((resolve) => waiting.push({ length: wanted, resolve })),
  };
  const handlers: StreamHandlers = {
    opened() {
      events.push("opened");
      opened.settle(undefined);
      reaction.opened?.(end, NOTHING);
    },
    octets(chunk) {
      if (events.at(-1) !== "octets") events.push("octets");
      chunks.push(chunk);
      length += chunk.length;
      reaction.octets?.(end, chunk);
      for (const wait of waiting.filter((one) => one.length <= length)) {
        waiting.splice(waiting.indexOf(wait), 1);
        wait.resolve(got());
      }
    },
    secured() {
      events.push("secured");
      secured.settle(undefined);
      reaction.secured?.(end, NOTHING);
    },
    gone(reason) {
      events.push("gone");
      gone.settle(reason);
      reaction.gone?.(end, NOTHING);
    },
    closed(reason) {
      events.push("closed");
      ended.settle({ reason });
      reaction.closed?.(end, NOTHING);
    },
  };
  return { end, handlers };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const NOTHING = Buffer.alloc(0);

function signal<T>(): { promise: Promise<T>; settle: (value: T) => void } {
  let settle: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}
