/** One line of the report. */
export interface Row {
  readonly work: string;
  readonly inFlight: number;
  /** Medians. */
  readonly callsPerSecond: Readonly<Record<string, number>>;
  /** For work that is measured in time. */
  readonly milliseconds?: Readonly<Record<string, number>>;
  /** This package over bare zeromq.js with the same frames. */
  readonly ratioToBare?: number;
  /** This package over bare zeromq.js with as few frames as possible. */
  readonly ratioToBareShort?: number;
}

/** The median. */
export function summarise(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** The report as text. */
export function table(rows: readonly Row[]): string {
  const head = ["work", "in flight", "lamplighter/s", "bare/s", "bare-short/s", "x bare", "x bare-short"];
  const lines = rows.map((row) => [
    row.work,
    String(row.inFlight),
    ...["lamplighter", "bare", "bare-short"].map((peer) => rate(row.callsPerSecond[peer])),
    ratio(row.ratioToBare),
    ratio(row.ratioToBareShort),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return [format(head), ...lines.map(format)].join("\n");
}

function rate(value: number | undefined): string {
  return value === undefined ? "" : Math.round(value).toLocaleString("en");
}

function ratio(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(2);
}
