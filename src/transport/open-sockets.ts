/**
 * Sockets that are open, of whatever transport. Owners keep their sockets here: one of libzmq's that nobody references is
 * closed by the garbage collector even while it receives. Tests look at it for leaks.
 */
export const openSockets: Set<object> = new Set<object>();
