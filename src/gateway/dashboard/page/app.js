import { Detail } from "./detail.js";
import { byId, setAttribute, setText } from "./dom.js";
import { latency, rate, time } from "./format.js";
import { Plot } from "./plot.js";
import { serviceTable } from "./services.js";
import { State } from "./state.js";
import { Workflows } from "./workflows.js";

/** The page: follows the server's events, and shows what they tell. */

const state = new State();
let selected;
let heardAt = Date.now();

const calls = new Plot(byId("plot-calls"), {
  title: "Calls per second",
  format: rate,
  series: [
    { name: "calls", key: "calls", className: "series-calls", area: true },
    { name: "errors", key: "errors", className: "series-errors" },
  ],
});
const latencies = new Plot(byId("plot-latency"), {
  title: "Latency",
  format: latency,
  series: [
    { name: "p50", key: "p50Ms", className: "series-p50" },
    { name: "p99", key: "p99Ms", className: "series-p99" },
  ],
});
const services = serviceTable(byId("services"), (name) => select(name === selected ? undefined : name));
const detail = new Detail(byId("detail"));
const workflows = new Workflows();
byId("close-detail").addEventListener("click", () => select(undefined));

function select(name) {
  selected = name;
  show();
}

function show() {
  const all = [...state.services.values()];
  const one = state.services.get(selected);
  if (!one) selected = undefined;
  const present = all.filter(({ health }) => health !== "gone");
  const last = all.flatMap(({ health, points }) => (health === "answers" ? points.slice(-1) : []));
  const total = (key) => last.reduce((sum, point) => sum + (point[key] ?? 0), 0);
  const p99 = last.map((point) => point.p99Ms).filter((ms) => ms !== null);
  const answering = present.filter(({ health }) => health === "answers" || health === "limited").length;
  setText(byId("tile-services"), `${answering} of ${present.length}`);
  setText(byId("tile-calls"), rate(total("calls")));
  setText(byId("tile-errors"), rate(total("errors")));
  setText(byId("tile-latency"), latency(p99.length === 0 ? null : Math.max(...p99)));
  setText(byId("plots-of"), one ? one.service : "All services");
  const points = state.points(selected);
  calls.update(points, state.at, state.intervalMs);
  latencies.update(points, state.at, state.intervalMs);
  services.update(all.map((service) => ({ ...service, isSelected: service.service === selected })));
  setText(byId("omitted"), `${state.omitted} more services are too many to be shown.`);
  byId("omitted").hidden = state.omitted === 0;
  detail.show(one);
  workflows.update(all);
  showNameserver();
}

function showNameserver() {
  const { address, isReachable, detail: why } = state.nameserver;
  const badge = byId("nameserver");
  setAttribute(badge, "data-state", isReachable === null ? "unknown" : isReachable ? "good" : "bad");
  setText(badge, `nameserver ${address}${isReachable === false ? " does not answer" : ""}`);
  if (isReachable === false)
    warn(`The nameserver does not answer; services are shown as it knew them last. ${why ?? ""}`);
  else if (isLive) warn(undefined);
}

let isLive = false;

function showLive(live) {
  isLive = live;
  const badge = byId("live");
  setAttribute(badge, "data-state", live ? "good" : "bad");
  setText(badge, live ? "live" : `not connected since ${time(heardAt)}`);
  if (!live)
    warn("The connection to the server is lost. What is shown is not up to date. It is tried again every second.");
}

function warn(text) {
  byId("alert").hidden = text === undefined;
  if (text !== undefined) setText(byId("alert"), text);
}

let drawn;

/** The page is drawn at most once a frame, and not at all while nobody sees it. */
function showSoon() {
  drawn ??= requestAnimationFrame(() => {
    drawn = undefined;
    show();
  });
}

function follow() {
  const events = new EventSource("dashboard/events");
  const heard = (take) => (event) => {
    take(JSON.parse(event.data));
    heardAt = Date.now();
    if (!isLive) showLive(true);
    showSoon();
  };
  events.addEventListener(
    "snapshot",
    heard((snapshot) => state.replace(snapshot)),
  );
  events.addEventListener(
    "update",
    heard((update) => state.merge(update)),
  );
  events.addEventListener("error", () => {
    showLive(false);
    // The browser comes back by itself after a break, but not after a refusal.
    if (events.readyState !== EventSource.CLOSED) return;
    events.close();
    setTimeout(follow, 2_000);
  });
}

follow();
// A connection that says nothing, as when the server was stopped, looks like one where nothing happens.
setInterval(() => {
  if (isLive && Date.now() - heardAt > 5 * state.intervalMs + 2_000) showLive(false);
}, 1_000);
