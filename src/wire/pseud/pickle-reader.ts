import { isUtf8 } from "node:buffer";
import { BadRequestError, ProtocolError } from "../../errors.js";
import { PythonDate, PythonDateTime } from "./dates.js";
import {
  build,
  findName,
  type Item,
  makeNew,
  Name,
  type PickledValue,
  Unfinished,
  unreadable,
} from "./pickle-names.js";
import { Op } from "./pickle-ops.js";
import { PythonTimeDelta } from "./time-delta.js";
import { PythonTimeZone } from "./time-zone.js";

/** Octets of the largest pickle that is read; those of dates have a few hundred at most. */
const MAX_BYTES = 4096;
/** The newest protocol. */
const MAX_PROTOCOL = 5;

/**
 * Reads a pickle of a datetime, date, timedelta or time zone, of any protocol (docs/pseud-wire.md, section 3).
 *
 * A pickle is a program for a machine with a stack. This machine has the few operations and names that pickles of dates are
 * made of; it looks nothing up and calls nothing but functions of `pickle-names.ts`. Each operation takes an octet at least
 * and makes at most one thing out of what is there, so that time and memory are bounded by the pickle's size, and that by 4 KiB.
 *
 * @throws ProtocolError for every other pickle, and for octets that are none
 */
export function readPickle(octets: Uint8Array): PickledValue {
  if (octets.length > MAX_BYTES) throw unreadable(`${octets.length} octets, more than any date has`);
  try {
    return new Machine(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)).run();
  } catch (error) {
    // Parts that are read may still make no date, such as the 30th of February.
    if (error instanceof BadRequestError) throw new ProtocolError(error.message, { cause: error });
    throw error;
  }
}

