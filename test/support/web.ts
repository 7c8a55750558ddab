import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { WebGateway, type WebGatewayOptions } from "../../src/index.js";
import type { Mesh } from "./mesh.js";

/** What a test asks. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
}

/** What came. */
export interface WebAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

/** A gateway that listens on a free port, closed by the mesh. */
export async function openGateway(
  mesh: Mesh,
  options: WebGatewayOptions = {},
): Promise<{ url: string; gateway: WebGateway }> {
  const gateway = mesh.own(new WebGateway({ drainMs: 500, ...options }));
  return { url: await gateway.listen("127.0.0.1:0"), gateway };
}

/** Begins a request; its answer as it comes. */
export async function begin(url: string, question: Question = {}): Promise<IncomingMessage> {
  const request = httpRequest(url, {
    method: question.method ?? (question.body === undefined ? "GET" : "POST"),
    headers: question.headers,
    agent: new Agent({ keepAlive: false }),
  });
  request.end(question.body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

/** A whole request over a connection of its own. */
export async function ask(url: string, question: Question = {}): Promise<WebAnswer> {
  const response = await begin(url, question);
  const bytes = await collect(response);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString("utf8") };
}

/** All that comes. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** `POST` with JSON. */
export function post(url: string, value: unknown, headers: Readonly<Record<string, string>> = {}): Promise<WebAnswer> {
  return ask(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(value),
  });
}

/** The JSON of an answer. */
export function jsonOf({ text }: WebAnswer): unknown {
  return JSON.parse(text);
}

/** A connection that says what the test writes. */
export interface RawConnection {
  readonly socket: Socket;
  /** What came so far. */
  readonly said: () => string;
  /** Settles when what came matches. */
  readonly waitFor: (pattern: RegExp) => Promise<void>;
  /** Settles when the other end has ended it. */
  readonly ended: Promise<void>;
}

/** Opens one; closed by the mesh. */
export async function rawConnection(mesh: Mesh, url: string): Promise<RawConnection> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  mesh.own({ close: () => socket.destroy() });
  let said = "";
  const looks = new Set<() => void>();
  socket.on("data", (chunk: Buffer) => {
    said += chunk.toString("latin1");
    for (const look of [...looks]) look();
  });
  // What the other end cuts off is what some tests are about.
  socket.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    socket.once("close", () => {
      resolve();
    });
  });
  await once(socket, "connect");
  return {
    socket,
    said: () => said,
    ended,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(said)) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        void ended.then(() => {
          look();
          reject(new Error(`ended without ${String(pattern)}: ${said}`));
        });
        look();
      }),
  };
}
