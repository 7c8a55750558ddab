import { expect } from "chai";
import fc from "fast-check";
import { type Linked, LinkedList } from "../../../src/util/linked-list.js";
import { NumberTable } from "../../../src/util/number-table.js";
import { SlotTable } from "../../../src/util/slot-table.js";

describe("SlotTable", () => {
  it("finds what is there, and nothing else, in whatever order things come and go", () => {
    // true adds one, a number takes one of those that are there.
    const steps = fc.array(fc.oneof(fc.constant(true as const), fc.nat()), { maxLength: 400 });
    fc.assert(
      fc.property(steps, (list) => {
        const table = new SlotTable<{ id: number }>();
        const model = new Map<number, { id: number }>();
        for (const step of list) {
          if (step === true) {
            const thing = { id: table.next() };
            expect(model.has(thing.id)).to.equal(false);
            table.add(thing);
            model.set(thing.id, thing);
          } else if (model.size > 0) {
            const id = [...model.keys()][step % model.size] ?? 0;
            expect(table.take(id)).to.equal(model.get(id));
            expect(table.take(id)).to.equal(undefined);
            model.delete(id);
          }
          expect(table.size).to.equal(model.size);
        }
        expect(new Set(table.values())).to.deep.equal(new Set(model.values()));
      }),
    );
  });

  it("leaves numbers out whose place is taken for long", () => {
    const table = new SlotTable<{ id: number }>();
    const stays = { id: table.next() };
    table.add(stays);
    for (let count = 0; count < 1_000; count++) {
      const thing = { id: table.next() };
      table.add(thing);
      expect(table.take(thing.id)).to.equal(thing);
    }
    expect(table.take(stays.id)).to.equal(stays);
  });
});

describe("LinkedList", () => {
  it("holds what was added and not deleted, and may be changed while it is walked through", () => {
    class Thing implements Linked {
      previous: this | undefined;
      next: this | undefined;
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }
    }
    const list = new LinkedList<Thing>();
    const things = ["a", "b", "c", "d"].map((name) => new Thing(name));
    for (const thing of things) list.add(thing);
    for (const thing of list) if (thing.name === "b" || thing.name === "d") list.delete(thing);
    expect([...list].map((thing) => thing.name)).to.deep.equal(["c", "a"]);
    expect(list.size).to.equal(2);
    for (const thing of list) list.delete(thing);
    expect([...list]).to.deep.equal([]);
  });
});

describe("NumberTable", () => {
  it("finds what is there, and nothing else, whatever the numbers are", () => {
    // A list of numbers, each of which is put in, or taken out if it is there.
    const number = fc.oneof(
      fc.integer({ min: 1, max: 300 }),
      fc.nat(40).map((shift) => 2 ** shift),
      fc.maxSafeNat(),
    );
    fc.assert(
      fc.property(fc.array(number, { maxLength: 600 }), (numbers) => {
        const table = new NumberTable<{ number: number }>();
        const model = new Map<number, { number: number }>();
        for (const each of numbers) {
          const known = model.get(each);
          expect(table.get(each)).to.equal(known);
          if (known) {
            table.delete(known);
            model.delete(each);
            expect(table.get(each)).to.equal(undefined);
          } else {
            const thing = { number: each };
            table.add(thing);
            model.set(each, thing);
          }
          expect(table.size).to.equal(model.size);
        }
        expect(table.values()).to.have.members([...model.values()]);
      }),
    );
  });

  it("finds all that are left when most have gone", () => {
    const table = new NumberTable<{ number: number }>();
    const things = Array.from({ length: 5_000 }, (_, index) => ({ number: index * 1_024 + 1 }));
    for (const thing of things) table.add(thing);
    for (const thing of things.slice(10)) table.delete(thing);
    expect(table.values()).to.have.length(10);
    for (const thing of things.slice(0, 10)) expect(table.get(thing.number)).to.equal(thing);
  });
});
