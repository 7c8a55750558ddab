import type { Authenticator } from "../../../security/gate.js";
import type { KeyFolder } from "../../../security/key-folder.js";
import type { LinkSecurity, ListenerSecurity, PeerIdentity, PeerOrigin } from "../../../transport/index.js";
import type { Logger } from "../../../util/log.js";
import type { Login } from "../../../wire/pseud/login-body.js";
import type { PredicateArguments } from "../predicates.js";

/** Who may come in, by name: a password, or a public key (40 characters of Z85, or 32 octets), whichever the plugin asks for. */
export type Users = Readonly<Record<string, string | Uint8Array>>;

/** What the options of an endpoint say of security. */
export interface SecuritySettings {
  /** Its own keys, `{ publicKey, secretKey }` or a folder of keys. */
  readonly keys?: KeysOption | undefined;
  /** The public key that the server has to have. */
  readonly serverKey?: string | Uint8Array | undefined;
  /** Login of a client. */
  readonly userId?: Uint8Array | undefined;
  /** Password of a client; may be empty. */
  readonly password?: Uint8Array | undefined;
  /** Who may come in. */
  readonly users?: Users | undefined;
  /** Decides who may come in, in place of a list. */
  readonly authenticator?: Authenticator | undefined;
  /** Wrong log-ins from one IP address in a minute, after which none of it is looked at for the rest of that. */
  readonly maxFailedLogins?: number | undefined;
  /** Told who was not let in. */
  readonly log: Logger;
}

/** A pair of keys, each 40 characters of Z85, or 32 octets. */
export interface KeyTexts {
  /** May be told to anybody. */
  readonly publicKey: string | Uint8Array;
  /** Never leaves the process. */
  readonly secretKey: string | Uint8Array;
}

/** Keys of an endpoint: a pair, or a folder of keys, also by its path. */
export type KeysOption = string | KeyFolder | KeyTexts;

/** A way to know who is calling, found by name or given as an object. Each endpoint gets one of its own. */
export interface SecurityPlugin {
  /** What options call it. */
  readonly name: string;
  /**
   * The end that lets in.
   *
   * @throws ConfigurationError when the settings lack something
   */
  server(settings: SecuritySettings): ServerSecurity;
  /**
   * The end that proves who it is.
   *
   * @throws ConfigurationError when the settings lack something
   */
  client(settings: SecuritySettings): ClientSecurity;
}

/** Decides who may call a server. */
export interface ServerSecurity {
  /** Who may connect, and as which user; default everybody, without a name. */
  readonly listener?: ListenerSecurity | undefined;
  /** Asks those who have connected to log in as well; absent: they are known by then. */
  readonly challenge?: Challenge | undefined;
  /** What predicates get to know of a user; default `{ user }`, the name. */
  readonly predicateArguments?: ((user: string) => PredicateArguments | Promise<PredicateArguments>) | undefined;
}

/** A log-in of its own, above the connection's. */
export interface Challenge {
  /** Who a connection belongs to; `undefined` for one that has to log in first. */
  userOf(identity: PeerIdentity): string | undefined;
  /**
   * Somebody logs in.
   *
   * @returns the user's name, or `undefined` to refuse
   */
  logIn(login: Login, identity: PeerIdentity, origin: PeerOrigin): string | undefined | Promise<string | undefined>;
}

/** Proves who a client is. */
export interface ClientSecurity {
  /** To the connection; default not at all. */
  readonly link?: LinkSecurity | undefined;
  /** To a server that asks for a log-in above that. */
  readonly login?: Login | undefined;
}
