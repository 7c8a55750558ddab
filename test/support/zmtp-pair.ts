import { type RpcError } from "../../src/errors.js";
import type { LinkSecurity, ListenerSecurity } from "../../src/transport/index.js";
import { encodeMetadata } from "../../src/transport/zmtp/command.js";
import { CurveClient, CurveServer } from "../../src/transport/zmtp/curve-mechanism.js";
import type { Mechanism } from "../../src/transport/zmtp/mechanism.js";
import { admittingMechanism } from "../../src/transport/zmtp/mechanisms.js";
import { NullMechanism } from "../../src/transport/zmtp/null-mechanism.js";
import { PlainClient, PlainServer } from "../../src/transport/zmtp/plain-mechanism.js";
import { Session, type SessionPeer } from "../../src/transport/zmtp/session.js";
import type { Frames } from "../../src/wire/message.js";

/** A session in memory, and everything that it told. */
export interface End {
  readonly session: Session;
  readonly messages: Frames[];
  peer: SessionPeer | undefined;
  failure: RpcError | undefined;
  paused: boolean;
  /** Everything that it has written since it was asked last. */
  take(): Buffer;
}

const DEALER = encodeMetadata({ "Socket-Type": "DEALER", Identity: "" });
const ROUTER = encodeMetadata({ "Socket-Type": "ROUTER", Identity: "" });

function end(
  role: "client" | "server",
  mechanism: (wanted: string | undefined) => Mechanism | undefined,
  max: number,
  takesSubscribers = false,
): End {
  const told: End = {
    session: new Session(
      { role, socketType: role === "client" ? "DEALER" : "ROUTER", takesSubscribers, maxMessageBytes: max, mechanism },
      {
        ready: (peer) => {
          told.peer = peer;
        },
        message: (frames) => {
          told.messages.push(frames);
        },
        writable: () => undefined,
        paused: (paused) => {
          told.paused = paused;
        },
        failed: (reason) => {
          told.failure = reason;
        },
      },
    ),
    messages: [],
    peer: undefined,
    failure: undefined,
    paused: false,
    take: () => Buffer.concat(told.session.out.take()),
  };
  told.session.start();
  return told;
}

/** The connecting end. */
export function clientEnd(security: LinkSecurity = { mechanism: "null" }, max = 1 << 20): End {
  const mechanism =
    security.mechanism === "null"
      ? new NullMechanism(DEALER)
      : security.mechanism === "plain"
        ? new PlainClient(DEALER, security)
        : new CurveClient(DEALER, security);
  return end("client", () => mechanism, max);
}

/** The accepting end. */
export function serverEnd(security: ListenerSecurity = { null: true }, max = 1 << 20): End {
  const origin = { remoteAddress: "" };
  const { plain, curve } = security;
  return end(
    "server",
    (wanted) => {
      if (wanted === "NULL" && security.null) return new NullMechanism(ROUTER);
      if (wanted === "PLAIN" && plain)
        return new PlainServer(ROUTER, (user, password) => plain(user, password, origin));
      if (wanted === "CURVE" && curve) {
        return new CurveServer(ROUTER, { keys: curve.keys, admit: (key) => curve.admit(key, origin) });
      }
      return undefined;
    },
    max,
  );
}

/** The accepting end of a listener that takes subscribers. */
export function publishingEnd(max = 1 << 20): End {
  const own = { socketType: "ROUTER", takesSubscribers: true } as const;
  const origin = { remoteAddress: "" };
  return end("server", (wanted) => admittingMechanism(wanted, { null: true }, own, origin), max, true);
}

/** Carries bytes both ways until neither end has any; `change` may tamper with them. */
export async function exchange(
  client: End,
  server: End,
  change: (bytes: Buffer, from: "client" | "server") => Buffer = (bytes) => bytes,
): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const fromClient = client.take();
    const fromServer = server.take();
    if (fromClient.length > 0) server.session.receive(change(fromClient, "client"));
    if (fromServer.length > 0) client.session.receive(change(fromServer, "server"));
    quiet = fromClient.length + fromServer.length > 0 ? 0 : quiet + 1;
    await Promise.resolve();
    await new Promise(setImmediate);
  }
}
