import { pythonJson } from "./message-json.js";
import type { Metric } from "./metrics.js";

/** A name and its figure. */
export type MetricPair = readonly [name: string, value: number];

/** Makes something of figures. nodeset: the formatters of metrics. */
export interface MetricFormatter<T> {
  /** Makes it. */
  format(pairs: readonly MetricPair[]): T;
}

/** A list of names and figures. nodeset: `Base`. */
export const baseFormatter: MetricFormatter<readonly MetricPair[]> = { format: (pairs) => pairs };

/** Figures by name. nodeset: `Dict`. */
export const dictFormatter: MetricFormatter<Map<string, number>> = { format: (pairs) => new Map(pairs) };

/** JSON, as Python writes it. nodeset: `Json`. */
export const jsonFormatter: MetricFormatter<string> = { format: (pairs) => pythonJson(new Map(pairs)) };

/** Metrics that are read together. */
export class MetricCollection<T = readonly MetricPair[]> {
  /** What {@link MetricCollection.get} makes of the figures; may be changed at any time. */
  formatter: MetricFormatter<T>;
  readonly #metrics = new Set<Metric>();

  /**
   * Holds none yet.
   *
   * @param formatter - such as {@link jsonFormatter}
   */
  constructor(formatter: MetricFormatter<T>) {
    this.formatter = formatter;
  }

  /** Takes a metric in; one that is there already stays where it is. */
  add(metric: Metric): this {
    this.#metrics.add(metric);
    return this;
  }

  /** Takes it out; `false` when it is not there. */
  remove(metric: Metric): boolean {
    return this.#metrics.delete(metric);
  }

  /** Reads all of them, which sets those of type `Absolute` back. */
  get(): T {
    return this.formatter.format(Array.from(this.#metrics, (metric): MetricPair => [metric.name, metric.get()]));
  }
}
