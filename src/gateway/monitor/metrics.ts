import type { MethodStats } from "../../peer/stats/method-calls.js";
import { DURATION_BOUNDS_MS } from "../../util/histogram.js";
import type { RequestHandler } from "../request-handler.js";
import type { Monitor } from "./monitor.js";
import { histogramSeries, type Labels, PrometheusText, type Series } from "./prometheus.js";
import { publicationsOf } from "./sections.js";
import type { Counters } from "./told-stats.js";
import type { MonitorSnapshot, ServiceView } from "./view.js";

/** Options of {@link metricsHandler}. */
export interface MetricsOptions {
  /** Where the metrics are; default `/metrics`. */
  readonly path?: string | undefined;
  /** Methods of all services, kinds of their errors, and topics of all publishers, that are told of at most; default 2,000 each. */
  readonly maxRows?: number | undefined;
}

/**
 * Answers with everything that a monitor knows in Prometheus's text format, and asks the services for it at each request:
 *
 *     GET /metrics
 */
export function metricsHandler(monitor: Monitor, options: MetricsOptions = {}): RequestHandler {
  const { path = "/metrics", maxRows = 2_000 } = options;
  return async (request, response, url) => {
    if (url.pathname !== path) return false;
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end();
      return true;
    }
    const snapshot = await monitor.read();
    const body = metricsText(snapshot, (service) => monitor.statsOf(service), maxRows);
    response.writeHead(200, { "content-type": PrometheusText.contentType, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : body);
    return true;
  };
}

/** A snapshot in Prometheus's text format. */
function metricsText(
  { nameserver, services, omitted }: MonitorSnapshot,
  statsOf: (service: string) => Counters | undefined,
  maxRows: number,
): string {
  const text = new PrometheusText();
  const present = services.filter(({ health }) => health !== "gone");
  const told = present.flatMap(({ service, health }) => {
    const stats = health === "answers" ? statsOf(service) : undefined;
    return stats ? [{ service, stats }] : [];
  });
  const all = told.flatMap(({ service, stats }) => stats.methods.map((method) => ({ service, method })));
  const rows = all.slice(0, maxRows);

  text.metric("lamplighter_nameserver_up", "gauge", "Whether the nameserver answers.", [
    { labels: {}, value: nameserver.isReachable === true ? 1 : 0 },
  ]);
  text.metric("lamplighter_up", "gauge", "Whether a registered service answers.", present.flatMap(upOf));
  text.metric("lamplighter_omitted_services", "gauge", "Registered services that are too many to be watched.", [
    { labels: {}, value: omitted },
  ]);
  text.metric("lamplighter_omitted_methods", "gauge", "Methods that are too many to be told of.", [
    { labels: {}, value: all.length - rows.length },
  ]);
  text.metric(
    "lamplighter_lease_remaining_seconds",
    "gauge",
    "Time until the nameserver forgets a service that does not renew.",
    present.flatMap(({ service, lease }) =>
      typeof lease?.leftMs === "number" ? [{ labels: { service }, value: lease.leftMs / 1000 }] : [],
    ),
  );

  const ofRows = (values: (method: MethodStats, labels: Labels) => Series[]): Series[] =>
    rows.flatMap(({ service, method }) =>
      values(method, { service, interface: method.interface, method: method.method }),
    );
  text.metric(
    "lamplighter_calls_total",
    "counter",
    "Calls that were begun or refused.",
    ofRows(({ calls }, labels) => [{ labels, value: calls }]),
  );
  text.metric(
    "lamplighter_calls_running",
    "gauge",
    "Calls that run now.",
    ofRows(({ running }, labels) => [{ labels, value: running }]),
  );
  text.metric(
    "lamplighter_call_errors_total",
    "counter",
    "Calls that were answered with an error, by code and outcome.",
    ofRows(({ errors }, labels) =>
      errors.map(({ code, outcome, count }) => ({ labels: { ...labels, code, outcome }, value: count })),
    ).slice(0, maxRows),
  );
  text.metric(
    "lamplighter_call_duration_seconds",
    "histogram",
    "Time from the arrival of a call to its answer. Of calls that come in bulk some are timed.",
    ofRows(({ latency }, labels) =>
      histogramSeries(labels, COARSE_SECONDS, coarse(latency.counts), latency.totalMs / 1000),
    ),
  );

  const ofHosts = (value: (stats: Counters) => number): Series[] =>
    told.map(({ service, stats }) => ({ labels: { service }, value: value(stats) }));
  for (const [name, type, help, value] of HOST_METRICS) text.metric(name, type, help, ofHosts(value));

  const publications = present.flatMap(({ service, sections }) =>
    publicationsOf(sections).map((publication) => ({ service, ...publication })),
  );
  text.metric(
    "lamplighter_published_total",
    "counter",
    "Values that were published, by topic.",
    publications
      .flatMap(({ service, interface: name, topics }) =>
        topics.map(({ topic, published }) => ({ labels: { service, interface: name, topic }, value: published })),
      )
      .slice(0, maxRows),
  );
  text.metric(
    "lamplighter_subscribers",
    "gauge",
    "Subscribers of a publisher.",
    publications
      .map(({ service, interface: name, subscribers }) => ({
        labels: { service, interface: name },
        value: subscribers.length,
      }))
      .slice(0, maxRows),
  );
  return text.toString();
}

/** A service that cannot be asked is neither up nor down. */
function upOf({ service, health }: ServiceView): Series[] {
  return health === "unknown" ? [] : [{ labels: { service }, value: health === "silent" ? 0 : 1 }];
}

/** One number a host. */
const HOST_METRICS: readonly (readonly [string, "counter" | "gauge", string, (stats: Counters) => number])[] = [
  ["lamplighter_uptime_seconds", "gauge", "Time since the host was made.", ({ uptimeMs }) => uptimeMs / 1000],
  ["lamplighter_pending_calls", "gauge", "Calls that run or wait.", ({ pending }) => pending],
  ["lamplighter_peers", "gauge", "Peers that are connected.", ({ peers }) => peers],
  [
    "lamplighter_resident_memory_bytes",
    "gauge",
    "Memory of the process.",
    ({ process: { residentBytes } }) => residentBytes,
  ],
  [
    "lamplighter_heap_used_bytes",
    "gauge",
    "Memory of JavaScript objects.",
    ({ process: { heapUsedBytes } }) => heapUsedBytes,
  ],
  ["lamplighter_cpu_seconds_total", "counter", "Time of a processor.", ({ process: { cpuMs } }) => cpuMs / 1000],
  [
    "lamplighter_event_loop_active_seconds_total",
    "counter",
    "Time that the event loop has worked.",
    ({ process: { loopActiveMs } }) => loopActiveMs / 1000,
  ],
  [
    "lamplighter_event_loop_delay_seconds",
    "gauge",
    "Time that the event loop took to come around just now.",
    ({ process: { loopDelayMs } }) => loopDelayMs / 1000,
  ],
];

/** Every other bound, in seconds: three a decade are enough for whoever keeps them for months. */
const COARSE_SECONDS: readonly number[] = DURATION_BOUNDS_MS.filter((_, index) => index % 2 === 0).map((ms) =>
  Number((ms / 1000).toPrecision(3)),
);

/** Two classes in one; the first bound is kept, so the first class stays as it is. */
function coarse(counts: readonly number[]): number[] {
  const merged: number[] = [];
  for (const [index, count] of counts.entries()) {
    const into = Math.ceil(index / 2);
    merged[into] = (merged[into] ?? 0) + count;
  }
  return merged;
}
