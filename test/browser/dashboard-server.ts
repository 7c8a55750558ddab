import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dashboardHandler } from "../../src/gateway/dashboard/dashboard.js";
import { metricsHandler } from "../../src/gateway/monitor/metrics.js";
import { Monitor } from "../../src/gateway/monitor/monitor.js";
import { Client } from "../../src/index.js";

/** The dashboard of a nameserver on a bare server. */
export interface DashboardServer {
  readonly url: string;
  readonly monitor: Monitor;
  close(): Promise<void>;
}

export async function serveDashboard(nameserver: string, port = 0): Promise<DashboardServer> {
  const client = new Client({ nameserver });
  const monitor = new Monitor({ client });
  const handlers = [metricsHandler(monitor), dashboardHandler(monitor)];
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? "/", "http://localhost");
      for (const handle of handlers) if (await handle(request, response, url)) return;
      response.writeHead(404).end();
    })();
  });
  await listening(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    monitor,
    async close() {
      monitor.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await client.close();
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
}
