import { ConfigurationError } from "../errors.js";
import { didYouMean } from "../util/did-you-mean.js";

/**
 * A rule with a member that is misspelt would be for more than was meant, without a word.
 *
 * @throws ConfigurationError when it is no object, or has another member than these
 */
export function requireMembers(rule: unknown, known: readonly string[], where: string): void {
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) {
    throw new ConfigurationError(`${where} is an object with the members ${known.join(", ")}`);
  }
  for (const name of Object.keys(rule)) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known) || ` (the members are ${known.join(", ")})`;
    throw new ConfigurationError(`${where} has a member ${JSON.stringify(name)}, which means nothing${hint}`);
  }
}
