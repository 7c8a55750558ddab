import { connectFailure } from "../connect-failure.js";

/** Says why a connection in clear text broke, or could not be made. */
export function socketFailure(name: string, error: NodeJS.ErrnoException, isConnecting: boolean): string {
  const text = connectFailure(error.code ?? "") ?? `the connection broke (${error.code ?? error.message})`;
  return isConnecting ? `Cannot connect to ${name}: ${text}` : `${name} ${text}`;
}
