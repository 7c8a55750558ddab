import type { RemoteType, TypedAs } from "../remote.js";
import type { MethodFunction, MethodOptions } from "./method-options.js";

/** Options of a method, and its function. */
export interface MethodWithOptions extends MethodOptions {
  /** What a call runs. */
  readonly run: MethodFunction;
}

/** A method of an `InterfaceDefinition`: a function, or options and a function. */
export type MethodDefinition = MethodFunction | MethodWithOptions;

/** Methods by name; the name may be overridden by the option `name`. */
export type MethodDefinitions = Readonly<Record<string, MethodDefinition>>;

/**
 * The type of an interface that was declared by `defineInterface`, as a class or interface would tell it:
 *
 * ```ts
 * type Query = InterfaceOf<typeof query>;
 * client.locate<Query>("com.foo.example"); // locate<typeof query>(…) does the same
 * ```
 *
 * {@link Dynamic} where the definition's own type does not tell its methods, as with `const query: InterfaceDefinition`.
 */
export type InterfaceOf<D extends TypedAs<object>> = RemoteType<D>;

/** The functions behind definitions of methods, by remote name. */
export type MethodsOf<M extends MethodDefinitions> = {
  readonly [K in keyof M as RemoteName<M[K], K>]: CallOf<M[K]>;
};

/** What a method is called from outside: as its option `name` says, else as its key. */
export type RemoteName<D, K> =
  D extends Required<Pick<MethodOptions, "name">> ? (string extends D["name"] ? K : D["name"] & string) : K;

/** A method as its callers see it. */
export type CallOf<D> = D extends MethodFunction
  ? D
  : D extends MethodWithOptions & Required<Pick<MethodOptions, "results">>
    ? (...args: Parameters<D["run"]>) => NamedResults<Awaited<ReturnType<D["run"]>>, D["results"]>
    : D extends MethodWithOptions
      ? D["run"]
      : never;

/** Several declared results come as an object; of one, the proxy gives the value. */
export type NamedResults<R, Names> = Names extends readonly [string, string, ...string[]]
  ? R extends readonly unknown[]
    ? {
        -readonly [I in keyof Names as I extends `${number}` ? Names[I] & string : never]: I extends keyof R
          ? R[I]
          : R[number];
      }
    : R extends object
      ? Pick<R, keyof R & Names[number]>
      : R
  : R;
