export { connectStream } from "./connect.js";
export { listenStreams, type StreamAcceptor } from "./listen.js";
export { requireStreamTls } from "./require-tls.js";
export type {
  OctetStream,
  StreamHandlers,
  StreamListener,
  StreamListenOptions,
  StreamOptions,
  StreamPeer,
  StreamTls,
} from "./stream.js";
