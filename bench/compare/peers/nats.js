// NATS: request and reply through nats-server, JSON; bytes as they are.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { JSONCodec, connect as open } from "nats";

const codec = JSONCodec();

export async function serve() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const broker = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  process.once("exit", () => broker.kill());
  once(broker, "error").then(() => process.exit(1));
  const servers = `127.0.0.1:${port}`;
  const connection = await open({ servers, waitOnFirstConnect: true, maxReconnectAttempts: 50, reconnectTimeWait: 50 });
  connection.subscribe("json", { callback: (_, message) => message.respond(codec.encode(codec.decode(message.data))) });
  connection.subscribe("bytes", { callback: (_, message) => message.respond(message.data) });
  await connection.flush();
  return JSON.stringify({ servers, pid: broker.pid });
}

export async function connect(address) {
  const { servers, pid } = JSON.parse(address);
  const connection = await open({ servers });
  return {
    small: async (value) => codec.decode((await connection.request("json", codec.encode(value))).data),
    bytes: async (bytes) => (await connection.request("bytes", bytes)).data,
    maxBytes: 1024 * 1024 - 1024,
    alsoRuns: pid,
  };
}
