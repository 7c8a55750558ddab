import type { ServiceRecord } from "../peer/record.js";

/** Keeps a host registered at its nameserver, through losses of either. */
export interface Registrar {
  /**
   * Registers, and keeps registering until {@link Registrar.close}.
   *
   * @returns `true` when registered; `false` when no nameserver can be reached now, and it goes on trying
   * @throws AccessDeniedError when the name belongs to another address that is alive
   */
  start(record: ServiceRecord): Promise<boolean>;
  /** Tells the nameserver that the service goes. Never rejects. */
  unregister(): Promise<void>;
  /** Stops. Idempotent. */
  close(): Promise<void>;
}
