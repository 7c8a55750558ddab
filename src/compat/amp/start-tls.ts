import { type Command, defineCommand } from "./command.js";
import { RemoteAmpError } from "./errors.js";
import type { ResponderLocator } from "./locator.js";

/** AMP's own command to go on under TLS (docs/amp.md, StartTLS). What certificates there are is nobody's to say on the wire. */
export const START_TLS: Command = defineCommand({ name: "StartTLS", switches: true });

/**
 * Answers {@link START_TLS}. What takes the connection over then is TLS, and boxes go on inside of it.
 *
 * @param isPossible - can it be begun now?
 */
export function startTlsResponder(isPossible: () => boolean): ResponderLocator {
  const responder = {
    command: START_TLS,
    respond: () => {
      if (isPossible()) return ignore;
      throw new RemoteAmpError("TLS_ERROR", "There is no TLS here, or it was begun already");
    },
  };
  return { locateResponder: (name) => (name === START_TLS.name ? responder : undefined) };
}

function ignore(): void {
  // Whoever sends the answer knows what is to be done.
}
