/** Numbers for people. Where nothing is known there is a dash. */

const NOTHING = "–";

/** Something per second. */
export function rate(value) {
  if (value === null || value === undefined) return NOTHING;
  if (value === 0) return "0";
  if (value < 0.1) return "<0.1";
  return value < 10 ? value.toFixed(1) : count(Math.round(value));
}

/** A whole number. */
export function count(value) {
  return value === null || value === undefined ? NOTHING : value.toLocaleString("en");
}

/** Milliseconds as a latency. */
export function latency(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  if (ms === 0) return "0";
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** Milliseconds as a length of time. */
export function duration(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** Milliseconds that something took or takes, as a short length of time. */
export function elapsed(ms) {
  return ms < 60_000 ? latency(Math.max(0, ms)) : duration(ms);
}

/** Bytes. */
export function bytes(value) {
  if (value === null || value === undefined) return NOTHING;
  return value < 1024 * 1024 ? `${Math.round(value / 1024)} KiB` : `${Math.round(value / 1024 / 1024)} MiB`;
}

/** A time of day. */
export function time(at) {
  return new Date(at).toLocaleTimeString("en-GB");
}

/** A day and a time of it. */
export function moment(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? time(at) : `${date.toLocaleDateString("en-CA")} ${time(at)}`;
}