class Machine {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #stack: Item[] = [];
  /** Where the marks lie: how high the stack was. */
  readonly #marks: number[] = [];
  /** A table, for a pickle chooses its numbers, up to 2³². */
  readonly #memo = new Map<number, Item>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  run(): PickledValue {
    for (;;) {
      const op = this.#take(1)[0] ?? 0;
      if (op === Op.stop) return this.#result();
      this.#step(op);
    }
  }

  #result(): PickledValue {
    const item = this.#pop();
    if (this.#stack.length > 0 || this.#at < this.#bytes.length) throw unreadable("more than one value");
    const value = item instanceof Unfinished ? item.zone : item;
    if (value instanceof PythonDateTime || value instanceof PythonDate) return value;
    if (value instanceof PythonTimeDelta || value instanceof PythonTimeZone) return value;
    throw unreadable("no date");
  }

  #step(op: number): void {
    const stack = this.#stack;
    switch (op) {
      case Op.proto:
        if (this.#unsigned(1) > MAX_PROTOCOL) throw unreadable("a newer protocol");
        return;
      case Op.frame:
        // Tells a reader of a stream how much to fetch.
        this.#take(8);
        return;
      case Op.none:
        stack.push(null);
        return;
      case Op.newTrue:
        stack.push(true);
        return;
      case Op.newFalse:
        stack.push(false);
        return;
      case Op.int:
        stack.push(integerOf(this.#line()));
        return;
      case Op.binInt:
        stack.push(this.#take(4).readInt32LE());
        return;
      case Op.binInt1:
        stack.push(this.#unsigned(1));
        return;
      case Op.binInt2:
        stack.push(this.#unsigned(2));
        return;
      case Op.long1:
        stack.push(longOf(this.#take(this.#unsigned(1))));
        return;
      case Op.shortBinString:
      case Op.shortBinBytes:
        stack.push(this.#take(this.#unsigned(1)));
        return;
      case Op.unicode:
        stack.push(unescaped(this.#line()));
        return;
      case Op.binUnicode:
        stack.push(textOf(this.#take(this.#unsigned(4))));
        return;
      case Op.shortBinUnicode:
        stack.push(textOf(this.#take(this.#unsigned(1))));
        return;
      case Op.global:
        stack.push(findName(this.#line(), this.#line()));
        return;
      case Op.stackGlobal: {
        const name = this.#pop();
        stack.push(findName(this.#pop(), name));
        return;
      }
      case Op.get:
        stack.push(this.#recall(indexOf(this.#line())));
        return;
      case Op.binGet:
        stack.push(this.#recall(this.#unsigned(1)));
        return;
      case Op.longBinGet:
        stack.push(this.#recall(this.#unsigned(4)));
        return;
      case Op.put:
        this.#remember(indexOf(this.#line()));
        return;
      case Op.binPut:
        this.#remember(this.#unsigned(1));
        return;
      case Op.longBinPut:
        this.#remember(this.#unsigned(4));
        return;
      case Op.memoize:
        this.#remember(this.#memo.size);
        return;
      default:
        this.#assemble(op);
    }
  }

  /** Operations that make something of what lies on the stack. */
  #assemble(op: number): void {
    const stack = this.#stack;
    switch (op) {
      case Op.mark:
        this.#marks.push(stack.length);
        return;
      case Op.emptyTuple:
        stack.push([]);
        return;
      case Op.tuple1:
      case Op.tuple2:
      case Op.tuple3:
        stack.push(this.#popMany(op - Op.tuple1 + 1));
        return;
      case Op.tuple:
        stack.push(this.#popToMark());
        return;
      case Op.emptyDict:
        stack.push(new Map());
        return;
      case Op.setItems: {
        const items = this.#popToMark();
        const dict = this.#top();
        if (!(dict instanceof Map) || items.length % 2 !== 0) throw unreadable("items of no dict");
        for (let index = 0; index < items.length; index += 2) dict.set(items[index] ?? null, items[index + 1] ?? null);
        return;
      }
      case Op.reduce: {
        const args = this.#pop();
        const name = this.#pop();
        if (!(name instanceof Name) || !isTuple(args)) throw unreadable("a call of no name");
        stack.push(name.call(args));
        return;
      }
      case Op.newObj: {
        const args = this.#pop();
        stack.push(makeNew(this.#pop(), args));
        return;
      }
      case Op.build: {
        const state = this.#pop();
        build(this.#top(), state);
        return;
      }
      default:
        throw unreadable(`the operation 0x${op.toString(16)}`);
    }
  }

  #take(size: number): Buffer {
    const end = this.#at + size;
    if (end > this.#bytes.length) throw unreadable("less than it should");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #unsigned(size: 1 | 2 | 4): number {
    return this.#take(size).readUIntLE(0, size);
  }

  /** What stands before the next line feed, as one character for each octet. */
  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw unreadable("a line without an end");
    const line = this.#take(end - this.#at).toString("latin1");
    this.#at = end + 1;
    return line;
  }

  /** The height that the stack had at the last mark: what lies below is out of reach until the mark is gone. */
  get #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  #top(): Item {
    const top = this.#stack.length > this.#floor ? this.#stack.at(-1) : undefined;
    if (top === undefined) throw unreadable("an operation on nothing");
    return top;
  }

  #pop(): Item {
    const top = this.#top();
    this.#stack.pop();
    return top;
  }

  #popMany(count: number): Item[] {
    if (this.#stack.length - count < this.#floor) throw unreadable("an operation on nothing");
    return this.#stack.splice(this.#stack.length - count);
  }

  #popToMark(): Item[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw unreadable("no mark where one is expected");
    return this.#stack.splice(mark);
  }

  #remember(index: number): void {
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): Item {
    const item = this.#memo.get(index);
    if (item === undefined) throw unreadable("a memory of nothing");
    return item;
  }
}

function isTuple(item: Item): item is readonly Item[] {
  return Array.isArray(item);
}

function textOf(octets: Buffer): string {
  if (!isUtf8(octets)) throw unreadable("a text that is no UTF-8");
  return octets.toString("utf8");
}

/** Two spellings of integers are booleans. */
function integerOf(line: string): number | boolean {
  if (line === "00" || line === "01") return line === "01";
  if (!/^-?\d{1,15}$/.test(line)) throw unreadable("an integer that is none");
  return Number(line);
}

function indexOf(line: string): number {
  if (!/^\d{1,10}$/.test(line)) throw unreadable("an index that is none");
  return Number(line);
}

/** An integer in two's complement, its lowest octet first; six octets hold more than any date needs. */
function longOf(octets: Buffer): number {
  if (octets.length > 6) throw unreadable("an integer larger than any date needs");
  return octets.length === 0 ? 0 : octets.readIntLE(0, octets.length);
}

/** Characters beyond the first 256, and those that would end a line, stand there by their numbers. */
function unescaped(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_all, short?: string, long?: string) => {
    const code = Number.parseInt(short ?? long ?? "", 16);
    if (code > 0x10ffff) throw unreadable("a character that is none");
    return String.fromCodePoint(code);
  });
}
