import { inspect } from "node:util";
import type { RpcError } from "../../errors.js";
import type { AmpPeerInfo } from "./peer.js";

/** What is known of a connection, and nothing that could be done with it: it is shown to whoever calls or answers. */
export function infoOf(end: AmpPeerInfo): AmpPeerInfo {
  return new InfoView(end);
}

class InfoView implements AmpPeerInfo {
  readonly #end: AmpPeerInfo;

  constructor(end: AmpPeerInfo) {
    this.#end = end;
  }

  get label(): string {
    return this.#end.label;
  }

  get remoteAddress(): string {
    return this.#end.remoteAddress;
  }

  get certificate(): Uint8Array | undefined {
    return this.#end.certificate;
  }

  get isSecure(): boolean {
    return this.#end.isSecure;
  }

  get isOpen(): boolean {
    return this.#end.isOpen;
  }

  get closedReason(): RpcError | undefined {
    return this.#end.closedReason;
  }

  get pending(): number {
    return this.#end.pending;
  }

  get running(): number {
    return this.#end.running;
  }

  [inspect.custom](): object {
    const { label, remoteAddress, certificate, isSecure, isOpen, closedReason, pending, running } = this;
    const told = { label, remoteAddress, certificate, isSecure, isOpen, closedReason, pending, running };
    return { ...told, certificate: certificate && `${certificate.byteLength} octets` };
  }
}
