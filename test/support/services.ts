import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { InterfaceDefinition } from "../../src/index.js";
import { AccessDeniedError, currentCall, defineInterface, RemoteError, reply } from "../../src/index.js";

/** A stateless interface with one method of each kind; the twin of the one in test/interop/python. */
export const echo: InterfaceDefinition = defineInterface("demo.echo", {
  doc: "Demo.",
  data: { any: "json" },
  methods: {
    echo: (value: unknown) => value,
    add: { params: { a: "number", b: "number", "c?": "number" }, idempotent: true, run: add },
    divmod: {
      params: ["a", "b"],
      results: ["quotient", "remainder"],
      run: (a: number, b: number) => [Math.floor(a / b), a % b],
    },
    one: { params: ["a"], results: "value", run: (a: unknown) => a },
    fail: {
      params: ["code", "text"],
      run: (code: number, message: string) => {
        throw new RemoteError(message, { number: code });
      },
    },
    crash: () => {
      throw new TypeError("a secret");
    },
    throwText: () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what is tested
      throw "no Error";
    },
    digest: {
      params: ["data"],
      attachments: { incoming: "data" },
      results: ["size", "sha256"],
      run: (data: Uint8Array | null) => [
        data?.byteLength ?? null,
        data && createHash("sha256").update(data).digest("hex"),
      ],
    },
    blob: {
      params: ["size"],
      attachments: { outgoing: "data" },
      results: ["size", "data"],
      run: (size: number) => [size, new Uint8Array(size).fill(7)],
    },
    onlyBlob: { attachments: { outgoing: "data" }, results: "data", run: () => new Uint8Array(3) },
    mirror: () => {
      const { attachment } = currentCall();
      return reply(attachment === undefined ? "absent" : attachment.byteLength, { attachment });
    },
    ext: () => {
      const call = currentCall();
      call.responseExtensions["demo.answer"] = 1;
      return call.extensions;
    },
    slow: { params: ["ms"], run: (ms: number) => setTimeout(ms, "slept", { signal: currentCall().signal }) },
    hang: () => new Promise(() => undefined),
    nan: () => ({ list: [1, NaN] }),
    ["__proto__"]: () => "proto",
  },
});

function add(a: number, b: number, c = 0): number {
  return a + b + c;
}

/** A stateful interface. */
export const counter: InterfaceDefinition = defineInterface("demo.counter", {
  stateful: true,
  methods: {
    counter: { results: "count", run: count },
    discard: () => {
      currentCall().session?.discard();
      return null;
    },
    boom: () => {
      throw new RemoteError("boom", { number: 100500 });
    },
    whoHoldsIt: () => process.pid,
  },
});

function count(): number {
  const { session } = currentCall();
  const next = ((session?.get("count") as number | undefined) ?? 0) + 1;
  session?.set("count", next);
  return next;
}

/** An interface that wants a token. */
export const locked: InterfaceDefinition = defineInterface("demo.locked", {
  authentication: "required",
  methods: {
    echo: (value: unknown) => value,
    whoami: () => currentCall().caller?.name ?? null,
  },
});

/** An authenticator with one user. */
export const authenticator: InterfaceDefinition = defineInterface("org.pycom.authenticator", {
  authentication: "never",
  methods: {
    authenticate: {
      params: ["user", "credentials"],
      run: (user: string, credentials: { password?: string } | null) => {
        if (user !== "ann" || credentials?.password !== "secret") throw denied("Wrong user or password");
        return { token: "token-of-ann" };
      },
    },
    validate: {
      params: { token: "string" },
      run: (token: string) => {
        if (token !== "token-of-ann") throw denied("Invalid token");
        return { name: "ann", roles: ["admin"] };
      },
    },
  },
});

function denied(message: string): Error {
  return new AccessDeniedError(message);
}
