import { expect } from "chai";
import { SILENT } from "../../src/util/log.js";
import { Room } from "../../src/workflow/engine/room.js";
import { RunLog } from "../../src/workflow/engine/run-log.js";
import type { JournalWrite, RunJournal } from "../../src/workflow/journal/run-journal.js";

describe("What a run writes down", () => {
  const line = (number: number): JournalWrite => ({
    kind: "entry",
    run: 1,
    entry: { number, at: 0, event: { kind: "begun" } },
  });

  it("is written when it is said to be safe, whenever it was added while something else was being written", async () => {
    // Whatever others do between the end of a write and what follows from it, they do in one of these turns.
    for (let turns = 0; turns < 20; turns++) {
      const written: JournalWrite[] = [];
      let begun: () => void = () => undefined;
      let end: () => void = () => undefined;
      const writing = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      const journal = {
        write: async (batch: readonly JournalWrite[]): Promise<void> => {
          begun();
          await ended;
          written.push(...batch);
        },
      };
      const log = new RunLog(journal as unknown as RunJournal, new Room(SILENT));
      log.add(line(1));
      await writing;
      end();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      log.add(line(2));
      await log.safe();
      expect(written, `after ${turns} turns`).to.deep.equal([line(1), line(2)]);
    }
  });
});
