/** What a signature is for, beyond what older verifiers look at. */
export interface SignedRequest {
  /** What is asked for. */
  readonly action: "subscribe" | "publish";
  /** Addresses of the events, as they were given. */
  readonly events: readonly string[];
  /** The parameter `timestamp`, which publishing needs not have. */
  readonly timestamp: string | undefined;
}

/** Says whether requests for events are signed by whom they should be. */
export interface Verifier {
  /**
   * Looks at a signature. What throws or rejects counts as no.
   *
   * @param first - to subscribe the header `X-Verify-Key`, `""` for none; to publish the address of the event
   * @param second - to subscribe the timestamp; to publish the text of the message
   * @param signature - as it was given
   * @param request - the same and more, by name
   */
  verify(first: string, second: string, signature: string, request: SignedRequest): boolean | Promise<boolean>;
}
