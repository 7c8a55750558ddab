import type { RpcError } from "../../errors.js";
import type { LoadLimits } from "../../peer/caller-load.js";
import type { Dispatcher } from "../../peer/dispatcher.js";
import { PROCESS_INCARNATION } from "../../peer/incarnation.js";
import { PeerEnd } from "../../peer/peer-end.js";
import type { PendingCall } from "../../peer/pending-calls.js";
import type { PeerIdentity } from "../../transport/index.js";
import type { DeadlineWheel } from "../../util/deadline-wheel.js";
import type { Logger } from "../../util/log.js";
import type { Frames } from "../../wire/message.js";
import { FRAME_COUNT, HEARTBEAT, isMessage, MessageType, typeOf } from "../../wire/pseud/format.js";
import { encodeLogin } from "../../wire/pseud/login-body.js";
import type { Wire } from "../../wire/wire.js";
import { Doorkeeper } from "./doorkeeper.js";
import type { HeartbeatPeer } from "./heartbeat/plugin.js";
import { LogIn } from "./log-in.js";
import { textOf } from "./octets.js";
import type { Route } from "./routing.js";
import type { ClientSecurity, ServerSecurity } from "./security/plugin.js";

/** What all connections of an endpoint share. */
export interface PeerContext {
  /** Turns messages into frames. */
  readonly wire: Wire;
  /** What the other end may call. */
  readonly dispatcher: Dispatcher;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** How much of this end each of them may take. */
  readonly limits: LoadLimits;
  /** Deadline of calls that jobs make back to their caller, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of what is ignored. */
  readonly log: Logger;
  /** Asks who is there; for servers whose connections do not tell. */
  readonly challenge: ServerSecurity["challenge"];
  /** Says who this end is, when it is asked; for clients. */
  readonly login: ClientSecurity["login"];
  /** Any message came of a peer that is known. */
  readonly heard: (peer: PseudPeer) => void;
  /** A peer has logged in. */
  readonly admitted: (peer: PseudPeer) => void;
}

/** What a connection is made of. */
export interface PeerConnection {
  /** For people; unique in the endpoint. */
  readonly id: string;
  /** IP address, `""` on a unix socket; `undefined` where the link does not know. */
  readonly remoteAddress: string | undefined;
  /** Who it is, as far as the link has proven it. */
  readonly identity: PeerIdentity;
  /** The name that it tells. */
  readonly routingId: Uint8Array;
  /** Moves frames to it. */
  readonly send: (frames: Frames, unsent: (reason: RpcError) => void) => void;
  /** Breaks it off. */
  readonly close: (reason?: RpcError) => void;
}

/** One connection of an endpoint: who is there, and what is said. */
export class PseudPeer implements HeartbeatPeer, Route {
  readonly id: string;
  readonly remoteAddress: string | undefined;
  /** The name that it tells; empty for none. Nobody has proven it. */
  readonly routingId: string;
  /** The id that its connection has proven: octets, empty for none. */
  readonly userId: Buffer;
  readonly #context: PeerContext;
  readonly #connection: PeerConnection;
  readonly #end: PeerEnd;
  readonly #login: LogIn | undefined;
  readonly #doorkeeper: Doorkeeper | undefined;

  constructor(context: PeerContext, connection: PeerConnection) {
    const { identity } = connection;
    this.id = connection.id;
    this.remoteAddress = connection.remoteAddress;
    this.routingId = textOf(connection.routingId) ?? "";
    this.userId = Buffer.from(identity.user ?? "");
    this.#context = context;
    this.#connection = connection;
    const whoIsThere = (): PeerIdentity => {
      const user = this.#doorkeeper?.user;
      return user === undefined ? identity : { ...identity, user };
    };
    this.#end = new PeerEnd({
      wire: context.wire,
      label: connection.id,
      // Who logs in is known by that from then on.
      get identity() {
        return whoIsThere();
      },
      wheel: context.wheel,
      maxMessageBytes: context.maxMessageBytes,
      maxInFlight: 100_000,
      maxInFlightBytes: 256 * 1024 * 1024,
      maxReferences: 0,
      timeoutMs: context.timeoutMs,
      incarnation: PROCESS_INCARNATION,
      dispatcher: context.dispatcher,
      limits: context.limits,
      log: context.log,
      send: (frames, first, last) => {
        if (first <= last) this.#login?.sent(first, frames);
        connection.send(frames, (reason) => {
          this.#end.unsent(first, last, reason);
        });
      },
      close: connection.close,
    });
    const send = (frames: Frames): void => {
      connection.send(frames, () => undefined);
    };
    this.#login =
      context.login &&
      new LogIn({
        hello: encodeLogin(context.login),
        send,
        awaits: (number) => this.#end.awaits(number),
        refused: (frames) => {
          this.#end.receive(frames);
        },
      });
    this.#doorkeeper =
      context.challenge &&
      new Doorkeeper({
        challenge: context.challenge,
        identity,
        origin: { remoteAddress: connection.remoteAddress ?? "" },
        send,
        admitted: () => {
          context.admitted(this);
        },
        dropped: (what) => {
          context.log.debug(`${connection.id} sent ${what}; it is dropped`);
        },
      });
  }

  /** Stands for the connection in calls that come over it. */
  get connection(): object {
    return this.#end.connection;
  }

  /** Who is there; empty while that is not known. */
  get user(): string {
    return this.#end.identity?.user ?? "";
  }

  /** Has whoever is there been let in, so that it may be called by its name? */
  get isKnown(): boolean {
    return !this.#doorkeeper || this.#doorkeeper.user !== undefined;
  }

  /** Settles when calls may be sent; `undefined` when they may be now. */
  get settled(): Promise<void> | undefined {
    return this.#login?.settled;
  }

  /** Sends a call, and tells it what becomes of it. */
  call(call: PendingCall): void {
    this.#end.call(call);
  }

  /** Sends a sign of life. */
  beat(): void {
    this.#connection.send(HEARTBEAT, () => undefined);
  }

  /** Takes frames of the other end. Never throws. */
  receive(frames: Frames): void {
    // A probe only says that somebody is there.
    if (frames.length === 1) return;
    if (!isMessage(frames)) {
      this.#context.log.debug(
        `${this.id} sent ${frames.length} frames, which are no message of pseud v1 (${FRAME_COUNT} frames); they are dropped`,
      );
      return;
    }
    if (this.#doorkeeper && !this.#doorkeeper.admits(frames)) return;
    this.#context.heard(this);
    const type = typeOf(frames);
    if (type === MessageType.heartbeat) return;
    if (this.#login) {
      if (type === MessageType.unauthorized) {
        this.#login.unauthorized(frames);
        return;
      }
      if (type === MessageType.authenticated) {
        this.#login.authenticated();
        return;
      }
      if (type !== MessageType.work) this.#login.answered(frames);
    }
    this.#end.receive(frames, this.#doorkeeper?.cameAt(frames));
  }

  /** Breaks the connection off. */
  close(reason?: RpcError): void {
    this.#connection.close(reason);
  }

  /** The connection is gone: what waits is told so. */
  lost(reason: RpcError): void {
    this.#end.lost(reason);
    this.#login?.lost();
    this.#doorkeeper?.lost();
  }
}
