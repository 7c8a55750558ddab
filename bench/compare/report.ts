import type { Measured, Peer, PeerName, Work } from "./peer.js";

/** One figure of one round. */
export interface Cell extends Partial<Measured> {
  readonly peer: PeerName;
  readonly work: Work;
  /** For work that is measured in time. */
  readonly ms?: number;
}

/** What this package is held to: its figure over the peer's, at least; for time and CPU, at most. */
const GOALS: readonly (readonly [what: string, peer: PeerName, work: string, figure: Figure, bound: number])[] = [
  ["rpc-websockets, small @64", "rpc-websockets", "small @64", "rate", 1.5],
  ["moleculer, small @64", "moleculer", "small @64", "rate", 3],
  ["capnweb, small @64", "capnweb", "small @64", "rate", 4],
  ["NATS, small @64", "nats", "small @64", "rate", 7],
  ["grpc-js, small @64", "grpc", "small @64", "rate", 20],
  ["node:net + msgpackr, small @64", "net-msgpackr", "small @64", "rate", 0.6],
  ["rpc-websockets, small @512", "rpc-websockets", "small @512", "rate", 2.7],
  ["node:net + msgpackr, small @512", "net-msgpackr", "small @512", "rate", 0.7],
  ["ws + JSON, median latency @1", "ws-json", "small @1", "p50", 1],
  ["rpc-websockets, median latency @1", "rpc-websockets", "small @1", "p50", 1],
  ["zeromq.js, CPU a call, small @64", "zeromq", "small @64", "cpu", 0.4],
  ["capnweb, 64 KiB @64", "capnweb", "64k @64", "rate", 5],
  ["zeromq.js, 64 KiB @64", "zeromq", "64k @64", "rate", 0.65],
  ["zeromq.js, first call of a process", "zeromq", "first call @1", "ms", 1.3],
];

type Figure = "rate" | "cpu" | "p50" | "p99" | "ms";

/** The tables. */
export function report(cells: readonly Cell[], peers: readonly Peer[], idle: number | undefined): string {
  const median = (peer: PeerName, work: string, figure: Figure): number | undefined =>
    summarise(cells.filter((cell) => cell.peer === peer && keyOf(cell.work) === work).map((cell) => cell[figure]));
  const works = [...new Set(cells.map(({ work }) => keyOf(work)))];
  const names = peers.map(({ name }) => name);
  const ratios = names.map((name) => [
    name,
    ...works.map((work) => {
      const figure = work.startsWith("first") ? "ms" : "rate";
      const ours = median("lamplighter", work, figure);
      const theirs = median(name, work, figure);
      if (ours === undefined || theirs === undefined) return "";
      return (figure === "ms" ? theirs / ours : ours / theirs).toFixed(2);
    }),
  ]);
  const absolute = names.map((name) => [
    name,
    ...works.map((work) => {
      const ms = median(name, work, "ms");
      const rate = median(name, work, "rate");
      return ms === undefined
        ? rate === undefined
          ? ""
          : Math.round(rate).toLocaleString("en")
        : `${ms.toFixed(0)} ms`;
    }),
    round(median(name, "small @1", "p50")),
    round(median(name, "small @1", "p99")),
    (median(name, "small @64", "cpu") ?? NaN).toFixed(1),
    (median(name, "small @512", "cpu") ?? NaN).toFixed(1),
  ]);
  const goals = GOALS.flatMap(([what, peer, work, figure, bound]) => {
    const ours = median("lamplighter", work, figure);
    const theirs = median(peer, work, figure);
    if (ours === undefined || theirs === undefined) return [];
    const ratio = ours / theirs;
    const isMore = figure === "rate";
    const met = isMore ? ratio >= bound : ratio <= bound;
    return [[what, ratio.toFixed(2), `${isMore ? "at least" : "at most"} ${bound}`, met ? "yes" : "NO"]];
  });
  if (idle !== undefined) {
    goals.push(["bytes of an idle proxy", idle.toFixed(0), "at most 600", idle <= 600 ? "yes" : "NO"]);
  }
  return [
    "Calls per second: lamplighter over each peer; for the first call of a process the peer's time over ours.",
    table(["", ...works], ratios),
    "Calls per second; latency with one call in flight in µs; CPU of all processes in µs a call.",
    table(["", ...works, "p50", "p99", "CPU @64", "CPU @512"], absolute),
    "Goals.",
    table(["lamplighter over", "ratio", "goal", "met"], goals),
  ].join("\n\n");
}

function keyOf({ name, inFlight }: Work): string {
  return `${name} @${inFlight}`;
}

function summarise(samples: readonly (number | undefined)[]): number | undefined {
  const sorted = samples.filter((sample) => sample !== undefined).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function round(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(0);
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ");
  return [format(head), ...lines.map(format)].join("\n");
}
