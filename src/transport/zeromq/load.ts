import { ConfigurationError } from "../../errors.js";
import { lazily } from "../../util/lazily.js";

const load = lazily("zeromq") as () => typeof import("zeromq");

/**
 * zeromq.js, which most processes never need.
 *
 * @throws ConfigurationError when its binary does not load on this machine
 */
export function zeromq(): typeof import("zeromq") {
  try {
    return load();
  } catch (error) {
    throw new ConfigurationError(
      `The transport zeromq needs the package zeromq, which does not load: ${(error as Error).message}. ` +
        '"lamplighter doctor" looks at this installation',
      { cause: error },
    );
  }
}
