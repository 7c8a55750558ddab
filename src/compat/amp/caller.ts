import { type RpcErrorOptions, rpcError } from "../../errors.js";
import { CallPromise } from "../../peer/call-promise.js";
import { CallerLoad, type LoadLimits } from "../../peer/caller-load.js";
import { type PeerCaller, peerProxy } from "../../peer/peer-proxy.js";
import { givenArguments } from "../../peer/plain-call.js";
import type { Callee } from "../../peer/protocol.js";
import type { Dynamic, Remote } from "../../peer/remote.js";
import type { PeerIdentity } from "../../transport/index.js";
import type { DeadlineWheel } from "../../util/deadline-wheel.js";
import type { Logger } from "../../util/log.js";
import { CalleeLocator } from "./callee-locator.js";
import type { CommandBook } from "./command-book.js";
import { AmpEnd } from "./end.js";
import type { AmpProtocolOptions } from "./options.js";
import { argumentsByName, requestBox } from "./request.js";
import { untypedValues } from "./untyped.js";

/** Options of {@link Caller}. */
export interface CallerOptions {
  /** The other end, for people and as `host.peers` lists it. */
  readonly label: string;
  /** Commands whose types are known. */
  readonly book: CommandBook;
  /** As the protocol was told. */
  readonly settings: AmpProtocolOptions;
  /** Carries out what the other end calls. */
  readonly callee: Callee;
  /** What the other end may have under way; `undefined`: it is not limited. */
  readonly limits: LoadLimits | undefined;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Largest box that may come, in octets. */
  readonly maxMessageBytes: number;
  /** Calls of this end that may wait for an answer; default 100,000. */
  readonly maxInFlight?: number | undefined;
  /** Deadline of calls of this end that do not say, in milliseconds; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Told of the end of the connection. */
  readonly onClosed: () => void;
  /** The other end is about to close it, after an error that it has not foreseen. */
  readonly onEnding?: (() => void) | undefined;
  /** Told of what is ignored. */
  readonly log: Logger;
}

/**
 * One connection of AMP in the mesh, at either end of it: a client or a host answers over it by its interfaces, and may call the other
 * end as well.
 */
export class Caller implements PeerCaller {
  readonly label: string;
  /** The connection itself. */
  readonly end: AmpEnd;
  /** What it has under way. */
  readonly load: CallerLoad | undefined;
  readonly #book: CommandBook;

  constructor(options: CallerOptions) {
    const { label, book, settings, callee, limits, maxMessageBytes, onClosed } = options;
    this.label = label;
    this.#book = book;
    this.load = limits && new CallerLoad(limits);
    this.end = new AmpEnd({
      label,
      locator: () => new CalleeLocator(this, { book, callee, maxMessageBytes }),
      dialect: settings.dialect,
      tls: settings.tls,
      limits: { maxMessageBytes, ...settings.limits },
      timeoutMs: options.timeoutMs,
      maxInFlight: options.maxInFlight,
      // What is one too many says the load, or who carries the calls out.
      maxRunning: Infinity,
      maxRunningBytes: Infinity,
      wheel: options.wheel,
      log: options.log,
      onEnding: options.onEnding,
      onClosed: () => {
        onClosed();
        callee.abandon(this, rpcError("CANCELLED", `${label} is gone, and with it who waited for the answer`));
      },
    });
  }

  /** Nobody has proven anything to AMP itself. */
  get identity(): PeerIdentity {
    return NOBODY;
  }

  /** A proxy of what the other end answers. */
  peer(interfaceName = ""): Remote<Dynamic> {
    return peerProxy(this, interfaceName);
  }

  callPeer(interfaceName: string, method: string, args: readonly unknown[]): CallPromise<unknown> {
    return new CallPromise((resolve, reject) => {
      this.#call(interfaceName, method, args).then(resolve, reject);
    });
  }

  async #call(interfaceName: string, method: string, args: readonly unknown[]): Promise<unknown> {
    const { end } = this;
    const where: RpcErrorOptions = { interface: interfaceName, method, service: this.label };
    const command = this.#book.find(interfaceName, method);
    const given = givenArguments({ args, isPositional: true });
    if (command) return await end.call(command, argumentsByName(command, given, where));
    const box = requestBox(undefined, given, { where, dialect: end.dialect, context: end });
    return untypedValues(await end.callBox(method, box));
  }
}

const NOBODY: PeerIdentity = { mechanism: "null", user: undefined, publicKey: undefined };
