/** Who calls, and how that is known. */
export interface Caller {
  /** User name. */
  readonly name: string;
  /** Roles that the authenticator grants. */
  readonly roles: readonly string[];
  /** How the name was proven: by a token of `org.pycom.authenticator`, a key (CURVE), or a password (PLAIN). */
  readonly proof: "token" | "key" | "password";
  /** Whatever else the authenticator says of the user. */
  readonly info: Readonly<Record<string, unknown>>;
}
