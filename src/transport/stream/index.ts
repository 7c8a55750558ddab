export { connectStream } from "./connect.js";
export { prepareHandshake } from "./handshake.js";
export { listenStreams, type StreamAcceptor } from "./listen.js";
export type {
  OctetStream,
  StreamHandlers,
  StreamListener,
  StreamListenOptions,
  StreamOptions,
  StreamPeer,
  StreamTls,
} from "./stream.js";
