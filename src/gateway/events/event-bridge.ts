/** An event on its way to HTTP. */
export interface BridgedEvent {
  /** As it was published: `[[node@]host/]event`. */
  readonly uri: string;
  /** Its visible attributes as one JSON object, on one line. Asked once, however many read it. */
  json(): string;
}

/** An event address, taken apart. */
export interface EventName {
  /** The same text for all spellings of one address: `ev`, `/ev` and `localhost/ev` are one. */
  readonly uri: string;
  /** Name of the event alone. */
  readonly event: string;
}

/** What carries `/subscribe` and `/publish` to where events are. */
export interface EventBridge {
  /**
   * Takes an event address apart.
   *
   * @throws RpcError `BAD_REQUEST` for what is none
   */
  parse(uri: string): EventName;

  /**
   * Subscribes.
   *
   * @param uri - as {@link EventName.uri} has it
   * @param listener - told of each event, in order; must not throw
   * @param signal - fires when nobody waits for the subscription any more, before it is there; the promise should reject then
   * @returns ends the subscription
   */
  subscribe(uri: string, listener: (event: BridgedEvent) => void, signal: AbortSignal): Promise<() => Promise<void>>;

  /**
   * Publishes; settles when the event is taken.
   *
   * @param attributes - of the message, those that are hidden included; their names come from outside
   * @throws RpcError when it cannot be published
   */
  publish(uri: string, attributes: Readonly<Record<string, unknown>>): Promise<void>;
}
