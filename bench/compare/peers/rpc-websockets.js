// rpc-websockets: JSON-RPC 2.0. Bytes travel as base64.
import { Client, Server } from "rpc-websockets";

export async function serve() {
  const server = new Server({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await new Promise((resolve) => server.once("listening", resolve));
  server.register("echo", ([value]) => value);
  return `ws://127.0.0.1:${server.wss.address().port}`;
}

export async function connect(address) {
  const client = new Client(address, { perMessageDeflate: false });
  await new Promise((resolve) => client.once("open", resolve));
  return {
    small: (value) => client.call("echo", [value]),
    bytes: async (bytes) => Buffer.from(await client.call("echo", [bytes.toString("base64")]), "base64"),
  };
}
