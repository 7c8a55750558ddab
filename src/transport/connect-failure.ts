/** Says in words why a connection could not be made, or was lost: what follows the address. `undefined` for unknown codes. */
export function connectFailure(code: string): string | undefined {
  return FAILURES[code];
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNRESET: "lost the connection",
  EPIPE: "lost the connection",
  ECONNREFUSED: "refused the connection; nothing listens there",
  ENOENT: "the socket does not exist",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be looked up now",
  EHOSTUNREACH: "the machine cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ETIMEDOUT: "the machine does not answer",
  EACCES: "permission denied",
};
