/** May escape codes be written to standard output? */
export function hasColours(): boolean {
  return process.stdout.isTTY && process.env.NO_COLOR === undefined;
}

/** A heading, where the terminal can show it. */
export function bold(text: string): string {
  return hasColours() ? `\u001b[1m${text}\u001b[22m` : text;
}

/** Columns for a terminal; for a pipe one line each, members separated by tabs, without a heading. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (!process.stdout.isTTY) return rows.map((row) => row.join("\t")).join("\n");
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [bold(line(head)), ...rows.map(line)].join("\n");
}
