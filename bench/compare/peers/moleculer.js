// moleculer over its TCP transporter, without discovery over UDP. Bytes travel as base64.

import { createServer } from "node:net";
import moleculer from "moleculer";

const { ServiceBroker } = moleculer;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Its nodes know each other by name and port beforehand: there is one client. */
export const oneClient = true;

const broker = (nodeID, port, urls) =>
  new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: "TCP", options: { udpDiscovery: false, maxPacketSize: 2 ** 28, port, urls } },
  });

export async function serve() {
  const ports = [await freePort(), await freePort()];
  const urls = [`127.0.0.1:${ports[0]}/server`, `127.0.0.1:${ports[1]}/client`];
  const server = broker("server", ports[0], urls);
  server.createService({ name: "bench", actions: { echo: (context) => context.params.value } });
  await server.start();
  return JSON.stringify({ port: ports[1], urls });
}

export async function connect(address) {
  const { port, urls } = JSON.parse(address);
  const client = broker("client", port, urls);
  await client.start();
  await client.waitForServices("bench");
  const echo = (value) => client.call("bench.echo", { value });
  return {
    small: echo,
    bytes: async (bytes) => Buffer.from(await echo(bytes.toString("base64")), "base64"),
  };
}
