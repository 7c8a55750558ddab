import type { Socket } from "node:net";
import { Duplex, Readable } from "node:stream";

/**
 * Makes a new owner's of a socket that nobody reads any more.
 *
 * @param raw - what `socket` is TLS over, or itself
 * @param rest - what was read, and is to be read again
 * @param hasEnded - the socket has told its end, to nobody who would tell the new owner
 */
export function giveAway(raw: Socket, socket: Socket, rest: Uint8Array, hasEnded: boolean): Duplex {
  // As any socket that an application makes: when the other end is done, so is this one.
  socket.allowHalfOpen = false;
  socket.on("error", ignore);
  if (raw !== socket) raw.on("error", ignore);
  if (hasEnded) {
    // The new owner is to hear of the end after what came before.
    const unread = Readable.from(rest.length > 0 ? [rest] : [], { objectMode: false });
    return Duplex.from({ readable: unread, writable: socket }).on("error", ignore);
  }
  if (rest.length > 0) socket.unshift(rest);
  // Neither flowing nor paused, as a socket is that is new.
  socket.on("readable", ignore).off("readable", ignore);
  return socket;
}

function ignore(): void {
  // Whom it concerns has a listener of its own.
}
