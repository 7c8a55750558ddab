import type { Duplex } from "node:stream";
import { RpcError, refineError, rpcError } from "../../errors.js";
import { outsideOfCalls } from "../../peer/call-context.js";
import type { StreamTls } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import { thrownText } from "../../util/thrown-text.js";
import { MAX_TIMER_MS } from "../../util/timers.js";
import type { BoxConnection } from "./box-connection.js";
import type { BoxDispatcher } from "./box-dispatcher.js";
import type { TakeOver } from "./command-types.js";
import { OnlyOneTlsError, ProtocolSwitchedError } from "./errors.js";
import type { ResponderLocator } from "./locator.js";
import { START_TLS, startTlsResponder } from "./start-tls.js";

/** What {@link ConnectionChange} changes, and what it knows of it. */
export interface ChangedEnd {
  /** The other end, for errors. */
  readonly label: string;
  /** The connection. */
  readonly connection: BoxConnection;
  /** What is asked over it. */
  readonly dispatcher: BoxDispatcher;
  /** Settles with the reason when the connection has ended. */
  readonly closed: Promise<RpcError>;
  /** What this end shows when the other one asks for TLS, and by default otherwise; `false`: it refuses. */
  readonly tls: StreamTls | false | undefined;
  /** Milliseconds for a handshake that the other end has asked for. */
  readonly timeoutMs: number;
  /** Told of changes that fail and that nobody here has asked for. */
  readonly log: Logger;
}

/**
 * Makes another connection of a connection of AMP, at the border between two boxes: one inside of TLS, or one of another
 * protocol (docs/amp.md, StartTLS and protocol switch). One change at a time: from the moment at which this end asks for one,
 * nothing else is sent until it is answered, and nothing is read behind the answer.
 */
export class ConnectionChange {
  readonly #end: ChangedEnd;
  /** What this end has asked for, or carries out. */
  #underWay: "tls" | "switch" | undefined;

  /** Makes one. */
  constructor(end: ChangedEnd) {
    this.#end = end;
  }

  /** Answers StartTLS. */
  get locator(): ResponderLocator {
    return startTlsResponder(() => {
      const { connection, tls } = this.#end;
      if (tls !== false && this.#underWay === undefined && !connection.isSecure) return true;
      // Where both ends ask at the same time, each waits for the other's refusal.
      connection.passNext();
      return false;
    });
  }

  /**
   * Goes on under TLS.
   *
   * @param ask - sends the request; gives its answer
   * @param withinMs - for request and handshake together
   * @param tls - default what the end has been told
   * @throws as {@link AmpPeer.startTls}
   */
  async startTls(ask: () => Promise<unknown>, withinMs: number, tls: StreamTls = this.#ownTls): Promise<void> {
    const { connection, dispatcher } = this.#end;
    const startedAt = performance.now();
    this.#requireNone();
    if (connection.isSecure) throw this.#onlyOneTls();
    // What cannot be used shows before anything is sent.
    connection.prepareTls(tls);
    this.#underWay = "tls";
    const asked = ask();
    connection.keepBack();
    dispatcher.keepBack();
    try {
      await asked;
    } catch (error) {
      this.#refused(error as RpcError);
      throw error;
    }
    await this.#handshake(tls, withinMs - (performance.now() - startedAt));
  }

  /**
   * Has a command switch the connection.
   *
   * @param command - its name
   * @param ask - sends the request; gives its answer
   * @throws as {@link AmpPeer.switchProtocol}
   */
  async switchProtocol(command: string, ask: () => Promise<unknown>): Promise<Duplex> {
    const { connection, label } = this.#end;
    this.#requireNone();
    const switched = this.#switchedBy(command);
    this.#underWay = "switch";
    const asked = ask();
    connection.lock(switched);
    try {
      await asked;
    } catch (error) {
      connection.lock(undefined);
      this.#refused(error as RpcError);
      throw error;
    }
    try {
      return connection.detach(switched);
    } catch (error) {
      connection.destroy(RpcError.from(error, "UNAVAILABLE"));
      throw refineError(error as RpcError, { method: command, service: label, outcome: "executed" });
    }
  }

  /** Why a change that the other end asks for cannot be: this end has asked for one, and each waits for the other. */
  objection(command: string): RpcError | undefined {
    if (this.#underWay === undefined || (this.#underWay === "tls" && command === START_TLS.name)) return undefined;
    return rpcError("UNAVAILABLE", `Both ends have changed the connection at the same time: ${command} came meanwhile`);
  }

  /** A command that changes the connection was answered here. Never throws. */
  answered(takeOver: TakeOver, command: string): void {
    if (command === START_TLS.name) this.#secure();
    else this.#handOver(takeOver, command);
  }

  get #ownTls(): StreamTls {
    const { tls } = this.#end;
    return tls === false || tls === undefined ? NO_TLS : tls;
  }

  /** @throws ProtocolSwitchedError or OnlyOneTlsError, `not-sent`, when a change is under way, or was made behind which there is none */
  #requireNone(): void {
    const { connection } = this.#end;
    if (connection.locked) throw connection.locked;
    if (this.#underWay === "tls") throw this.#onlyOneTls();
  }

  #onlyOneTls(): OnlyOneTlsError {
    return new OnlyOneTlsError(`The connection to ${this.#end.label} is encrypted already, or about to be`);
  }

