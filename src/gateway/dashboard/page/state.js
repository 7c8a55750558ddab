/** What the server has told, put together. */

const HISTORY = 600;

/** Everything as it is now. */
export class State {
  at = 0;
  intervalMs = 1000;
  nameserver = { address: "", isReachable: null, detail: null };
  omitted = 0;
  services = new Map();

  /** Everything anew. */
  replace(snapshot) {
    this.services.clear();
    this.merge(snapshot);
  }

  /** What has changed. */
  merge({ at, intervalMs, nameserver, omitted, services, removed = [] }) {
    Object.assign(this, { at, intervalMs, nameserver, omitted });
    for (const name of removed) this.services.delete(name);
    for (const service of services) {
      const before = this.services.get(service.service);
      const points = before?.points ?? [];
      const last = points.at(-1)?.at ?? 0;
      for (const point of service.points) if (point.at > last) points.push(point);
      points.splice(0, points.length - HISTORY);
      this.services.set(service.service, { ...service, points, sections: service.sections ?? before?.sections ?? {} });
    }
  }

  /** Points of one service, or of all together: calls and errors are added, of latencies the worst counts. */
  points(name) {
    if (name !== undefined) return this.services.get(name)?.points ?? [];
    const together = new Map();
    for (const { points } of this.services.values()) {
      for (const point of points) {
        const at = Math.round(point.at / this.intervalMs) * this.intervalMs;
        const sum = together.get(at);
        if (!sum) together.set(at, { ...point, at });
        else {
          sum.calls = known(sum.calls, point.calls, (a, b) => a + b);
          sum.errors = known(sum.errors, point.errors, (a, b) => a + b);
          sum.p50Ms = known(sum.p50Ms, point.p50Ms, Math.max);
          sum.p99Ms = known(sum.p99Ms, point.p99Ms, Math.max);
        }
      }
    }
    return [...together.values()].sort((a, b) => a.at - b.at).slice(-HISTORY);
  }
}

function known(a, b, together) {
  if (a === null) return b;
  return b === null ? a : together(a, b);
}
