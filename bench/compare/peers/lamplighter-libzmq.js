// This package on libzmq: the same wire on another link.
import { connect as open, serve as start } from "./lamplighter.js";

export const serve = () => start("zeromq");

export const connect = (address) => open(address, "lamp", "zeromq");
