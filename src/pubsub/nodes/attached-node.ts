import { BadRequestError, RpcError } from "../../errors.js";
import { outsideOfCalls } from "../../peer/call-context.js";
import type { CallOrigin } from "../../peer/call-origin.js";
import { call } from "../../peer/proxy.js";
import type { Dynamic, Remote } from "../../peer/remote.js";
import { sleep } from "../../util/sleep.js";
import { sizeOf } from "../../wire/message.js";
import type { Delivery, Greeting, LostEntry } from "./interfaces.js";
import { deliveryArguments, NODE_INTERFACE } from "./interfaces.js";
import type { RouteTarget } from "./routing-table.js";
import { Watch } from "./watch.js";

/** What {@link AttachedNode} needs of its dispatcher. */
export interface AttachedNodeOptions {
  /** How often the node is asked for a sign of life, in milliseconds. */
  readonly heartbeatMs: number;
  /** Silence after which it is taken for dead, in milliseconds. */
  readonly limitMs: number;
  /** Bytes of events that may be on their way, or with handlers that are not done. */
  readonly maxQueuedBytes: number;
  /** It is gone, or taken for dead; called once. */
  onGone(node: AttachedNode, reason: string): void;
  /** Its handler has failed, or an event was left out. */
  onFailed(text: string): void;
}

/** A node at the other end of a connection, or one of those that share it. */
export class AttachedMember implements RouteTarget {
  /** Its name. */
  readonly name: string;
  /** The connection. */
  readonly node: AttachedNode;
  /** Its number there. */
  readonly number: number;

  constructor(node: AttachedNode, number: number, name: string) {
    this.node = node;
    this.number = number;
    this.name = name;
  }
}

/** A connection with one node or several behind it, as the dispatcher sees it. */
export class AttachedNode {
  /** What it has said of itself. */
  readonly greeting: Greeting;
  /** Who it is, as far as the connection has proven it. */
  readonly user: string | undefined;
  /** Subscriptions of all its nodes. */
  subscriptions = 0;
  /** Nodes by their numbers. */
  readonly members: Map<number, AttachedMember> = new Map<number, AttachedMember>();
  readonly #options: AttachedNodeOptions;
  readonly #peer: Remote<Dynamic>;
  readonly #watch: Watch;
  readonly #ending = new AbortController();
  /** Events that were left out since that was told last. */
  #lost = new Map<string, LostEntry>();
  #queuedBytes = 0;
  #isGone = false;

  /** @param origin - the call by which it has greeted */
  constructor(greeting: Greeting, origin: CallOrigin, options: AttachedNodeOptions) {
    this.greeting = greeting;
    this.user = origin.identity?.user;
    this.#options = options;
    this.#peer = origin.peer(NODE_INTERFACE);
    this.#watch = new Watch(options.limitMs, () => {
      this.dismiss(`it has given no sign of life for ${options.limitMs} ms`);
    });
    void outsideOfCalls(() => this.#beat());
  }

  /** Is it gone, or taken for dead? */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Bytes of events that are on their way, or with handlers that are not done. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * The node of a number, which it has from now on if it had none.
   *
   * @throws BadRequestError when it had another name
   */
  member(number: number, name: string): AttachedMember {
    const known = this.members.get(number);
    if (known && known.name !== name) {
      throw new BadRequestError(`This node is called ${known.name}, and keeps its name`);
    }
    if (known) return known;
    const member = new AttachedMember(this, number, name);
    this.members.set(number, member);
    return member;
  }

  /** Is there room for an event? There always is when nothing is on its way. */
  hasRoom(delivery: Delivery): boolean {
    return this.#queuedBytes === 0 || this.#queuedBytes + bytesOf(delivery) <= this.#options.maxQueuedBytes;
  }

  /** Calls a node with an event. What it comes to is not waited for. */
  deliver(member: AttachedMember, delivery: Delivery): void {
    const bytes = bytesOf(delivery);
    this.#queuedBytes += bytes;
    const called = outsideOfCalls(() => call(this.#peer, "event", member.number, ...deliveryArguments(delivery)));
    called.then(
      () => {
        this.#queuedBytes -= bytes;
      },
      (error: unknown) => {
        this.#queuedBytes -= bytes;
        // Whether the connection is lost the heartbeat says: what a handler throws may look just like that.
        if (!this.#isGone) {
          this.#options.onFailed(`${member.name} failed at ${delivery.uri}: ${RpcError.from(error).message}`);
        }
      },
    );
  }

  /** An event is not sent, for there is no room; the node is told of that as soon as it can be. */
  leaveOut(member: AttachedMember, { uri, publisher, isForAll, number }: Delivery): void {
    const key = `${member.number} ${isForAll ? 1 : 0} ${publisher} ${uri}`;
    const before = this.#lost.get(key);
    if (!before) this.#options.onFailed(`${member.name} is too slow: events ${uri} are left out`);
    if (!before && this.#lost.size >= MAX_LOST) return;
    this.#lost.set(key, [member.number, uri, publisher, isForAll, number, (before?.[5] ?? 0) + 1]);
  }

  /** The connection is lost. Idempotent. */
  gone(reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#watch.stop();
    this.#ending.abort();
    this.#options.onGone(this, reason);
  }

  /** It is taken for dead. Should it live, it hears of it, and comes again. */
  dismiss(reason: string): void {
    if (this.#isGone) return;
    this.gone(reason);
    outsideOfCalls(() => call(this.#peer, "forgotten")).then(undefined, ignore);
  }

  /** Another one says that it is where this one is: it is taken for dead unless it gives a sign of life by the next heartbeat. */
  async challenge(reason: string): Promise<void> {
    const answered = new AbortController();
    const asked = outsideOfCalls(() => call(this.#peer, "heartbeat", 0, [])).then(() => {
      answered.abort();
    }, ignore);
    await Promise.race([
      asked,
      sleep(this.#options.heartbeatMs, AbortSignal.any([answered.signal, this.#ending.signal])),
    ]);
    if (!answered.signal.aborted) this.dismiss(reason);
  }

  /** There is always a heartbeat under way: it fails at once when the connection is lost. */
  async #beat(): Promise<void> {
    // The answer to the greeting goes first.
    let waitMs = 0;
    while (!this.#isGone) {
      const lost = [...this.#lost.values()];
      this.#lost.clear();
      const askedAt = performance.now();
      try {
        await call(this.#peer, "heartbeat", waitMs, lost);
      } catch (error) {
        const { code, message, outcome } = RpcError.from(error);
        // A node that hangs answers nothing; the watch decides on that. One that is still there has to hear that it is forgotten.
        if (code !== "TIMEOUT") this.dismiss(outcome === "unknown" ? "its connection was lost" : message);
        continue;
      }
      this.#watch.heard();
      // One that answers at once is not asked at once.
      await sleep(waitMs - (performance.now() - askedAt), this.#ending.signal);
      waitMs = this.#options.heartbeatMs;
    }
  }
}

/** What an event takes until it is delivered, in bytes, about. */
function bytesOf({ uri, body }: Delivery): number {
  return OVERHEAD_BYTES + uri.length + sizeOf(body);
}

const OVERHEAD_BYTES = 256;
/** Addresses and publishers of events that were left out, until the node is told. */
const MAX_LOST = 1_000;

function ignore(): void {
  // It is dead, as was thought.
}
