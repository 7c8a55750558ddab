// Bare node:net with msgpackr: ids, frames with a length, everything of one turn of the event loop in one frame. What
// JavaScript on a socket can do, without any of what makes a library.
import { createServer, connect as open } from "node:net";
import { Packr, Unpackr } from "msgpackr";

const LENGTH = 4;

/** Sends and reads batches of records. */
function channel(socket, onBatch) {
  const packr = new Packr({ useRecords: false });
  const unpackr = new Unpackr({ useRecords: false });
  let batch = [];
  let rest = [];
  let size = 0;
  socket.setNoDelay(true);
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    rest.push(chunk);
    size += chunk.length;
    if (size < LENGTH) return;
    if (rest[0].length < LENGTH) rest = [Buffer.concat(rest, size)];
    if (size < LENGTH + rest[0].readUInt32BE(0)) return;
    const bytes = rest.length === 1 ? rest[0] : Buffer.concat(rest, size);
    let at = 0;
    while (bytes.length - at >= LENGTH) {
      const end = at + LENGTH + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      onBatch(unpackr.unpack(bytes.subarray(at + LENGTH, end)));
      at = end;
    }
    rest = at < bytes.length ? [bytes.subarray(at)] : [];
    size = bytes.length - at;
  });
  const flush = () => {
    const body = packr.pack(batch);
    batch = [];
    const head = Buffer.allocUnsafe(LENGTH);
    head.writeUInt32BE(body.length);
    socket.cork();
    socket.write(head);
    socket.write(body);
    socket.uncork();
  };
  return (record) => {
    batch.push(record);
    if (batch.length === 1) setImmediate(flush);
  };
}

const methods = { echo: async (value) => value };

export async function serve() {
  const server = createServer((socket) => {
    const send = channel(socket, (batch) => {
      for (const [id, method, value] of batch) methods[method](value).then((result) => send([id, result]));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return String(server.address().port);
}

export async function connect(address) {
  const socket = open(Number(address), "127.0.0.1");
  const pending = new Map();
  let id = 0;
  const send = channel(socket, (batch) => {
    for (const [answered, result] of batch) {
      pending.get(answered)(result);
      pending.delete(answered);
    }
  });
  const echo = (value) =>
    new Promise((resolve) => {
      pending.set(++id, resolve);
      send([id, "echo", value]);
    });
  return { small: echo, bytes: echo };
}
