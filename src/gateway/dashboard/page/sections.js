import { element, setText } from "./dom.js";
import { count, rate } from "./format.js";
import { Table } from "./tables.js";

/** What others have added to the statistics of a service: what is known as tables, the rest as it is. */
export class Sections {
  #parent;
  #shownOf;
  #views = new Map();

  constructor(parent) {
    this.#parent = parent;
  }

  show({ service, incarnation, sections, at = Date.now() }) {
    const shown = `${service} ${incarnation}`;
    if (this.#shownOf !== shown) {
      this.#parent.replaceChildren();
      this.#views.clear();
      this.#shownOf = shown;
    }
    for (const [name, view] of this.#views) {
      if (name in sections) continue;
      view.element.remove();
      this.#views.delete(name);
    }
    for (const [name, value] of Object.entries(sections)) {
      let view = this.#views.get(name);
      if (!view) {
        const box = element("div");
        view = { element: box, update: (KNOWN.get(name) ?? generic)(box, name) };
        this.#views.set(name, view);
        this.#parent.append(box);
      }
      view.update(value, at);
    }
  }
}

const list = (value) => (Array.isArray(value) ? value.filter((item) => typeof item === "object" && item !== null) : []);
// What is told may be anything, also an object whose toString is none.
const text = (value) =>
  value === undefined || value === null ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value);
const number = (title, key, format = count) => ({
  title,
  className: "number",
  sort: (row) => row[key],
  text: (row) => (typeof row[key] === "number" ? format(row[key]) : "–"),
});
const name = (title, key) => ({
  title,
  className: "name",
  sort: (row) => text(row[key]),
  text: (row) => text(row[key]),
});

function tableIn(box, caption, columns, keyOf) {
  const scroll = element("div", { class: "scroll" });
  box.append(scroll);
  return new Table(scroll, columns, { caption, keyOf });
}

/** `[{ interface, topics: [{ topic, published, rate? }], subscribers: [{ id, user?, topics, policy, delivered, dropped, queued, gaps? }] }]` */
function publications(box) {
  const topics = tableIn(
    box,
    "Topics",
    [
      name("Interface", "interface"),
      name("Topic", "topic"),
      number("Published", "published"),
      number("Published/s", "rate", rate),
    ],
    (row) => `${row.interface} ${row.topic}`,
  );
  const subscribers = tableIn(
    box,
    "Subscribers",
    [
      name("Subscriber", "id"),
      name("User", "user"),
      name("Interface", "interface"),
      { ...name("Topics", "topics"), text: (row) => [row.topics].flat().map(text).join(", ") },
      name("Policy", "policy"),
      number("Delivered", "delivered"),
      number("Delivered/s", "deliveredRate", rate),
      number("Dropped", "dropped"),
      number("Gaps", "gaps"),
      number("Waiting", "queued"),
    ],
    (row) => `${row.interface} ${row.id}`,
  );
  const rates = new Rates();
  return (value, at) => {
    const all = list(value);
    const published = all.flatMap((one) => list(one.topics).map((topic) => ({ ...topic, interface: one.interface })));
    const subscribed = all.flatMap((one) => list(one.subscribers).map((row) => ({ ...row, interface: one.interface })));
    for (const row of published) row.rate ??= rates.of(`topic ${row.interface} ${row.topic}`, row.published, at);
    for (const row of subscribed) row.deliveredRate = rates.of(`to ${row.interface} ${row.id}`, row.delivered, at);
    topics.update(published);
    subscribers.update(subscribed);
  };
}

/** `{ subs, pubs, nodes, subscriptions, table: [{ event, host, node, incarnation }] }` */
function dispatcher(box) {
  const summary = element("p", { class: "note" });
  box.append(element("h3", {}, "Dispatcher"), summary);
  const table = tableIn(
    box,
    "Subscriptions",
    [name("Event", "event"), name("Host", "host"), name("Node", "node"), name("Run of the node", "incarnation")],
    (row) => `${row.event} ${row.host} ${row.node} ${row.incarnation}`,
  );
  const rates = new Rates();
  return (value, at) => {
    const perSecond = rates.of("deliveries", value?.pubs, at);
    const now = typeof perSecond === "number" ? `, ${rate(perSecond)}/s` : "";
    setText(
      summary,
      `${text(value?.nodes)} nodes, ${text(value?.subscriptions)} subscriptions. Since its start: ${text(value?.subs)} times subscribed, ` +
        `${text(value?.pubs)} events delivered${now}.`,
    );
    table.update(list(value?.table));
  };
}

function generic(box, title) {
  const pre = element("pre", { tabindex: "0" });
  box.append(element("h3", {}, title), pre);
  return (value) => setText(pre, JSON.stringify(value, null, 2).slice(0, 20_000));
}

const KNOWN = new Map([
  ["publications", publications],
  ["dispatcher", dispatcher],
]);

/** Differences of counters, over a few seconds. */
class Rates {
  #kept = new Map();

  of(key, value, at) {
    if (typeof value !== "number") return undefined;
    // Subscribers come and go.
    if (this.#kept.size > 5_000) this.#kept.clear();
    const seen = this.#kept.get(key) ?? [];
    if (seen.length > 0 && value < seen.at(-1).value) seen.length = 0;
    if (at - (seen.at(-1)?.at ?? 0) > 500) seen.push({ at, value });
    while (seen.length > 2 && seen[1].at < at - 5_000) seen.shift();
    this.#kept.set(key, seen);
    const [first] = seen;
    return at - first.at < 500 ? undefined : ((value - first.value) * 1000) / (at - first.at);
  }
}
