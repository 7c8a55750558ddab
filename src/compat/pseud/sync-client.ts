import { createProxy } from "../../peer/proxy.js";
import type { Dynamic } from "../../peer/remote.js";
import { SILENT } from "../../util/log.js";
import { ErrorNames } from "../../wire/pseud/error-names.js";
import { LATEST_ANSWER_MS } from "../../wire/pseud/index.js";
import { encodeLogin } from "../../wire/pseud/login-body.js";
import { TranslationTable } from "../../wire/pseud/translation-table.js";
import { DEFAULT_LIMITS } from "../../wire/wire.js";
import { checkOptions, SYNC_CLIENT_OPTIONS } from "./check-options.js";
import { idText, toOctets } from "./octets.js";
import type { SyncClientOptions } from "./options.js";
import { classOfProxies } from "./proxy-class.js";
import { findSecurity } from "./security/index.js";
import { SyncCalls } from "./sync-calls.js";
import { isSyncClient, SyncHandle } from "./sync-handle.js";
import type { SyncRemote } from "./sync-remote.js";

/** The own verbs of a blocking client; every other name is a remote one. */
export interface SyncClientVerbs extends Disposable {
  /**
   * Keeps a connection to an address from now on, and makes it again when it breaks. Does not wait for it: calls do.
   *
   * @param address - `tcp://HOST:PORT` or `ipc://PATH`
   * @throws ConfigurationError for a wrong address, and for a client that is connected already, or was closed
   */
  connect(address: string): void;
  /**
   * As in pseud. There is nothing to do.
   *
   * @throws ConfigurationError for a client that is not connected
   * @throws RpcError with code `CLOSED` for one that was closed
   */
  start(): void;
  /** The same as `close`; as in pseud. */
  stop(): void;
  /** Ends the connection. Further calls fail with `CLOSED`. Idempotent. */
  close(): void;
}

/**
 * A client whose calls return values instead of promises, for scripts and the REPL: the thread that calls sleeps until the answer is
 * there.
 *
 * ```ts
 * interface Service {
 *   hello(name: string): string;
 * }
 * using client = new SyncClient<Service>({ security: "plain", userId: "alice", password: "s3cret" });
 * client.connect("tcp://127.0.0.1:5555");
 * const text = client.hello("Charly");
 * ```
 *
 * Nothing else runs in the thread meanwhile: no timer, no promise, no other call. In a process that serves others a `Client` is right.
 * A server in the same thread could never answer, so that the call ends with `TIMEOUT`, after `timeoutMs` (default 5,000).
 *
 * The connection is kept by a thread of its own, which `connect()` starts and which loads nothing but the connection: it is most
 * likely made by the time of the first call, which then costs little more than that of a `Client` (`npm run bench`). The thread does not
 * keep the process alive, and ends with it or with `close()`.
 *
 * It serves no jobs: a server that calls one is told that there is none. It sends no probe and no signs of life. After a call
 * that has failed, whatever the reason, it can be used on. The names of {@link SyncClientVerbs} are its own; `call(client, "start")` calls
 * a job that is called so.
 */
export type SyncClient<T = Dynamic> = SyncClientVerbs & SyncRemote<T>;

/** Makes blocking clients. Throws a `ConfigurationError` for a wrong option. */
export type SyncClientConstructor = new <T = Dynamic>(options?: SyncClientOptions) => SyncClient<T>;

/** See {@link SyncClientConstructor}. */
export const SyncClient: SyncClientConstructor = classOfProxies(
  "SyncClient",
  isSyncClient,
  (options: SyncClientOptions = {}) => {
    checkOptions("blocking client", options, SYNC_CLIENT_OPTIONS);
    const { security, keys, serverKey, userId, password, log = SILENT } = options;
    const { link, login } = findSecurity(security).client({
      keys,
      serverKey,
      userId: userId === undefined ? undefined : toOctets(userId),
      password: password === undefined ? undefined : toOctets(password),
      log,
    });
    const calls = new SyncCalls({
      serverId: idText(options.serverId ?? "", "The option serverId"),
      security: link,
      hello: login && encodeLogin(login),
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      maxMessageBytes: options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes,
      codec: {
        translations: options.translations ?? new TranslationTable(),
        errorNames: new ErrorNames(),
        latestAnswerMs: LATEST_ANSWER_MS,
      },
    });
    return createProxy(new SyncHandle(calls, verbsOf(calls)));
  },
) as SyncClientConstructor;

function verbsOf(calls: SyncCalls): ReadonlyMap<string, unknown> {
  const close = (): void => {
    calls.close();
  };
  const verbs: Record<Exclude<keyof SyncClientVerbs, symbol>, unknown> = {
    connect: (address: string) => {
      calls.connect(address);
    },
    start: () => {
      calls.start();
    },
    stop: close,
    close,
  };
  return new Map(Object.entries(verbs));
}

const DEFAULT_TIMEOUT_MS = 5_000;
