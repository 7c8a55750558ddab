// ws with bare JSON: ids, one message a call. Bytes travel as base64.
import WebSocket, { WebSocketServer } from "ws";

export async function serve() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      const { id, value, count } = JSON.parse(String(data));
      if (count === undefined) socket.send(JSON.stringify({ id, value }));
      else {
        for (let n = 0; n < count; n++) socket.send(JSON.stringify({ id, item: n }));
        socket.send(JSON.stringify({ id, ended: true }));
      }
    });
  });
  return `ws://127.0.0.1:${server.address().port}`;
}

export async function connect(address) {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once("open", resolve));
  const pending = new Map();
  const streams = new Map();
  let last = 0;
  socket.on("message", (data) => {
    const { id, value, item, ended } = JSON.parse(String(data));
    const stream = streams.get(id);
    if (stream) stream(item, ended);
    else {
      pending.get(id)(value);
      pending.delete(id);
    }
  });
  const call = (value) =>
    new Promise((resolve) => {
      pending.set(++last, resolve);
      socket.send(JSON.stringify({ id: last, value }));
    });
  return {
    small: call,
    bytes: async (bytes) => Buffer.from(await call(bytes.toString("base64")), "base64"),
    count: async function* (count) {
      const id = ++last;
      const items = [];
      let wake;
      let over = false;
      streams.set(id, (item, ended) => {
        if (ended) over = true;
        else items.push(item);
        wake?.();
      });
      socket.send(JSON.stringify({ id, count }));
      while (!over || items.length > 0) {
        if (items.length === 0) await new Promise((resolve) => (wake = resolve));
        yield* items.splice(0);
      }
      streams.delete(id);
    },
  };
}
