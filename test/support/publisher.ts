import type { RpcError } from "../../src/errors.js";
import type { Listener, ListenerHandlers, Peer } from "../../src/transport/index.js";
import { until } from "./until.js";

/** What a listener told of its subscribers, and a way to wait for it. */
export class TestPublisher implements ListenerHandlers {
  /** In order: `joined`, `+prefix`, `-prefix`, `drained`, `gone`, `refused CODE`. */
  readonly told: string[] = [];
  /** Those that are there. */
  readonly peers = new Set<Peer>();
  /** Set by the test when it has bound. */
  listener: Listener | undefined;
  /** What `drained` found queued. */
  readonly queuedAtDrained: number[] = [];

  joined(peer: Peer): void {
    this.peers.add(peer);
    this.told.push("joined");
  }

  refused(_peer: Peer, reason: RpcError): void {
    this.told.push(`refused ${reason.code}`);
  }

  message(_peer: Peer, frames: readonly Uint8Array[]): void {
    const [frame = Buffer.alloc(0), ...more] = frames;
    if (more.length > 0) this.told.push(`${frames.length} frames`);
    const prefix = Buffer.from(frame.subarray(1)).toString();
    this.told.push(`${frame[0] === 1 ? "+" : "-"}${prefix.length > 50 ? prefix.length : prefix}`);
  }

  drained(peer: Peer): void {
    this.told.push("drained");
    this.queuedAtDrained.push(this.listener?.queuedBytes(peer) ?? NaN);
  }

  gone(peer: Peer): void {
    this.peers.delete(peer);
    this.told.push("gone");
  }

  /** Settles when it was told so often. */
  async heard(what: string, times = 1): Promise<void> {
    await until(() => this.told.filter((one) => one === what).length >= times);
  }

  /** To everybody. */
  publish(...frames: string[]): void {
    for (const peer of this.peers) {
      this.listener?.send(
        peer,
        frames.map((text) => Buffer.from(text)),
      );
    }
  }
}

/** The message that subscribes. */
export const subscribe = (prefix: string | Uint8Array): Buffer[] => [
  Buffer.concat([Buffer.from([1]), Buffer.from(prefix as Uint8Array)]),
];
/** The message that ends a subscription. */
export const cancel = (prefix: string | Uint8Array): Buffer[] => [
  Buffer.concat([Buffer.from([0]), Buffer.from(prefix as Uint8Array)]),
];
