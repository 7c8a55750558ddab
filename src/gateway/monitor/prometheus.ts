/** Types of metrics that Prometheus knows and we have. */
export type MetricType = "counter" | "gauge" | "histogram";

/** Names and values that tell one series of a metric from the others. */
export type Labels = Readonly<Record<string, string>>;

/** Writes metrics in Prometheus's text format, version 0.0.4. */
export class PrometheusText {
  #text = "";

  /** What the answer's content type has to be. */
  static readonly contentType: string = "text/plain; version=0.0.4; charset=utf-8";

  /**
   * One metric with all its series; nothing when it has none.
   *
   * @param name - of letters, digits and underscores
   * @param series - for histograms the number of what is in each class, by the end of its name
   */
  metric(name: string, type: MetricType, help: string, series: Iterable<Series>): void {
    let lines = "";
    // A series that comes twice would make readers refuse everything.
    const known = new Set<string>();
    for (const { suffix = "", labels, value } of series) {
      const key = `${name}${suffix}${labelsText(labels)}`;
      if (known.has(key)) continue;
      known.add(key);
      lines += `${key} ${numberText(value)}\n`;
    }
    if (lines === "") return;
    this.#text += `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n${lines}`;
  }

  /** Everything that was written. */
  toString(): string {
    return this.#text;
  }
}

/** One line. */
export interface Series {
  /** What follows the name: `_bucket`, `_sum` or `_count` of a histogram. */
  readonly suffix?: string;
  /** Its labels. */
  readonly labels: Labels;
  /** Its value. */
  readonly value: number;
}

/**
 * Lines of a histogram.
 *
 * @param bounds - upper bounds, ascending
 * @param counts - how many are in each class, the last one above all bounds; may be shorter
 */
export function histogramSeries(
  labels: Labels,
  bounds: readonly number[],
  counts: readonly number[],
  total: number,
): Series[] {
  let count = 0;
  const buckets = bounds.map((bound, index): Series => {
    count += counts[index] ?? 0;
    return { suffix: "_bucket", labels: { ...labels, le: String(bound) }, value: count };
  });
  count += counts[bounds.length] ?? 0;
  return [
    ...buckets,
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count },
    { suffix: "_sum", labels, value: total },
    { suffix: "_count", labels, value: count },
  ];
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/**
 * A label's value may hold anything; carriage returns would end a line for some readers. Half a character becomes the same sign here as
 * where it is sent: else two series would be the same there.
 */
function escaped(value: string): string {
  return value
    .replaceAll(/\p{Surrogate}/gu, "\ufffd")
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n")
    .replaceAll("\r", " ");
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
