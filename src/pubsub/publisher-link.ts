import type { Component } from "../client/component.js";
import type { Subscribing } from "../client/subscriber-sockets.js";
import { ProtocolError, RpcError, refineError, rpcError } from "../errors.js";
import { type Endpoint, readRecord, type ServiceRecord } from "../peer/record.js";
import { sleep } from "../util/sleep.js";
import {
  ItemReader,
  type PublicationHead,
  PublicationKind,
  readBeginning,
  readHead,
  readLast,
} from "../wire/lamp/publication.js";
import type { Frames } from "../wire/message.js";
import { Gap, type GapReason } from "./gap.js";
import type { ItemOrigin, Segment } from "./item-buffer.js";
import type { OverflowPolicy } from "./subscription-request.js";

/** What a subscriber wants of each publisher. */
export interface Wanted {
  /** Dotted name. */
  readonly interface: string;
  /** Prefixes of topics. */
  readonly topics: readonly string[];
  /** What becomes of items for which there is no room. */
  readonly policy: OverflowPolicy;
  /** Items for which there is room. */
  readonly buffer: number;
  /** Items of the past, at most. */
  readonly replay: number;
  /** Last values of topics? */
  readonly retained: boolean;
}

/** How far somebody has come with what a publisher publishes. */
export interface Position {
  /** Service path of the publisher. */
  readonly service: string;
  /** The run of the publisher. */
  readonly incarnation: string;
  /** Its number of the last value. */
  readonly sequence: number;
}

/** What a {@link PublisherLink} tells its subscriber. Handlers must not throw. */
export interface PublisherLinkHandlers {
  /** Items came. */
  items(segment: Segment): void;
  /** Something is missing. */
  gap(gap: Gap): void;
  /** The first try is over: `undefined`, and everything comes from now on; or why not. Called once. */
  settled(reason: RpcError | undefined): void;
  /** The subscription is acknowledged, for the first time or again. */
  joined(): void;
  /** The connection, or the publisher, is gone. */
  lost(reason: RpcError): void;
  /** Something that no other try will change. */
  failed(reason: RpcError): void;
  /** No further try is made. Called once, last. */
  ended(): void;
  /** Was everything that this subscriber wants acknowledged once? Then nothing that is published later may be missing in silence. */
  isReady(): boolean;
}

/**
 * One publisher, as a subscriber follows it through the losses of its connection: subscribes, takes what comes, knows what is missing,
 * and subscribes again until it is ended or the publisher is gone for good.
 */
export class PublisherLink implements ItemOrigin {
  readonly service: string;
  #incarnation: string | undefined;
  readonly #wanted: Wanted;
  readonly #subscribing: Subscribing;
  readonly #component: Component;
  readonly #handlers: PublisherLinkHandlers;
  readonly #ended = new AbortController();
  #isListed = true;
  #hasSettled = false;
  #isLive = false;
  /** Was it live, and did nobody say farewell? Then what came last may be missing. */
  #isTorn = false;
  /** Has the publisher ended it for good? */
  #isThrownOut = false;
  #token: string | undefined;
  /** Number of the last item that came, or need not come. */
  #last: number | undefined;
  /** Items that were meant for this subscription. */
  #meant = 0;
  /** Of these, items of the past that come first; when all have come, nothing up to {@link PublisherLink.#from} is missing any more. */
  #past = 0;
  #from = 0;
  /** Items that have come and wait to be taken. */
  #untaken = 0;
  /** For `block`: items that were taken since the publisher was asked … */
  #taken = 0;
  /** … and how many of these it has been told of. */
  #granted = 0;
  #isGranting = false;
  /** Ends the subscription that there is now. */
  #end: ((reason: RpcError) => void) | undefined;

  /**
   * @param component - calls this publisher, and no other
   * @param since - how far one has come with it before
   */
  constructor(
    record: Pick<ServiceRecord, "service" | "incarnation">,
    component: Component,
    wanted: Wanted,
    subscribing: Subscribing,
    handlers: PublisherLinkHandlers,
    since?: Position,
  ) {
    this.service = record.service;
    this.#incarnation = record.incarnation;
    this.#component = component;
    this.#wanted = wanted;
    this.#subscribing = subscribing;
    this.#handlers = handlers;
    if (since) this.#resume(since);
    void this.#follow();
  }

  get incarnation(): string | undefined {
    return this.#incarnation;
  }

  /** Number of the last item that came, or need not come; `undefined`: it was never subscribed to. */
  get last(): number | undefined {
    return this.#last;
  }

