import { ConfigurationError } from "../errors.js";

/** Says in words why an address cannot be bound. */
export function bindError(address: string, error: NodeJS.ErrnoException): ConfigurationError {
  return new ConfigurationError(`Cannot bind ${address}: ${REASONS[error.code ?? ""] ?? error.message}`, {
    service: address,
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use by another process or host; stop it, or bind another port (0 takes a free one)",
  EADDRNOTAVAIL: "this machine has no such address",
  ENODEV: "this machine has no such address",
  ENOTFOUND: "the host name is not known",
  EACCES: "permission denied; ports below 1024 need privileges",
  ENOENT: "the folder of the socket does not exist",
};
