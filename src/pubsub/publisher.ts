import { ConfigurationError } from "../errors.js";
import { markProvider } from "../service/provider.js";
import type { Generate, Topical } from "./generator-run.js";
import { Publication, type PublicationOptions } from "./publication.js";

/**
 * Publishes under the name of an interface; provide it by a host, or export it from a module that `lamplighter serve` loads:
 *
 * ```ts
 * export const numbers = publisher("demo.interface.name", async function* () {
 *   while (true) {
 *     yield Math.random();
 *     await sleep(1000);
 *   }
 * });
 * ```
 *
 * The generator begins to run with the first subscriber, is ended with the last, and begins anew with the next. Without one, or beside
 * it, {@link Publication.publish} publishes from anywhere.
 *
 * @throws ConfigurationError for a name or an option that makes no sense
 */
export function publisher<T>(
  name: string,
  generate: (signal: AbortSignal) => AsyncIterable<T | Topical<T>>,
  options?: PublicationOptions,
): Publication<T>;
export function publisher<T>(name: string, options?: PublicationOptions): Publication<T>;
export function publisher<T>(
  name: string,
  first: Generate<T> | PublicationOptions = {},
  options: PublicationOptions = {},
): Publication<T> {
  return typeof first === "function"
    ? new Publication<T>(name, first, options)
    : new Publication<T>(name, undefined, first);
}

/** A method decorator of either kind, for methods that make what is published. */
export interface PublisherDecorator {
  (value: GeneratorMethod, context: ClassMethodDecoratorContext): void;
  <T extends GeneratorMethod>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<T>): void;
}

/** A method that makes what is published; it is told when nobody listens any more. */
export type GeneratorMethod = (signal: AbortSignal) => AsyncIterable<unknown>;

/**
 * Publishes what a method of a service yields, under the name of an interface of its own:
 *
 * ```ts
 * class Dice {
 *   @Publisher("demo.interface.name") async *numbers() {
 *     while (true) {
 *       yield Math.random();
 *       await sleep(1000);
 *     }
 *   }
 * }
 * ```
 *
 * It runs as that of {@link publisher} does.
 *
 * @throws ConfigurationError when it stands on something else, or for an option that makes no sense
 */
export function Publisher(name: string, options: PublicationOptions = {}): PublisherDecorator {
  // Wrong options are told where they stand, and not when a host starts.
  new Publication(name, undefined, options);
  return (first: object, second: ClassMethodDecoratorContext | string | symbol, third?: PropertyDescriptor): void => {
    if (typeof second === "object" && (second.static || second.private)) {
      throw new ConfigurationError("@Publisher is for public instance methods only");
    }
    const body: unknown = typeof second === "object" ? first : third?.value;
    if (typeof body !== "function") {
      const key = typeof second === "object" ? second.name : second;
      throw new ConfigurationError(`@Publisher stands on ${String(key)}, which is no method`);
    }
    markProvider(
      body,
      (instance) => new Publication(name, (signal) => (body as GeneratorMethod).call(instance, signal), options),
    );
  };
}
