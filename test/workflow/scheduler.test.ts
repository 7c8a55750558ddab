import { expect } from "chai";
import { rpcError, type StoredSchedule } from "../../src/index.js";
import type { ScheduleDefinition } from "../../src/workflow/definition/definition.js";
import { Scheduler } from "../../src/workflow/service/scheduler.js";
import { keepLog } from "../support/log.js";
import { ManualClock } from "../support/manual-clock.js";

/** What schedules leave behind: their journal, and the runs that they began. */
class World {
  readonly clock: ManualClock;
  readonly stored = new Map<string, StoredSchedule>();
  readonly runs = new Map<string, { task: string; input: unknown }>();
  /** Each attempt to begin a run, also of one that is there. */
  readonly begun: string[] = [];
  readonly log = keepLog();
  failing: Error | undefined;

  constructor(now: string) {
    this.clock = new ManualClock(Date.parse(now));
  }

  async open(file: Record<string, ScheduleDefinition> = {}): Promise<Scheduler> {
    const scheduler = new Scheduler({
      journal: {
        schedules: () => Promise.resolve([...this.stored.values()]),
        setSchedule: (name, schedule) => {
          if (schedule) this.stored.set(name, schedule);
          else this.stored.delete(name);
          return Promise.resolve();
        },
      },
      start: (task, input, id) => {
        this.begun.push(id);
        if (this.failing) return Promise.reject(this.failing);
        if (!this.runs.has(id)) this.runs.set(id, { task, input });
        return Promise.resolve();
      },
      clock: this.clock,
      log: this.log.log,
    });
    await scheduler.open(new Map(Object.entries(file)));
    scheduler.begin();
    await settled();
    return scheduler;
  }

  async to(time: string): Promise<void> {
    await this.clock.to(Date.parse(time), settled);
  }

  get ids(): string[] {
    return [...this.runs.keys()];
  }
}

const settled = (): Promise<void> => new Promise(setImmediate);
const hourly: ScheduleDefinition = { task: "t", cron: "0 * * * *", input: { a: 1 } };

