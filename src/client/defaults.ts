/** Defaults of the client, in one place. */
export const CLIENT_DEFAULTS: {
  readonly nameserver: string;
  readonly timeoutMs: number;
  readonly pycomTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly nameserverTimeoutMs: number;
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly idleTimeoutMs: number;
  readonly retryRatio: number;
  readonly retryReserve: number;
} = {
  nameserver: "tcp://127.0.0.1:2012",
  timeoutMs: 30_000,
  pycomTimeoutMs: 5_000,
  connectTimeoutMs: 2_000,
  nameserverTimeoutMs: 5_000,
  maxInFlight: 100_000,
  maxInFlightBytes: 256 * 1024 * 1024,
  idleTimeoutMs: 60_000,
  retryRatio: 0.2,
  retryReserve: 10_000,
};
