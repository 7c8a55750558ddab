import { ConfigurationError } from "../../errors.js";
import { encodeBox } from "./box.js";
import { parseBoxes } from "./box-parser.js";
import { encoded, readFields, requireFields, writeFields } from "./fields.js";
import type { AmpFields, AmpType, ReceivedValues, SentValues } from "./type.js";
import { kindOf, reading, WrongValueError, writing } from "./wrong-value.js";

/**
 * A list of values of one type, lists among them (docs/amp-wire.md, section 3). All of it is one value, of 65,535 octets.
 *
 * ```
 * list  elements, each of them: length (2 octets), value
 * ```
 *
 * @throws ConfigurationError for an element that is not a type, such as one that is optional
 */
export function listOf<Sent, Received>(element: AmpType<Sent, Received>): AmpType<readonly Sent[], Received[]> {
  if (typeof (element as Partial<typeof element>).encode !== "function") {
    throw new ConfigurationError("An element of a list is a type, and neither optional nor more than one value");
  }
  return {
    encode(list: unknown, context) {
      const parts: Uint8Array[] = [];
      for (const [index, value] of requireArray(list).entries()) {
        const octets = writing(index, () => {
          if (value === null || value === undefined) throw new WrongValueError("is missing");
          return encoded(element, value as Sent, context);
        });
        const size = Buffer.allocUnsafe(2);
        size.writeUInt16BE(octets.byteLength);
        parts.push(size, octets);
      }
      return Buffer.concat(parts);
    },
    decode(octets, context) {
      const view = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
      const list: Received[] = [];
      // An element at the end that is cut short is dropped, as Twisted does.
      for (let at = 0; at + 2 <= view.length; ) {
        const begin = at + 2;
        at = begin + view.readUInt16BE(at);
        if (at > view.length) break;
        const part = view.subarray(begin, at);
        list.push(reading(list.length, () => element.decode(part, context)));
      }
      return list;
    },
  };
}

/**
 * A list of rows with named values (docs/amp-wire.md, section 3): each row is a box of its own. All of it is one value, of 65,535 octets.
 *
 * Twisted has no lists of such lists by `listOf`; there, they stand in a row.
 *
 * @throws ConfigurationError for a name or a type that cannot be
 */
export function ampList<F extends AmpFields>(fields: F): AmpType<readonly SentValues<F>[], ReceivedValues<F>[]> {
  requireFields(fields);
  // A copy, as what was checked is to stay so.
  const own: F = Object.freeze({ ...fields });
  return {
    encode(rows: unknown, context) {
      const parts = Array.from(requireArray(rows), (row, index) =>
        writing(index, () => encodeBox(writeFields(own, row, "ignore", context))),
      );
      return Buffer.concat(parts);
    },
    decode: (octets, context) =>
      parseBoxes(octets).map((box, index) => reading(index, () => readFields(own, box, context))),
  };
}

function requireArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new WrongValueError(`is ${kindOf(value)}, not an array`);
  return value;
}
