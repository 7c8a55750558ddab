import { element, setAttribute, setText } from "./dom.js";
import { count, duration, latency, rate } from "./format.js";
import { Table } from "./tables.js";

const HEALTH = {
  answers: "answers",
  limited: "answers, no figures",
  silent: "does not answer",
  gone: "gone",
  unknown: "unknown",
};

/** How a service is doing, in words. */
export function healthText({ health, since }) {
  const text = HEALTH[health] ?? health;
  return health === "gone" || health === "silent" ? `${text}, ${duration(Date.now() - since)}` : text;
}

/** The table of all services. */
export function serviceTable(parent, onSelect) {
  const last = (key) => (row) => (row.health === "answers" ? (row.points?.at(-1)?.[key] ?? null) : null);
  const whileThere = (key) => (row) => (row.health === "answers" ? row[key] : null);
  const number = (title, read, text, minor = "") => ({
    title,
    className: `number ${minor}`,
    sort: read,
    text: (row) => text(read(row)),
  });
  return new Table(
    parent,
    [
      {
        title: "Service",
        className: "name",
        sort: ({ service = "" }) => service,
        make() {
          const button = element("button", { type: "button" });
          button.addEventListener("click", () => onSelect(button.textContent));
          return element("div", {}, button, element("small"));
        },
        update(cell, row) {
          setText(cell.firstElementChild, row.service);
          setAttribute(cell.firstElementChild, "aria-pressed", String(row.isSelected));
          setText(cell.lastElementChild, row.interfaces.join(", "));
        },
      },
      {
        title: "Health",
        sort: ({ health = "" }) => health,
        make: () => element("span", { class: "health" }),
        update(cell, row) {
          setAttribute(cell, "data-health", row.health);
          setAttribute(cell, "title", row.detail ?? undefined);
          setText(cell, healthText(row));
        },
      },
      number("Calls/s", last("calls"), rate),
      number("Errors/s", last("errors"), rate),
      number("p50", last("p50Ms"), latency, "minor"),
      number("p99", last("p99Ms"), latency),
      number("Pending", whileThere("pending"), count, "minor"),
      {
        title: "Lease",
        className: "minor",
        sort: ({ lease }) => lease?.leftMs ?? null,
        make: () => element("span", {}, element("meter", { min: "0", "aria-hidden": "true" }), element("span")),
        update(cell, { lease }) {
          const [meter, text] = cell.children;
          meter.hidden = typeof lease?.leftMs !== "number";
          setText(text, lease ? `${duration(lease.leftMs)} of ${duration(lease.leaseMs)}` : "–");
          if (meter.hidden) return;
          setAttribute(meter, "max", String(lease.leaseMs));
          setAttribute(meter, "low", String(lease.leaseMs / 3));
          setAttribute(meter, "value", String(Math.round(lease.leftMs)));
        },
      },
      number("Up for", whileThere("uptimeMs"), duration, "minor"),
      number("Restarts", ({ restarts }) => restarts, count, "minor"),
    ],
    {
      keyOf: ({ service }) => service,
      onRow(tr, row) {
        tr.dataset.service = row.service;
        tr.dataset.health = row.health;
        setAttribute(tr, "aria-selected", row.isSelected ? "true" : undefined);
      },
    },
  );
}
