import { BadRequestError, ConfigurationError } from "../../errors.js";
import { shared } from "../../util/shared.js";

/** Turns data into what travels over a stream, and back. nodeset: `Formatter`, whose functions travel; here only its name does. */
export class Formatter {
  /** By which both sides know it. */
  readonly name: string;

  /**
   * A formatter of that name; this class changes nothing.
   *
   * @param name - default `identity`
   */
  constructor(name = "identity") {
    this.name = name;
  }

  /** What travels. Default the data itself. */
  encode(data: unknown): unknown {
    return data;
  }

  /** The data again. Default what travelled. */
  decode(data: unknown): unknown {
    return data;
  }
}

const formatters = shared("formatters", () => new Map<string, Formatter>([["identity", new Formatter()]]));

/**
 * Makes a formatter known by its name, on the side that sends and on the side that receives.
 *
 * @throws ConfigurationError when there is another of that name
 */
export function registerFormatter(formatter: Formatter): void {
  const known = formatters.get(formatter.name);
  if (known && known.constructor !== formatter.constructor) {
    throw new ConfigurationError(`There is another formatter named ${JSON.stringify(formatter.name)}`);
  }
  formatters.set(formatter.name, formatter);
}

/**
 * The formatter of a name.
 *
 * @throws BadRequestError when this process knows none
 */
export function findFormatter(name: string): Formatter {
  const found = formatters.get(name);
  if (found) return found;
  throw new BadRequestError(`There is no formatter ${JSON.stringify(name)} here: register it at both sides`);
}