  /** It goes on as it was. When nobody knows what became of the request, neither what the octets are that come. */
  #refused(error: RpcError): void {
    const { connection, dispatcher } = this.#end;
    this.#underWay = undefined;
    if (error.outcome === "unknown") connection.destroy(error);
    // What was not sent has held nothing.
    if (error.outcome !== "not-sent") connection.release();
    connection.sendKept();
    // They were to be encrypted, and nothing says that clear text would do.
    dispatcher.dropKept(
      rpcError("UNAVAILABLE", `it was to be encrypted, and that was not to be had: ${error.message}`, { cause: error }),
    );
  }

  async #handshake(tls: StreamTls, withinMs: number): Promise<void> {
    const { connection, dispatcher, closed, label } = this.#end;
    const timer = setTimeout(
      () => {
        connection.destroy(rpcError("TIMEOUT", `The TLS handshake with ${label} was not done in time`));
      },
      Math.min(withinMs, MAX_TIMER_MS),
    );
    try {
      const secured = new Promise<void>((resolve) => {
        // What comes over it is no part of the call in which it was begun.
        outsideOfCalls(() => {
          connection.startTls(tls, resolve);
        });
      });
      const failure = await Promise.race([secured, closed]);
      if (failure) {
        const where = { service: label, outcome: "unknown", cause: failure } as const;
        throw rpcError(failure.code, `StartTLS: ${failure.message}`, where);
      }
    } catch (error) {
      connection.destroy(RpcError.from(error, "UNAVAILABLE"));
      throw error;
    } finally {
      clearTimeout(timer);
    }
    this.#underWay = undefined;
    connection.sendKept();
    dispatcher.sendKept();
  }

  /** The other end has asked for TLS. */
  #secure(): void {
    const { timeoutMs, log } = this.#end;
    this.#underWay = "tls";
    this.#handshake(this.#ownTls, timeoutMs).catch((error: unknown) => {
      log.info((error as Error).message);
    });
  }

  #handOver(takeOver: TakeOver, command: string): void {
    const { connection, log } = this.#end;
    let socket: Duplex;
    try {
      socket = connection.detach(this.#switchedBy(command));
    } catch (error) {
      // It is gone already, and nobody has heard of that while nothing was read.
      connection.destroy(RpcError.from(error, "UNAVAILABLE"));
      return;
    }
    const failed = (error: unknown): void => {
      log.error(`${command} has switched the connection, and what took it over failed: ${thrownText(error)}`);
      socket.destroy();
    };
    try {
      // In TypeScript, what is to return nothing may return a promise.
      const run: (socket: Duplex) => unknown = takeOver;
      Promise.resolve(run(socket)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #switchedBy(command: string): ProtocolSwitchedError {
    return new ProtocolSwitchedError(
      `${command} has switched the connection to ${this.#end.label}: it is no AMP any more`,
    );
  }
}

/** The same for all connections: what TLS needs is made once for each object. */
const NO_TLS: StreamTls = {};
