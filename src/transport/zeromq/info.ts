import { capability, version } from "zeromq";

/** What the transport of this installation is made of and can do. */
export interface TransportInfo {
  /** Version of libzmq. */
  readonly version: string;
  /** By name: `ipc`, `curve`, … */
  readonly capabilities: Readonly<Record<string, boolean>>;
}

/** Looks at the installed binary. */
export function transportInfo(): TransportInfo {
  return { version, capabilities: { ...capability } };
}
