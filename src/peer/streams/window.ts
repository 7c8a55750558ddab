/** Items that may be on their way before the receiver has taken any; part of the wire (docs/lamp-wire.md). */
export const STREAM_WINDOW_ITEMS = 64;
/** Bytes that may be on their way; a single item may always go. */
export const STREAM_WINDOW_BYTES: number = 1024 * 1024;
/** Streams that one peer may have open towards this end. */
export const MAX_STREAMS = 10_000;
