import type { ServerResponse } from "node:http";
import { Client } from "../client/client.js";
import { Credentials } from "../security/credentials.js";
import type { HostSecurity } from "../security/gate.js";
import { SILENT, unfailing } from "../util/log.js";
import { callHandler } from "./calls/call-handler.js";
import { Callables } from "./calls/callables.js";
import { dashboardHandler } from "./dashboard/dashboard.js";
import { frontDoor } from "./dashboard/front-door.js";
import { NodeBridge } from "./events/node-bridge.js";
import { publicationsHandler } from "./events/publications-handler.js";
import { publishHandler } from "./events/publish-handler.js";
import { SharedSubscriptions } from "./events/shared-subscriptions.js";
import { subscribeHandler } from "./events/subscribe-handler.js";
import type { Verifier } from "./events/verifier.js";
import { healthHandler } from "./health.js";
import { metricsHandler } from "./monitor/metrics.js";
import { Monitor } from "./monitor/monitor.js";
import { OpenStreams } from "./open-streams.js";
import { openApiHandler } from "./openapi/openapi-handler.js";
import { WEB_DEFAULTS, type WebGatewayOptions } from "./options.js";
import type { RequestHandler } from "./request-handler.js";
import { Router } from "./router.js";
import { staticFiles } from "./static-files.js";
import { type ListeningServer, startServer } from "./web-server.js";
import { WhoAsks } from "./who-asks.js";
import { workflowsHandler } from "./workflows/workflows-handler.js";

/** What a gateway consists of, once it is needed. */
export class GatewayParts {
  /** Answers requests. */
  readonly router: Router;
  /** Answers that go on. */
  readonly streams: OpenStreams;
  readonly #options: WebGatewayOptions;
  readonly #ownClient: Client | undefined;
  readonly #ownBridge: NodeBridge | undefined;
  readonly #monitor: Monitor | undefined;

  /**
   * Opens no connection.
   *
   * @param verifier - asked for at each request for events
   */
  constructor(options: WebGatewayOptions, verifier: () => Verifier | undefined) {
    const { nameserver, security } = options;
    const log = unfailing(options.log ?? SILENT);
    this.#options = options;
    this.#ownClient = options.client ? undefined : new Client({ nameserver, security, log });
    const client = options.client ?? this.#ownClient ?? new Client();
    this.streams = new OpenStreams(options.maxStreams ?? WEB_DEFAULTS.maxStreams);
    const limits = { ...WEB_DEFAULTS, ...defined(options) };
    const callables = new Callables(client, options);
    const handlers: RequestHandler[] = [
      ...(options.handlers ?? []),
      callHandler({ callables, streams: this.streams, limits }),
      publicationsHandler({ client, callables, streams: this.streams, limits }),
      healthHandler(client),
      openApiHandler(client, callables, { title: options.title ?? "Lamplighter", prefix: options.prefix ?? "" }),
    ];
    if (options.monitor) {
      this.#monitor = new Monitor({ client, intervalMs: limits.monitorIntervalMs });
      const opening = (response: ServerResponse): void => {
        this.streams.add(response);
      };
      handlers.push(
        workflowsHandler({ client, callables, streams: this.streams }),
        dashboardHandler(this.#monitor, { opening }),
        metricsHandler(this.#monitor),
      );
    }
    const { dispatcher, path } = options;
    // The same keys: the gateway is one, wherever it goes.
    if (dispatcher !== undefined) this.#ownBridge = new NodeBridge({ dispatcher, security: keysOf(security), log });
    const bridge = options.events ?? this.#ownBridge;
    if (bridge) {
      const subscriptions = new SharedSubscriptions(bridge, log);
      handlers.push(
        subscribeHandler({ bridge, subscriptions, verifier, streams: this.streams, limits, log }),
        publishHandler({ bridge, verifier, limits, log }),
      );
    }
    if (path !== undefined) handlers.push(staticFiles(path));
    if (options.monitor) handlers.push(frontDoor(options.prefix ?? ""));
    this.router = new Router({ handlers, whoAsks: new WhoAsks(options), prefix: options.prefix, log });
  }

  /** Starts the ready-made server. */
  async listen(address: string): Promise<ListeningServer> {
    const log = unfailing(this.#options.log ?? SILENT);
    return await startServer(
      address,
      (request, response) => void this.router.serve(request, response),
      this.#options,
      log,
    );
  }

  /** Ends what is open. */
  async close(server: ListeningServer | undefined): Promise<void> {
    this.streams.close();
    await server?.close(this.#options.drainMs ?? WEB_DEFAULTS.drainMs);
    this.#monitor?.close();
    await this.#ownBridge?.close();
    await this.#ownClient?.close();
  }
}

/** By the keys that the client has, the node proves itself too. */
function keysOf(security: WebGatewayOptions["security"]): string | HostSecurity | undefined {
  if (security === undefined || typeof security === "string") return security;
  if (security instanceof Credentials || security.keys === undefined) return undefined;
  return { keys: security.keys };
}

/** Options that are given as `undefined` are left out. */
function defined(options: WebGatewayOptions): Partial<typeof WEB_DEFAULTS> {
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => Object.hasOwn(WEB_DEFAULTS, name) && value !== undefined),
  );
}
