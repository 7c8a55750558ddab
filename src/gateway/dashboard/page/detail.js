import { byId, element, setText } from "./dom.js";
import { bytes, count, duration, latency, rate } from "./format.js";
import { Sections } from "./sections.js";
import { healthText } from "./services.js";
import { Table } from "./tables.js";

const column = (title, read, text) => ({ title, className: "number", sort: read, text: (row) => text(read(row)) });

/** Everything that is known of one service. */
export class Detail {
  #parent;
  #methods = new Table(
    byId("methods"),
    [
      {
        title: "Method",
        className: "name",
        sort: ({ interface: name = "", method = "" }) => `${name}.${method}`,
        text: ({ interface: name, method }) => (name === "" ? method : `${name}.${method}`),
      },
      column("Calls/s", ({ perSecond }) => perSecond, rate),
      column("Errors/s", ({ errorsPerSecond }) => errorsPerSecond, rate),
      column("p50", ({ p50Ms }) => p50Ms, latency),
      column("p99", ({ p99Ms }) => p99Ms, latency),
      column("Running", ({ running }) => running, count),
      column("Calls", ({ calls }) => calls, count),
    ],
    { caption: "Methods, over the last 10 seconds", keyOf: (row) => `${row.interface} ${row.method}` },
  );
  #errors = new Table(
    byId("errors"),
    [
      { title: "Code", sort: ({ code = "" }) => code, text: ({ code }) => code },
      { title: "Outcome", sort: ({ outcome = "" }) => outcome, text: ({ outcome }) => outcome },
      column("Errors/s", ({ perSecond }) => perSecond, rate),
      column("Errors", (row) => row.count, count),
    ],
    { caption: "Errors by code and outcome", keyOf: ({ code, outcome }) => `${code} ${outcome}` },
  );
  #sections = new Sections(byId("sections"));

  constructor(parent) {
    this.#parent = parent;
  }

  /** Shows a service; `undefined` for none. */
  show(service) {
    this.#parent.hidden = service === undefined;
    if (!service) return;
    setText(byId("detail-title"), service.service);
    setText(byId("detail-note"), `${healthText(service)}${service.detail ? `: ${service.detail}` : ""}`);
    const { process } = service;
    const facts = [
      ["Address", service.address],
      ["Interfaces", service.interfaces.join(", ")],
      ["Run", service.incarnation ?? "–"],
      ["Restarts seen", count(service.restarts)],
      ["Answered in", latency(service.answeredInMs)],
      ["Peers", count(service.peers)],
      ["Memory", bytes(process?.residentBytes)],
      ["Heap", bytes(process?.heapUsedBytes)],
      ["Processor time", duration(process?.cpuMs)],
      ["Event loop delay", latency(process?.loopDelayMs)],
    ];
    const list = byId("facts");
    for (const [index, [name, value]] of facts.entries()) {
      if (!list.children[index]) list.append(element("div", {}, element("dt", {}, name), element("dd")));
      setText(list.children[index].lastElementChild, value);
    }
    this.#methods.update(service.methods);
    this.#errors.update(service.errors);
    byId("errors").hidden = service.errors.length === 0;
    this.#sections.show(service);
  }
}
