import { element, setAttribute, setText, shape } from "./dom.js";
import { time } from "./format.js";

/** Lines over time, with axes. Values are read with the pointer, or with the arrow keys. */

const HEIGHT = 200;
const MARGIN = { top: 8, right: 8, bottom: 22, left: 52 };

export class Plot {
  #figure;
  #svg = shape("svg", { class: "plot", tabindex: "0", role: "img" });
  #readout = element("p", { class: "readout", "aria-live": "off" });
  #keys = [];
  #title;
  #series;
  #format;
  #points = [];
  #spanMs = 60_000;
  #stepMs = 1000;
  #cursor;

  /** @param series - `{ name, key, area }` of each line: `key` is the member of a point, and its colour */
  constructor(figure, { title, series, format }) {
    this.#figure = figure;
    this.#title = title;
    this.#series = series;
    this.#format = format;
    const caption = element("figcaption", {}, element("strong", {}, title));
    for (const { name, className } of series) {
      const value = element("span");
      const key = element("span", { class: `key ${className}` }, element("span", {}, name), value);
      this.#keys.push(value);
      caption.append(key);
    }
    figure.append(caption, this.#svg, this.#readout);
    this.#svg.addEventListener("pointermove", (event) => this.#point(event.offsetX));
    this.#svg.addEventListener("pointerleave", () => this.#moveTo(undefined));
    this.#svg.addEventListener("blur", () => this.#moveTo(undefined));
    this.#svg.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(this.#svg);
  }

  /** Shows other values. */
  update(points, now, intervalMs) {
    this.#points = points.filter(({ at }) => at > now - 600_000);
    this.#stepMs = intervalMs;
    const first = this.#points[0]?.at ?? now;
    this.#spanMs = [60_000, 120_000, 300_000, 600_000].find((span) => now - first <= span) ?? 600_000;
    this.#draw(now);
  }

  #now = Date.now();
  #scale = { x: (at) => at, y: (value) => value };

  #draw(now = this.#now) {
    this.#now = now;
    const width = this.#svg.clientWidth;
    if (width === 0) return;
    const from = now - this.#spanMs;
    const highest = Math.max(0, ...this.#points.flatMap((point) => this.#series.map(({ key }) => point[key] ?? 0)));
    const { top, step } = niceScale(highest);
    const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
    const x = (at) => MARGIN.left + ((at - from) / this.#spanMs) * inner.width;
    const y = (value) => MARGIN.top + (1 - value / top) * inner.height;
    this.#scale = { x, y };
    setAttribute(this.#svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    const parts = [];
    for (let value = 0; value <= top + step / 2; value += step) {
      parts.push(
        shape("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      );
      parts.push(shape("text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, this.#format(value)));
    }
    const steps = inner.width < 360 ? 2 : 4;
    for (let index = 0; index <= steps; index++) {
      const at = from + (this.#spanMs * index) / steps;
      const anchor = index === 0 ? "start" : index === steps ? "end" : "middle";
      parts.push(shape("text", { x: x(at), y: HEIGHT - 5, "text-anchor": anchor }, time(at)));
    }
    for (const { key, className, area } of this.#series) {
      for (const run of this.#runs(key, from)) {
        const line = run.map((point) => `${x(point.at).toFixed(1)},${y(point[key]).toFixed(1)}`).join("L");
        if (area && run.length > 1) {
          const d = `M${x(run[0].at).toFixed(1)},${y(0)}L${line}L${x(run.at(-1).at).toFixed(1)},${y(0)}Z`;
          parts.push(shape("path", { class: `area ${className}`, d }));
        }
        if (run.length > 1) parts.push(shape("path", { class: className, d: `M${line}` }));
        else parts.push(shape("circle", { class: className, cx: x(run[0].at), cy: y(run[0][key]), r: 2 }));
      }
    }
    this.#svg.replaceChildren(...parts);
    const last = this.#points.at(-1);
    for (const [index, { key }] of this.#series.entries()) setText(this.#keys[index], this.#format(last?.[key]));
    setAttribute(this.#svg, "aria-label", `${this.#title}. ${this.#describe(last)} Arrow keys read other times.`);
    this.#showCursor();
  }

  /** Where nothing is known there is a gap, also where nobody has looked for a while. */
  #runs(key, from) {
    const runs = [];
    let run = [];
    let lastAt = -Infinity;
    for (const point of this.#points) {
      const isKnown = point[key] !== null && point.at >= from;
      if (!isKnown || point.at - lastAt > 4 * this.#stepMs) {
        if (run.length > 0) runs.push(run);
        run = [];
      }
      if (isKnown) run.push(point);
      lastAt = point.at;
    }
    if (run.length > 0) runs.push(run);
    return runs;
  }

  #point(offset) {
    let nearest;
    for (const point of this.#points) {
      const distance = Math.abs(this.#scale.x(point.at) - offset);
      if (!nearest || distance < nearest.distance) nearest = { at: point.at, distance };
    }
    this.#moveTo(nearest?.at);
  }

  #key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    const move = moves[event.key];
    if (event.key === "Escape") this.#moveTo(undefined);
    if (move === undefined || this.#points.length === 0) return;
    event.preventDefault();
    const found = this.#points.findIndex(({ at }) => at === this.#cursor);
    const index = found < 0 ? this.#points.length - 1 : found + move;
    this.#moveTo(this.#points[Math.min(this.#points.length - 1, Math.max(0, index))].at);
    setAttribute(this.#readout, "aria-live", "polite");
  }

  #moveTo(at) {
    this.#cursor = at;
    setAttribute(this.#readout, "aria-live", "off");
    this.#showCursor();
  }

  #showCursor() {
    for (const old of this.#svg.querySelectorAll(".cursor, .mark")) old.remove();
    const point = this.#points.find(({ at }) => at === this.#cursor);
    setText(this.#readout, point ? this.#describe(point) : "");
    if (!point) return;
    const x = this.#scale.x(point.at);
    this.#svg.append(shape("line", { class: "cursor", x1: x, x2: x, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }));
    for (const { key, className } of this.#series) {
      if (point[key] === null) continue;
      this.#svg.append(shape("circle", { class: `mark ${className}`, cx: x, cy: this.#scale.y(point[key]), r: 3.5 }));
    }
  }

  #describe(point) {
    if (!point) return "Nothing is known yet.";
    const values = this.#series.map(({ name, key }) => `${name} ${this.#format(point[key])}`);
    return `${time(point.at)}: ${values.join(", ")}.`;
  }
}

/** The end of an axis and the step of its marks, both round. */
function niceScale(highest) {
  if (highest <= 0) return { top: 1, step: 1 };
  const rough = highest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  return { top: Math.ceil(highest / step) * step, step };
}
