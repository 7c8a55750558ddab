import { zeromq } from "./load.js";

/** What the transport of this installation is made of and can do. */
export interface TransportInfo {
  /** Version of libzmq. */
  readonly version: string;
  /** By name: `ipc`, `curve`, … */
  readonly capabilities: Readonly<Record<string, boolean>>;
}

/** Looks at the installed binary. */
export function transportInfo(): TransportInfo {
  const { capability, version } = zeromq();
  return { version, capabilities: { ...capability } };
}
