// capnweb over ws.
import { newWebSocketRpcSession, RpcTarget } from "capnweb";
import WebSocket, { WebSocketServer } from "ws";

// Node.js 22 has one of its own.
globalThis.WebSocket ??= WebSocket;

class Api extends RpcTarget {
  echo(value) {
    return value;
  }
}

export async function serve() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => newWebSocketRpcSession(socket, new Api()));
  return `ws://127.0.0.1:${server.address().port}`;
}

export async function connect(address) {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once("open", resolve));
  const api = newWebSocketRpcSession(socket);
  return {
    small: (value) => api.echo(value),
    bytes: async (bytes) => await api.echo(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
  };
}