describe("Schedules", () => {
  it("begin runs at their times, named after them", async () => {
    const world = new World("2026-01-01T00:30:00Z");
    const scheduler = await world.open({ hourly });
    expect(scheduler.list()).to.deep.include({
      ...hourly,
      name: "hourly",
      nextAt: Date.parse("2026-01-01T01:00:00Z"),
      lastAt: null,
    });
    await world.to("2026-01-01T02:30:00Z");
    expect(world.ids).to.deep.equal(["schedule:hourly:2026-01-01T01:00:00Z", "schedule:hourly:2026-01-01T02:00:00Z"]);
    expect(world.runs.get("schedule:hourly:2026-01-01T01:00:00Z")).to.deep.equal({ task: "t", input: { a: 1 } });
    expect(scheduler.list()[0]).to.include({ lastAt: Date.parse("2026-01-01T02:00:00Z") });
    scheduler.close();
    expect(world.clock.size).to.equal(0);
  });

  it("skip what they missed, or make up for the last of it", async () => {
    const world = new World("2026-01-01T00:30:00Z");
    const file = { skip: hourly, last: { ...hourly, missed: "last" as const } };
    const first = await world.open(file);
    await world.to("2026-01-01T01:10:00Z");
    first.close();
    world.clock.jump(Date.parse("2026-01-01T05:30:00Z"));
    const second = await world.open(file);
    expect(world.ids.slice(2)).to.deep.equal(["schedule:last:2026-01-01T05:00:00Z"]);
    second.close();
    // What was made up for is not made up for again.
    const third = await world.open(file);
    expect(world.begun).to.have.length(3);
    await world.to("2026-01-01T06:00:00Z");
    expect(world.ids.slice(3).sort()).to.deep.equal([
      "schedule:last:2026-01-01T06:00:00Z",
      "schedule:skip:2026-01-01T06:00:00Z",
    ]);
    third.close();
  });

  it("make up for nothing from before they were there, or were otherwise", async () => {
    const world = new World("2026-01-01T00:30:00Z");
    const last = { ...hourly, missed: "last" as const };
    (await world.open({ last })).close();
    world.clock.jump(Date.parse("2026-01-01T03:30:00Z"));
    (await world.open({ last: { ...last, cron: "15 * * * *" } })).close();
    expect(world.ids).to.deep.equal([]);
    world.clock.jump(Date.parse("2026-01-01T04:20:00Z"));
    (await world.open({ last: { ...last, cron: "15 * * * *" } })).close();
    expect(world.ids).to.deep.equal(["schedule:last:2026-01-01T04:15:00Z"]);
  });

  it("begin no second run for a time, killed between the run and the note of it", async () => {
    const world = new World("2026-01-01T00:30:00Z");
    const last = { ...hourly, missed: "last" as const };
    const first = await world.open({ last });
    const before = new Map(world.stored);
    await world.to("2026-01-01T01:00:00Z");
    first.close();
    world.stored.clear();
    for (const [name, one] of before) world.stored.set(name, one);
    world.clock.jump(Date.parse("2026-01-01T01:00:10Z"));
    (await world.open({ last })).close();
    expect(world.begun).to.deep.equal([world.ids[0], world.ids[0]]);
    expect(world.runs.size).to.equal(1);
  });

  it("follow the clocks of their time zone in spring and autumn", async () => {
    const world = new World("2026-03-28T12:00:00Z");
    const nightly = { task: "t", cron: "30 2 * * *", timezone: "Europe/Berlin" };
    const scheduler = await world.open({ nightly });
    await world.to("2026-03-30T12:00:00Z");
    // There is no half past two that night; it begins when the gap is over.
    expect(world.ids).to.deep.equal(["schedule:nightly:2026-03-29T01:00:00Z", "schedule:nightly:2026-03-30T00:30:00Z"]);
    scheduler.close();
    const autumn = new World("2026-10-24T12:00:00Z");
    const again = await autumn.open({ nightly });
    await autumn.to("2026-10-26T12:00:00Z");
    expect(autumn.ids).to.deep.equal([
      "schedule:nightly:2026-10-25T00:30:00Z",
      "schedule:nightly:2026-10-26T01:30:00Z",
    ]);
    again.close();
  });

  it("wait for years, longer than a timer can", async () => {
    const world = new World("2026-03-01T00:00:00Z");
    const scheduler = await world.open({ leap: { task: "t", cron: "0 0 29 2 *" } });
    expect(scheduler.list()[0]?.nextAt).to.equal(Date.parse("2028-02-29T00:00:00Z"));
    world.clock.jump(Date.parse("2028-02-28T23:59:00Z"));
    await world.to("2028-02-29T00:00:01Z");
    expect(world.ids).to.deep.equal(["schedule:leap:2028-02-29T00:00:00Z"]);
    scheduler.close();
  });

  it("go by the clock when that is put right", async () => {
    const world = new World("2036-01-01T00:30:00Z");
    const scheduler = await world.open({ hourly });
    await world.to("2036-01-01T01:00:00Z");
    world.clock.jump(Date.parse("2026-01-01T00:30:00Z"));
    scheduler.recheck();
    expect(scheduler.list()[0]?.nextAt).to.equal(Date.parse("2026-01-01T01:00:00Z"));
    await world.to("2026-01-01T01:00:00Z");
    // Put forward over several times: those were not there.
    world.clock.jump(Date.parse("2026-01-01T05:30:00Z"));
    await world.to("2026-01-01T06:00:00Z");
    expect(world.ids).to.deep.equal([
      "schedule:hourly:2036-01-01T01:00:00Z",
      "schedule:hourly:2026-01-01T01:00:00Z",
      "schedule:hourly:2026-01-01T06:00:00Z",
    ]);
    scheduler.close();
  });

  it("try again while the journal cannot be written, and go on after other failures", async () => {
    const world = new World("2026-01-01T00:30:00Z");
    const scheduler = await world.open({ hourly });
    world.failing = rpcError("UNAVAILABLE", "disk full", { outcome: "not-executed" });
    await world.to("2026-01-01T01:00:20Z");
    expect(world.begun.length).to.be.above(1);
    world.failing = undefined;
    await world.to("2026-01-01T01:01:00Z");
    expect(world.ids).to.deep.equal(["schedule:hourly:2026-01-01T01:00:00Z"]);
    world.failing = rpcError("METHOD_NOT_FOUND", "There is no task t");
    await world.to("2026-01-01T02:10:00Z");
    world.failing = undefined;
    await world.to("2026-01-01T03:00:00Z");
    expect(world.ids[1]).to.equal("schedule:hourly:2026-01-01T03:00:00Z");
    expect([...world.log.lines("warn"), ...world.log.lines("error")].join("\n"))
      .to.contain("disk full")
      .and.contain("There is no task t");
    scheduler.close();
  });

  it("can be added, replaced and removed, also those of the file", async () => {
    const world = new World("2026-01-01T00:30:00Z");
    let scheduler = await world.open({ a: hourly });
    const again = async (): Promise<void> => {
      scheduler.close();
      scheduler = await world.open({ a: hourly });
    };
    const told = (): unknown => scheduler.list().map(({ name, cron }) => [name, cron]);
    await scheduler.set("b", { task: "t", cron: "5 * * * *" });
    await scheduler.set("a", { task: "t", cron: "10 * * * *" });
    const both = [
      ["a", "10 * * * *"],
      ["b", "5 * * * *"],
    ];
    expect(told()).to.deep.equal(both);
    await again();
    expect(told()).to.deep.equal(both);
    await scheduler.remove("a");
    await scheduler.remove("b");
    expect(told()).to.deep.equal([["a", "0 * * * *"]]);
    await again();
    expect(told()).to.deep.equal([["a", "0 * * * *"]]);
    await scheduler.remove("a");
    await again();
    expect(told()).to.deep.equal([]);
    await world.to("2026-01-01T03:00:00Z");
    expect(world.ids).to.deep.equal([]);
    scheduler.close();
    // Once the file does not have it any more, it may be given again.
    (await world.open({})).close();
    scheduler = await world.open({ a: hourly });
    expect(told()).to.deep.equal([["a", "0 * * * *"]]);
    scheduler.close();
  });
});