  /** Does everything come, now? */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Does the nameserver know it? Of one that it does not know any more the first loss is the last. */
  set isListed(isListed: boolean) {
    this.#isListed = isListed;
    if (!isListed && !this.#isLive) this.#ended.abort();
  }

  #isOver(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Ends it. Idempotent. */
  close(): void {
    this.#isTorn = false;
    this.#ended.abort();
  }

  taken(count: number): void {
    this.#untaken -= count;
    this.#taken += count;
    if (this.#wanted.policy === "block" && !this.#isGranting) void this.#grant();
  }

  /** Tells the publisher how much was taken, until it knows or the subscription is over. */
  async #grant(): Promise<void> {
    this.#isGranting = true;
    const token = this.#token;
    const isCurrent = (): boolean => this.#isLive && this.#token === token;
    while (isCurrent() && this.#taken - this.#granted >= Math.ceil(this.#wanted.buffer / 2)) {
      const taken = this.#taken;
      try {
        await this.#component.invoke("credit", { token, taken }, { idempotent: true, timeoutMs: READY_MS });
        if (isCurrent()) this.#granted = taken;
      } catch (error) {
        if (!isCurrent()) break;
        const reason = RpcError.from(error);
        const text = `${this.service} was not told that there is room for ${this.#wanted.interface}: ${reason.message}`;
        this.#subscribing.log.debug(text);
        // It does not know this subscription any more; another one begins with all the room that there is.
        if (isFinal(reason)) this.#end?.(rpcError("UNAVAILABLE", text, { cause: reason, service: this.service }));
        else await sleep(MOST_MS, this.#ended.signal);
      }
    }
    this.#isGranting = false;
  }

  /** What comes after a position; of an earlier run nobody knows whether it published more. */
  #resume({ incarnation, sequence }: Position): void {
    this.#incarnation ??= incarnation;
    if (this.#incarnation === incarnation) {
      this.#last = sequence;
      return;
    }
    // Not before whoever made this has it.
    queueMicrotask(() => {
      this.#tell("gone", undefined);
    });
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ended;
    let failures = 0;
    while (!this.#isOver()) {
      const error = await this.#once();
      const wasLive = this.#isLive;
      this.#isLive = false;
      this.#settle(error);
      if (this.#isOver()) break;
      if (this.#subscribing.sockets.isClosed) {
        this.#handlers.failed(rpcError("CLOSED", "The client was closed", { cause: error }));
        break;
      }
      if (wasLive) {
        failures = 0;
        this.#handlers.lost(error);
        if (!this.#isListed) break;
      }
      if (this.#isThrownOut || isFinal(error)) {
        this.#handlers.failed(error);
        break;
      }
      const capMs = Math.min(FIRST_MS * 2 ** failures++, MOST_MS);
      // Whoever failed of its own accord is not hurried.
      const leastMs = error.code === "UNKNOWN" || error.code === "PROTOCOL" ? FAILED_MS : 0;
      await sleep(leastMs + capMs * (0.5 + this.#subscribing.random() / 2), signal);
    }
    this.#tell("gone", undefined, this.#isTorn);
    this.#isTorn = false;
    this.#handlers.ended();
  }

  /** Subscribes, and stays until that ends. @returns why it ended */
  async #once(): Promise<RpcError> {
    const { signal } = this.#ended;
    let release: (() => void) | undefined;
    try {
      const { token, endpoints } = await this.#ask();
      return await new Promise<RpcError>((resolve) => {
        const aborted = (): void => {
          end(rpcError("CLOSED", "The subscriber was closed"));
        };
        const timer = setTimeout(() => {
          end(
            rpcError("UNAVAILABLE", `${this.service} did not begin the subscription within ${READY_MS} ms`, {
              service: this.service,
            }),
          );
        }, READY_MS).unref();
        let isOver = false;
        const end = (reason: RpcError): void => {
          isOver = true;
          clearTimeout(timer);
          signal.removeEventListener("abort", aborted);
          resolve(reason);
        };
        signal.addEventListener("abort", aborted, { once: true });
        this.#token = token;
        this.#end = end;
        release = this.#subscribing.sockets.subscribe(
          { service: this.service, incarnation: this.#incarnation },
          endpoints,
          token,
          {
            message: (frames) => {
              // What came together with the last message is not released yet.
              if (isOver) return;
              try {
                const head = readHead(frames[0]);
                if (head.kind === PublicationKind.ready) clearTimeout(timer);
                const ended = this.#message(head, frames.slice(1));
                if (ended) end(ended);
              } catch (error) {
                this.#tell("malformed", undefined);
                end(RpcError.from(error, "PROTOCOL"));
              }
            },
            lost: end,
          },
        );
        if (signal.aborted) aborted();
      });
    } catch (error) {
      return RpcError.from(error);
    } finally {
      this.#token = undefined;
      this.#end = undefined;
      release?.();
    }
  }

  /** Whoever asks an interface with other methods for values is told what it is not. */
  #explain(error: RpcError): RpcError {
    if (error.code !== "METHOD_NOT_FOUND") return error;
    const { interface: name } = this.#wanted;
    return refineError(error, { message: `${name} of ${this.service} is no publisher: it has no method subscribe` });
  }

  async #ask(): Promise<{ token: string; endpoints: readonly Endpoint[] }> {
    const { topics, policy, buffer, replay, retained } = this.#wanted;
    const incarnation = this.#incarnation;
    const after =
      this.#last === undefined || incarnation === undefined ? undefined : { incarnation, sequence: this.#last };
    const room = Math.max(0, buffer - this.#untaken);
    this.#taken = 0;
    this.#granted = 0;
    const request = { topics, policy, buffer, room, replay, retained, ...(after && { after }) };
    const asked = this.#component.invoke("subscribe", request, {
      timeoutMs: READY_MS,
      signal: this.#ended.signal,
      retry: false,
    });
    const answer = (await asked.catch((error: unknown) => {
      throw this.#explain(RpcError.from(error));
    })) as { token?: unknown; incarnation?: unknown; endpoints?: unknown } | null;
    // Read as those of a record are.
    const told = readRecord({ service: this.service, address: "", interfaces: [], endpoints: answer?.endpoints });
    if (!isToken(answer?.token) || typeof answer.incarnation !== "string" || !told) {
      throw new ProtocolError(`${this.service} answered to subscribe with something else`);
    }
    if (this.#last !== undefined && answer.incarnation !== incarnation) {
      this.#tell("gone", undefined, this.#isTorn);
      this.#isTorn = false;
      this.#last = undefined;
    }
    this.#incarnation = answer.incarnation;
    return { token: answer.token, endpoints: told.endpoints };
  }

  /** @returns why the subscription is over, if it is */
  #message({ kind, before, skip }: PublicationHead, content: Frames): RpcError | undefined {
    if ((kind === PublicationKind.ready) === this.#isLive) {
      throw new ProtocolError("A publisher begins a subscription twice, or goes on with one that it has not begun");
    }
    switch (kind) {
      case PublicationKind.ready:
        this.#begin(content);
        return undefined;
      case PublicationKind.items: {
        const reader = new ItemReader(content);
        if (skip > 0) reader.skip(skip);
        if (reader.left === 0 || before < this.#meant) throw new ProtocolError("A publisher counts its items wrongly");
        this.#checkTally(before);
        this.#came(before + reader.left, reader.next + reader.left - 1);
        this.#untaken += reader.left;
        this.#handlers.items({ reader, origin: this, gaps: undefined });
        return undefined;
      }
      case PublicationKind.tally:
        this.#checkTally(before);
        this.#came(before, readLast(content[0]));
        return undefined;
      default:
        this.#checkTally(before);
        this.#came(before, readLast(content[0]));
        return this.#farewell(Buffer.from(content[1] ?? []).toString("latin1", 0, 32));
    }
  }

  #begin(content: Frames): void {
    const { from, past } = readBeginning(content[0]);
    const isFiltered = !this.#wanted.topics.includes("");
    const known = this.#last;
    this.#meant = 0;
    this.#past = past;
    this.#from = from;
    const missed = from - (known ?? 0) - past;
    if (missed > 0 && (known !== undefined || this.#handlers.isReady())) {
      this.#tell(known === undefined ? "late" : "connection", isFiltered ? undefined : missed);
    }
    this.#came(0, known ?? 0);
    this.#isLive = true;
    this.#isTorn = true;
    this.#settle(undefined);
    this.#handlers.joined();
    // Values that came before the connection broke may have been taken meanwhile.
    this.taken(0);
  }

  /** So many items were meant for this subscription, whether they came or not, and the last of them has this number. */
  #came(meant: number, number: number): void {
    this.#meant = Math.max(this.#meant, meant);
    // Of the past nothing may be passed over that is still to come.
    if (this.#meant >= this.#past) this.#last = Math.max(this.#last ?? 0, this.#from, number);
    else if (meant > 0) this.#last = Math.max(this.#last ?? 0, number);
  }

  #checkTally(before: number): void {
    if (before > this.#meant) this.#tell("slow", before - this.#meant);
  }

  #farewell(code: string): RpcError {
    const service = { service: this.service, interface: this.#wanted.interface };
    switch (code) {
      case "OVERLOADED":
        this.#isThrownOut = true;
        return rpcError(
          "OVERLOADED",
          `${this.service} ended the subscription: this end did not take what came`,
          service,
        );
      case "FAILED":
        return rpcError("UNKNOWN", `The publisher ${this.service} failed; its log says why`, service);
      default:
        // All that was published has come.
        this.#isTorn = false;
        return rpcError("UNAVAILABLE", `The publisher ${this.service} has stopped`, service);
    }
  }

  #settle(reason: RpcError | undefined): void {
    if (this.#hasSettled) return;
    this.#hasSettled = true;
    this.#handlers.settled(reason);
  }

  #tell(reason: GapReason, missed: number | undefined, isTrue = true): void {
    if (isTrue) this.#handlers.gap(new Gap(reason, missed, this.service, this.#incarnation));
  }
}

/** Can a SUB socket subscribe to it, and to nothing else (docs/pubsub-wire.md, section 2)? */
function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[!-~]{1,255}$/.test(value);
}

/** Would every other try end in the same way? */
function isFinal({ code }: RpcError): boolean {
  return code === "ACCESS_DENIED" || code === "METHOD_NOT_FOUND" || code === "BAD_REQUEST" || code === "CONFIGURATION";
}

/** Time for one try to subscribe, in milliseconds. */
const READY_MS = 5_000;
/** Pauses between tries: the first, the longest, and after a publisher that failed. */
const FIRST_MS = 50;
const MOST_MS = 500;
const FAILED_MS = 1_000;
